# SPDX-License-Identifier: Apache-2.0
"""What the tests of the REST service have in common."""

import pathlib
import selectors
import threading
import uuid
from collections.abc import Callable
from typing import Any

import fixtures

from sm import conf, configuration, control
from sm.api import root
from sm.db import Database, Row
from stx import testing

DOMAIN = configuration.DOMAIN
CONFIGURED = """
node: controller-0
peer: controller-1
cluster: a
services:
  ip: {address: true, parameters: {ip: 10.0.0.2, prefix: 24, device: mgmt}}
  web: {systemd: web.service, after: [ip]}
  dns: {systemd: dns.service}
  log: {systemd: log.service}
  old: {systemd: old.service, provisioned: false}
groups:
  moving: {services: {ip: critical, web: minor, old: critical}}
  everywhere: {services: {dns: critical, log: minor}, model: N}
"""


class Process(fixtures.Fixture):
    """A stand-in for the process of Service Management: its database, and its control socket with scripted answers.

    :ivar asked: what came, without requests of status
    :ivar answers: by what is asked to do, what is answered; an exception refuses
    :ivar status: what is answered to status; controller-0 is asked, and active
    """

    def __init__(self, run_path: pathlib.Path) -> None:
        self._path = run_path

    def _setUp(self) -> None:
        self.database = Database(self._path / "sm.db")
        self.addCleanup(self.database.close)
        self.database.load(configuration.parse({"file": CONFIGURED}))
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, control.Answer | Exception] = {"precheck": {"reason": None}}
        peer = {"is_active": False, "is_ready": True}
        self.status: dict[str, Any] = {
            "name": "controller-0",
            "phase": "active",
            "heard": {"controller-1": peer, "compute-0": peer},
        }
        for name in ("controller-0", "controller-1"):
            self.node(name)
            self.assign(name, "everywhere", "active")
        self.assign("controller-0", "moving", "active")
        self.assign("controller-1", "moving", "standby")
        self._selector = selectors.DefaultSelector()
        self._is_stopping = threading.Event()
        self._control = control.Control(self._path / control.NAME, self._answer, self._watch, self._selector.unregister)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.addCleanup(self.end)

    def end(self) -> None:
        """The process is away; its database stays."""
        if not self._is_stopping.is_set():
            self._is_stopping.set()
            self._thread.join(60)
            self._control.close()
            self._selector.close()

    def node(self, name: str, **values: Any) -> None:
        states = {"administrative_state": "unlocked", "operational_state": "enabled", "availability_status": "available"}
        self.database.change([("NODES", {"name": name}, {**states, "ready_state": "enabled", **values})])

    def assign(
        self, node: str, group: str, state: str, status: str = "", condition: str = "", desired: str | None = None
    ) -> None:
        key: Row = {"name": DOMAIN, "node_name": node, "service_group_name": group}
        known = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{DOMAIN}.{node}.{group}"))
        values = {"uuid": known, "desired_state": desired or state, "state": state}
        change = ("SERVICE_DOMAIN_ASSIGNMENTS", key, {**values, "status": status, "condition": condition})
        self.database.change([change])

    def alone(self) -> None:
        """There never was another controller."""
        del self.status["heard"]["controller-1"]
        rows = {table: self.database.rows(table) for table in ("NODES", "SERVICE_DOMAIN_ASSIGNMENTS")}
        self.database.load({table: [row for row in found if "controller-1" not in row.values()] for table, found in rows.items()})

    def _watch(self, descriptor: int, call: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            for key, _ in self._selector.select(0.05):
                key.data()

    def _answer(self, request: control.Answer) -> control.Answer:
        if request["do"] == "status":
            return self.status
        self.asked.append(request)
        answer = self.answers.get(request["do"], {})
        if isinstance(answer, Exception):
            raise answer
        return answer


class RestTest(testing.TestCase):
    """A test of the REST service on controller-0, with a stand-in for Service Management behind it."""

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        conf.register()
        self.platform.conf.config(group="sm", run_path=str(self.platform.path))
        self.process = self.useFixture(Process(self.platform.path))
        self.rest = self.useFixture(testing.Rest(root.make_application))

    def assert_refused(self, status: int, text: str, answer: testing.Answer) -> None:
        self.assertEqual(status, answer.status, answer.body)
        self.assertIn(text, answer.fault)
