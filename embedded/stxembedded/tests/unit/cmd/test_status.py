# SPDX-License-Identifier: Apache-2.0
"""What `stx status` tells."""

import contextlib
import http.server
import io
import json
import threading
from pathlib import Path

import fixtures
from oslotest import base

from stxembedded import config, process
from stxembedded.cmd import main, status
from stxembedded.config import Layout
from stxembedded.units import all_units


class _Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class StatusTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stxembedded.platform.ANSWER_S", 60.0))
        self.servers = {service: http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Well) for service in config.PORTS}
        for server in self.servers.values():
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        ports = {service: server.server_port for service, server in self.servers.items()}
        self.layout = Layout(Path(self.useFixture(fixtures.TempDir()).path), ports=ports)
        self.layout.save()

    def start(self, name: str) -> process.Process:
        child = process.start(["sleep", "600"], self.layout.pid_file(name), self.layout.output(name))
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        found = process.find(child.pid)
        assert found is not None
        return found

    def status(self, *options: str) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main.main(["status", "--data-dir", str(self.layout.data_dir), *options])
        return code, out.getvalue()

    def test_all_running_is_code_0(self) -> None:
        pids = [self.start(unit.name).pid for unit in all_units(self.layout)]
        code, out = self.status("--pids")
        self.assertEqual((code, [int(word) for word in out.split()]), (0, pids))

    def test_one_that_runs_but_does_not_answer_is_code_3(self) -> None:
        pids = {unit.name: self.start(unit.name).pid for unit in all_units(self.layout)}
        # Those that are well have their time; the one that is not is given up.
        self.useFixture(fixtures.MonkeyPatch("stxembedded.platform.ANSWER_S", 4.0))
        self.servers["faultmanagement"].shutdown()
        code, out = self.status("-f", "json")
        self.servers["faultmanagement"].server_close()
        self.assertEqual(code, 3)
        self.assertEqual(
            [(row["name"], row["state"], row["pid"]) for row in json.loads(out)],
            [
                ("keystone", "running", pids["keystone"]),
                ("controller", "does not answer", pids["controller"]),
                ("mtce-client", "running", pids["mtce-client"]),
            ],
        )
        self.assertRegex(self.status()[1], rf"(?m)^controller +does not answer +{pids['controller']} ")
        self.assertEqual(self.status("--pids")[0], 3)

    def test_one_missing_is_code_3(self) -> None:
        self.start("keystone")
        code, out = self.status()
        self.assertEqual(code, 3)
        lines = {line.split()[0]: line for line in out.splitlines()}
        self.assertRegex(lines["keystone"], r"keystone +running +\d+ +\d+ s +\d+ MiB +keystone http://127.0.0.1:\d+")
        self.assertRegex(lines["controller"], r"controller +stopped +- +- +- +platform http")

    def test_json_holds_the_same_for_programs(self) -> None:
        running = self.start("controller")
        code, out = self.status("-f", "json")
        rows = {row["name"]: row for row in json.loads(out)}
        self.assertEqual(code, 3)
        self.assertEqual((rows["controller"]["state"], rows["controller"]["pid"]), ("running", running.pid))
        self.assertGreater(rows["controller"]["memory_mib"], 0)
        self.assertEqual(rows["controller"]["endpoints"]["faultmanagement"], self.layout.url("faultmanagement"))
        self.assertEqual(
            (rows["keystone"]["state"], rows["keystone"]["pid"], rows["keystone"]["uptime_s"]), ("stopped", None, None)
        )

    def test_durations_are_readable(self) -> None:
        self.assertEqual([status.duration(s) for s in (0.9, 61, 3600, 90061)], ["0 s", "1 min 01 s", "1 h 00 min", "25 h 01 min"])
