# SPDX-License-Identifier: Apache-2.0
"""From a sensor of a board, OpenIPMI's simulator or the Redfish of a lab, to its alarm, its status and what is done to its host."""

import pathlib
import threading
import time
from collections.abc import Callable

import ddt
import fixtures
import testtools

from fm import client as fm_client
from mtce.boards import Boards, Order
from mtce.sensors.audit import Recover
from mtce.sensors.keeper import Sensors, Watched
from stx.boards import Kind
from sysinv.tests.unit import base
from tests.functional import engines, rack

HOST = "controller-0"
DEADLINE_S = 60.0


@ddt.ddt
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
        self.watched = {HOST: Watched(self.host()["uuid"], may_recover=True)}

    def news(self, host: str) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, what: str, is_so: Callable[[], object]) -> None:
        with self.changed:
            if not self.changed.wait_for(is_so, DEADLINE_S):
                self.fail(f"not in time: {what}: {self.boards.state(HOST)}")

    def keep(self, kind: Kind) -> None:
        if kind is Kind.REDFISH:
            self.rack.start_redfish(HOST)
        self.boards.keep({HOST: self.rack.login(HOST, kind)})
        self.wait_for("the board answers", lambda: (state := self.boards.state(HOST)) and state.is_reachable)
        self.audit()
        self.assertEqual({"CPU Temp": "ok", "Inlet Temp": "ok", "Fan 1": "ok"}, self.statuses())

    def audit(self) -> list[tuple[str, Recover]]:
        """Have the sensors read, and see what follows."""
        before = self.boards.sensed(HOST)
        self.now += 120
        found = self.sensors.step(self.watched)
        self.wait_for("readings", lambda: self.boards.sensed(HOST) is not before)
        return [*found, *self.sensors.step(self.watched)]

    def show(self, value: int, status: str) -> list[tuple[str, Recover]]:
        """Have the processor so warm, and its sensor audited until it has this status. Gives what is to be done then."""
        self.rack.show(HOST, "cpu-temp", value)
        found, deadline = [], time.monotonic() + DEADLINE_S
        # The simulator looks at its files now and then.
        while self.statuses()["CPU Temp"] != status and time.monotonic() < deadline:
            found += self.audit()
        self.assertEqual(status, self.statuses()["CPU Temp"])
        return found

    def statuses(self) -> dict[str, str]:
        return {row["sensorname"]: row["status"] for row in self.rows("sensor")}

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_host_that_becomes_too_hot_has_an_alarm_until_it_is_cool_again(self, kind: Kind) -> None:
        self.keep(kind)
        (temperature, _) = self.rows("sensorgroup")
        self.assertEqual("CPU Temp,Inlet Temp", temperature["sensors"])
        for value, status, operation in ((97, "critical", "set"), (45, "ok", "clear")):
            self.empty_spool()
            self.assertEqual([], self.show(value, status))
            (report,) = self.faults()
            self.assertEqual((operation, f"host={HOST}.sensor=CPU Temp"), (report.operation, report.entity_instance_id))

    @ddt.data(
        (Kind.IPMI, "reset", Order.RESET),
        (Kind.REDFISH, "reset", Order.RESET),
        (Kind.IPMI, "powercycle", Order.POWER_OFF),
        (Kind.REDFISH, "powercycle", Order.POWER_OFF),
    )
    @ddt.unpack
    def test_a_host_that_becomes_too_hot_is_handled_as_its_group_says(self, kind: Kind, action: str, order: Order) -> None:
        self.keep(kind)
        (temperature, _) = self.rows("sensorgroup")
        self.conductor.update_sensorgroup(self.context, temperature["uuid"], {"actions_critical_group": action})
        self.sensors.changed(self.host()["uuid"])
        ((host, recovery),) = self.show(97, "critical")
        self.assertEqual((HOST, action, "CPU Temp"), (host, recovery.action, recovery.sensor))
        before = self.rack.machine(HOST)
        # What mtce-agent orders first for it.
        self.boards.order(HOST, "1", order)
        self.wait_for("it is done", lambda: (state := self.boards.state(HOST)) and state.result)
        # A board has taken a reset before it is done.
        engines.wait_for("the host is handled", lambda: self.rack.machine(HOST) != before, DEADLINE_S)
