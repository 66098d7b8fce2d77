# SPDX-License-Identifier: Apache-2.0
"""The REST service in front of real controllers: two processes of sm on loopback, with programs for services."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import fixtures

from sm import conf, control
from sm.api import root
from sm.cmd import configure
from sm.tests.functional.engine_base import OWN, PEER, PROGRAM
from stx import testing

DEADLINE_S = 60.0
_RUN = "import sys; sys.argv[0] = 'sm'; from sm.cmd import main; main.controller()"
_ADDRESSES = {OWN: "127.0.0.81", PEER: "127.0.0.82"}
_FILE = """
node: {name}
peer: {peer}
cluster: test
interfaces:
  management-interface: {{device: lo, address: {address}, peers: {{{peer}: {peer_address}}}, key: k, port: {port}}}
services:
  ip: {{command: {program} ip}}
  web: {{command: {program} web, after: [ip]}}
  dns: {{command: {program} dns}}
groups:
  moving: {{services: {{ip: critical, web: minor}}}}
  everywhere: {{services: {{dns: critical}}, model: N}}
"""


class Node:
    """One controller."""

    def __init__(self, test: testing.TestCase, name: str, port: int) -> None:
        self.name = name
        self.path = pathlib.Path(test.useFixture(fixtures.TempDir()).path)
        peer = PEER if name == OWN else OWN
        program = self.path / "program"
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        shipped = configure.SHIPPED.read_text()
        text = _FILE.format(
            name=name, peer=peer, address=_ADDRESSES[name], peer_address=_ADDRESSES[peer], port=port, program=program
        )
        (self.path / "sm.yaml").write_text(text + shipped[shipped.index("results:") :])
        state = ["--state-path", str(self.path)]
        with contextlib.redirect_stdout(None):
            test.assertEqual(0, configure.main([*state, "load", "--without-shipped", str(self.path / "sm.yaml")]))
            if name == OWN:
                test.assertEqual(0, configure.main([*state, "first"]))
        options = f"host = {name}\nstate_path = {self.path}\nrun_path = {self.path}\n"
        (self.path / "sm.conf").write_text(
            f"[DEFAULT]\n{options}[sm]\nstate_path = {self.path}\nrun_path = {self.path}/run\nreboot_command =\n"
        )
        with (self.path / "sm.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUN, "--config-file", str(self.path / "sm.conf")],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        test.addCleanup(self.end)

    def end(self) -> None:
        """It retires; what does not is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class ApiTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        conf.register()
        self.rest = self.useFixture(testing.Rest(root.make_application))
        port = 20000 + os.getpid() % 10000
        self.nodes = {name: Node(self, name, port) for name in (OWN, PEER)}

    def ask(self, node: str, path: str, method: str = "GET", body: Any = None) -> testing.Answer:
        """A request to the service of one controller."""
        self.platform.conf.config(group="sm", run_path=str(self.nodes[node].path / "run"))
        return self.rest.request(method, f"/v1/{path}", body)

    def order(self, node: str, action: str, **values: Any) -> testing.Answer:
        return self.ask(node, f"servicenode/{node}", "PATCH", {"origin": "mtce", "action": action, **values})

    def listed(self, what: str, column: str) -> dict[str, str]:
        """By name, what a list of the first controller says."""
        return {item["name"]: item[column] for item in self.ask(OWN, what).json.get(what, ())}

    def activity(self, node: str, of: str | None = None) -> Any:
        answer = self.ask(node, f"servicenode/{of or node}")
        return answer.json["active_services"] if answer.status == 200 else None

    def status(self, node: str) -> Any:
        try:
            return control.ask(self.nodes[node].path / "run", do="status")
        except control.ControlError as error:
            return str(error)

    def told(self, node: str, what: str) -> Any:
        """Of its status; None while it does not answer."""
        status = self.status(node)
        return status[what] if isinstance(status, dict) else None

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + DEADLINE_S
        while not is_so():
            if time.monotonic() > give_up_at:
                logs = {name: (node.path / "sm.log").read_text()[-2000:] for name, node in self.nodes.items()}
                self.fail(f"{what}: not within {DEADLINE_S:g} s: {[self.status(name) for name in self.nodes]} {logs}")
            time.sleep(0.1)

    def test_the_activity_moves_as_it_is_asked_to(self) -> None:
        self.until("both are heard", lambda: (self.activity(OWN), self.activity(PEER)) == ("yes", "no"))
        self.until("it could be", lambda: self.order(OWN, "swact-pre-check").json["error_code"] == "0")
        # One that has just started keeps no record for a while, and could not ask for the lease yet.
        self.until("the other one knows who votes", lambda: PEER in (self.told(PEER, "eligible") or ()))
        # Whether that is agreed on is for the active one to say.
        self.until("it is agreed on", lambda: (self.told(OWN, "agreed"), self.told(PEER, "agreed")) == (True, False))
        self.until("the other one hears of it", lambda: self.activity(PEER, OWN) == "yes")
        enabled = dict.fromkeys(("ip", "web", "dns"), "enabled-active")
        self.until("all services run", lambda: self.listed("services", "state") == enabled)
        self.until("both are ready", lambda: self.listed("nodes", "ready_state") == {OWN: "enabled", PEER: "enabled"})
        self.assertEqual("-1003", self.order(OWN, "lock-pre-check").json["error_code"])
        refused = self.order(PEER, "swact")
        self.assertEqual((400, "-1001"), (refused.status, refused.json["error_code"]))
        self.assertIn(f"{PEER} is not active", refused.fault)

        self.assertEqual((200, "0"), ((done := self.order(OWN, "swact")).status, done.json["error_code"]))
        self.until("it moved", lambda: (self.activity(OWN), self.activity(PEER)) == ("no", "yes"))
        self.until("it is locked", lambda: self.order(OWN, "lock", avail="online").status == 200)
        self.until("that is a reason", lambda: self.order(PEER, "swact-pre-check").json["error_code"] == "-1002")
        self.assertIn("is locked, or not ready", self.order(PEER, "swact").fault)
        self.assertEqual(200, self.order(OWN, "unlock", avail="available").status)
        self.until("it could be again", lambda: self.order(PEER, "swact-pre-check").json["error_code"] == "0")

        self.nodes[OWN].end()
        self.until("it is missed", lambda: self.activity(PEER, OWN) == "unknown")
        self.assertEqual((400, "-1002"), ((gone := self.order(PEER, "swact")).status, gone.json["error_code"]))
        self.assertEqual(503, self.ask(OWN, "services").status)
