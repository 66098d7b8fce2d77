# SPDX-License-Identifier: Apache-2.0
"""From a sensor of a board, OpenIPMI's simulator, to its alarm and its status at the conductor."""

import pathlib
import threading
import time
from collections.abc import Callable

import fixtures
import testtools

from fm import client as fm_client
from mtce.boards import Boards
from mtce.sensors.keeper import Sensors, Watched
from sysinv.tests.unit import base
from tests.functional import rack

HOST = "controller-0"
DEADLINE_S = 60.0


@testtools.skipIf(rack.missing(), str(rack.missing()))
class SensorsTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.rack = rack.Rack(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "rack")
        self.rack.start()
        self.addCleanup(self.rack.stop)
        self.changed = threading.Condition()
        self.boards = Boards(self.news)
        self.addCleanup(self.boards.close)
        self.now = 1000.0
        self.sensors = Sensors(self.boards, self.conductor, fm_client.FaultReporter(), self.context, lambda: self.now)
        self.watched = {HOST: Watched(self.host()["uuid"], may_recover=False)}

    def news(self, host: str) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, what: str, is_so: Callable[[], object]) -> None:
        with self.changed:
            if not self.changed.wait_for(is_so, DEADLINE_S):
                self.fail(f"not in time: {what}")

    def audit(self) -> None:
        """Have the sensors read, and see what follows."""
        before = self.boards.sensed(HOST)
        self.now += 120
        self.sensors.step(self.watched)
        self.wait_for("readings", lambda: self.boards.sensed(HOST) is not before)
        self.sensors.step(self.watched)

    def statuses(self) -> dict[str, str]:
        return {row["sensorname"]: row["status"] for row in self.rows("sensor")}

    def test_a_host_that_becomes_too_hot_has_an_alarm_until_it_is_cool_again(self) -> None:
        self.boards.keep({HOST: self.rack.login(HOST)})
        self.wait_for("the board answers", lambda: self.boards.state(HOST))
        self.audit()
        self.assertEqual({"CPU Temp": "ok", "Inlet Temp": "ok", "Fan 1": "ok"}, self.statuses())
        (temperature, _) = self.rows("sensorgroup")
        self.assertEqual("CPU Temp,Inlet Temp", temperature["sensors"])
        for value, status, operation in ((97, "critical", "set"), (45, "ok", "clear")):
            self.empty_spool()
            self.rack.show(HOST, "cpu-temp", value)
            deadline = time.monotonic() + DEADLINE_S
            # The simulator looks at its files now and then.
            while self.statuses()["CPU Temp"] != status and time.monotonic() < deadline:
                self.audit()
            self.assertEqual(status, self.statuses()["CPU Temp"])
            (report,) = self.faults()
            self.assertEqual((operation, f"host={HOST}.sensor=CPU Temp"), (report.operation, report.entity_instance_id))
