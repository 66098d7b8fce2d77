# SPDX-License-Identifier: Apache-2.0
"""The sensors of all hosts, with fake boards, a real conductor and a real spool."""

from typing import Any
from unittest import mock

import fixtures

from fm import client as fm_client
from mtce.boards import BoardState, Sensed
from mtce.sensors import keeper
from mtce.sensors import model as sensor_model
from mtce.sensors.keeper import Sensors, Watched
from stx import exception
from stx.boards import Power, Reading, SensorKind, Status
from sysinv import client as sysinv_client
from sysinv.db import api as db_api
from sysinv.tests.unit import base

HOST = "controller-0"


class FakeBoards:
    """Show what they are told to show, at once."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.asked_anew: list[str] = []
        self.power: Power | None = Power.ON
        self.is_reachable = True
        self.error = ""
        self.readings: dict[str, Reading] = {}
        self._sensed: dict[str, list[Sensed]] = {}
        self.show("Fan 1", Status.OK)

    def show(self, name: str, status: Status) -> None:
        self.readings[name] = Reading(name, SensorKind.FAN, 800.0, "RPM", status)

    def state(self, host: str) -> BoardState | None:
        return BoardState(self.is_reachable, self.power, "", self.clock.now)

    def sense(self, host: str, is_anew: bool = False) -> None:
        self.asked.append(host)
        self.asked_anew += [host] if is_anew else []
        readings = () if self.error else tuple(self.readings.values())
        # It takes its time to be opened.
        self._sensed.setdefault(host, []).append(Sensed(readings, self.error, self.clock.now + is_anew))

    def sensed(self, host: str) -> Sensed | None:
        return next((sensed for sensed in reversed(self._sensed.get(host, [])) if sensed.asked_at <= self.clock.now), None)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class KeeperTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.boards = FakeBoards(self.clock)
        self.watched = {HOST: Watched(self.host()["uuid"], may_recover=True)}
        self.sensors = self.keeper()

    def keeper(self) -> Sensors:
        return Sensors(self.boards, self.conductor, fm_client.FaultReporter(), self.context, self.clock)

    def pass_audits(self, count: int) -> list[Any]:
        recoveries = []
        for _ in range(count):
            recoveries += self.sensors.step(self.watched)
            self.clock.now += 120
        return recoveries

    def pass_seconds(self, count: int) -> None:
        for _ in range(count):
            self.sensors.step(self.watched)
            self.clock.now += 1

    def show(self, status: Status, audits: int = 2, name: str = "Fan 1") -> list[Any]:
        self.boards.show(name, status)
        return self.pass_audits(audits)

    def told(self) -> list[tuple[str, str, str | None]]:
        found = [(str(report.operation), report.entity_instance_id, report.severity) for report in self.faults()]
        self.empty_spool()
        return found

    def statuses(self) -> dict[str, str]:
        return {row["sensorname"]: row["status"] for row in self.rows("sensor")}

    def set_group(self, **changes: Any) -> None:
        (group,) = self.rows("sensorgroup")
        self.conductor.update_sensorgroup(self.context, group["uuid"], changes)
        self.sensors.changed(self.host()["uuid"])

    def test_what_a_board_tells_is_stored_at_the_first_reading_with_its_statuses(self) -> None:
        self.pass_audits(1)
        self.assertEqual({"Fan 1": "ok"}, self.statuses())
        (group,) = self.rows("sensorgroup")
        self.assertEqual(("server fans", "ignore,log,alarm,reset,powercycle", 120), tuple(group[name] for name in _GROUP))
        self.assertEqual([], self.told())

    def test_sensors_are_read_when_it_is_time(self) -> None:
        for _ in range(5):
            self.sensors.step(self.watched)
            self.clock.now += 30
        self.assertEqual(2, len(self.boards.asked))
        self.set_group(audit_interval_group=10)
        for _ in range(4):
            self.sensors.step(self.watched)
            self.clock.now += 10
        self.assertEqual(5, len(self.boards.asked))

    def test_a_critical_sensor_has_an_alarm_and_degrades_its_host_until_it_is_well(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.assertEqual([("set", f"host={HOST}.sensor=Fan 1", "critical")], self.told())
        self.assertTrue(self.sensors.is_degraded(HOST))
        self.assertEqual({"Fan 1": "critical"}, self.statuses())
        self.show(Status.OK)
        self.assertEqual([("clear", f"host={HOST}.sensor=Fan 1", None)], self.told())
        self.assertFalse(self.sensors.is_degraded(HOST))

    def test_a_sensor_of_which_nothing_can_be_told_keeps_nothing_from_being_told_of_others(self) -> None:
        self.boards.show("F" * 250, Status.OK)
        self.pass_audits(1)
        self.boards.show("F" * 250, Status.CRITICAL)
        self.show(Status.CRITICAL)
        self.assertEqual([("set", f"host={HOST}.sensor=Fan 1", "critical")], self.told())
        self.assertEqual({"Fan 1": "critical", "F" * 250: "critical"}, self.statuses())

    def test_what_shows_first_is_confirmed_within_the_same_audit(self) -> None:
        self.pass_audits(1)
        self.boards.asked.clear()
        self.boards.show("Fan 1", Status.CRITICAL)
        self.pass_seconds(60)
        self.assertEqual([("set", f"host={HOST}.sensor=Fan 1", "critical")], self.told())
        self.assertEqual(2, len(self.boards.asked))

    def test_a_sensor_that_flickers_is_no_alarm_and_is_not_read_all_the_time(self) -> None:
        self.pass_audits(1)
        self.boards.asked.clear()
        for status in (Status.CRITICAL, Status.MAJOR, Status.CRITICAL):
            self.boards.show("Fan 1", status)
            self.pass_seconds(5)
        self.pass_seconds(45)
        self.assertEqual([], self.told())
        self.assertEqual(2, len(self.boards.asked))

    def test_what_an_operator_sets_counts_at_once(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.told()
        self.set_group(suppress=True)
        self.sensors.step(self.watched)
        self.assertEqual(["clear"], [operation for operation, _, _ in self.told()])
        self.set_group(suppress=False, actions_critical_group="powercycle")
        self.sensors.step(self.watched)
        self.assertEqual(["set"], [operation for operation, _, _ in self.told()])
        ((host, recovery),) = self.pass_audits(3)
        self.assertEqual((HOST, "powercycle", "Fan 1"), (host, recovery.action, recovery.sensor))

    def test_a_host_is_reset_though_what_its_sensors_show_could_not_be_told_at_once(self) -> None:
        self.pass_audits(1)
        self.set_group(actions_critical_group="reset")
        self.show(Status.CRITICAL, 1)
        with mock.patch.object(fm_client.FaultReporter, "report", side_effect=exception.Unavailable("The spool is busy.")):
            self.assertRaises(exception.Unavailable, self.pass_audits, 1)
        ((host, recovery),) = self.sensors.step(self.watched)
        self.assertEqual((HOST, "reset"), (host, recovery.action))
        self.assertEqual([], self.sensors.step(self.watched))

    def test_the_active_controller_is_never_restarted(self) -> None:
        self.pass_audits(1)
        self.set_group(actions_critical_group="reset")
        self.watched = {HOST: Watched(self.host()["uuid"], may_recover=False)}
        self.assertEqual([], self.show(Status.CRITICAL, 3))

    def test_a_host_that_is_held_off_is_not_read_and_then_as_often_as_one_on_probation(self) -> None:
        self.pass_audits(1)
        self.set_group(actions_critical_group="powercycle", audit_interval_group=3600)
        uuid, asked = self.host()["uuid"], len(self.boards.asked)
        self.boards.show("Fan 1", Status.CRITICAL)
        # What was read just before does not count either.
        self.boards.sense(HOST)
        self.watched = {HOST: Watched(uuid, may_recover=True, is_held_off=True)}
        self.assertEqual([], self.pass_audits(4))
        self.assertEqual((asked + 1, {"Fan 1": "ok"}), (len(self.boards.asked), self.statuses()))
        self.watched = {HOST: Watched(uuid, may_recover=True, is_on_probation=True)}
        self.assertEqual(["powercycle"], [recovery.action for _, recovery in self.pass_audits(2)])

    def test_what_may_not_be_done_now_is_asked_for_again_when_it_may(self) -> None:
        self.pass_audits(1)
        self.set_group(actions_critical_group="powercycle")
        uuid = self.host()["uuid"]
        self.watched = {HOST: Watched(uuid, may_recover=False)}
        self.assertEqual([], self.show(Status.CRITICAL, 3))
        self.watched = {HOST: Watched(uuid, may_recover=True)}
        self.assertEqual(["powercycle"], [recovery.action for _, recovery in self.pass_audits(8)])

    def test_a_power_cut_does_not_have_it_asked_for_again_too_soon(self) -> None:
        self.pass_audits(1)
        self.set_group(actions_critical_group="powercycle")
        begun = self.clock.now
        self.assertEqual(1, len(self.show(Status.CRITICAL)))
        self.boards.power = Power.OFF
        self.assertEqual([], self.pass_audits(1))
        self.boards.power = Power.ON
        while not self.pass_audits(1):
            self.assertLess(self.clock.now, begun + 1200)
        self.assertGreaterEqual(self.clock.now - begun, 900)

    def test_a_restart_says_nothing_again(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.told()
        self.restart(("200.007", f"host={HOST}.sensor=Fan 1"))
        self.pass_audits(2)
        self.assertEqual([], self.told())
        self.assertTrue(self.sensors.is_degraded(HOST))

    def test_sensors_that_come_are_found_and_what_is_learned_anew_forgets_those_that_went(self) -> None:
        self.pass_audits(1)
        self.show(Status.OK, 3, "Fan 2")
        self.assertEqual({"Fan 1": "ok", "Fan 2": "ok"}, self.statuses())
        del self.boards.readings["Fan 1"]
        self.pass_audits(3)
        self.assertEqual({"Fan 1": "minor", "Fan 2": "ok"}, self.statuses())
        db_api.update_host(self.host()["uuid"], {"bm_type": "ipmi", "bm_ip": "192.0.2.7"})
        self.conductor.relearn_sensors(self.context, self.host()["uuid"])
        self.sensors.changed(self.host()["uuid"])
        # It was read by the old session just before.
        self.boards.sense(HOST)
        self.boards.show("Fan 3", Status.OK)
        self.assertEqual([], self.boards.asked_anew)
        self.pass_seconds(2)
        self.assertEqual({"Fan 2": "ok", "Fan 3": "ok"}, self.statuses())
        self.pass_audits(2)
        self.assertEqual([HOST], self.boards.asked_anew)
        self.assertEqual("", self.conductor.get_sensor_model(self.context, self.host()["uuid"]).relearn)

    def test_a_host_that_is_off_or_whose_board_is_lost_is_not_read(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.told()
        asked = len(self.boards.asked)
        self.boards.is_reachable = False
        self.pass_audits(2)
        self.assertEqual([], self.told())
        self.boards.is_reachable, self.boards.power = True, Power.OFF
        self.pass_audits(2)
        self.assertEqual(["clear"], [operation for operation, _, _ in self.told()])
        self.assertEqual({"Fan 1": "offline"}, self.statuses())
        self.assertEqual(asked, len(self.boards.asked))

    def test_what_cannot_be_read_is_an_alarm_of_its_group(self) -> None:
        self.pass_audits(1)
        self.boards.error = "Busy."
        self.pass_audits(2)
        self.assertEqual([("set", f"host={HOST}.sensorgroup=server fans", "major")], self.told())

    def test_sensors_that_cannot_even_be_learned_are_an_alarm_until_they_can(self) -> None:
        self.boards.error = "Busy."
        self.pass_audits(1)
        self.assertEqual([], self.told())
        self.pass_audits(2)
        self.assertEqual([("set", f"host={HOST}", "minor")], self.told())
        self.sensors.changed(self.host()["uuid"])
        self.pass_audits(1)
        self.assertEqual([], self.told())
        self.boards.error = ""
        self.pass_audits(1)
        self.assertEqual([("clear", f"host={HOST}", None)], self.told())

    def restart(self, *before: tuple[str, str]) -> None:
        self.sensors = self.keeper()
        self.sensors.begin_with([*before, ("200.001", f"host={HOST}")])

    def test_an_alarm_of_a_group_that_is_over_is_cleared_after_a_restart_and_not_said_again(self) -> None:
        self.pass_audits(1)
        entity = f"host={HOST}.sensorgroup=server fans"
        self.restart(("200.015", entity))
        self.boards.error = "Busy."
        self.pass_audits(3)
        self.assertEqual([], self.told())
        self.boards.error = ""
        self.pass_audits(2)
        self.assertEqual([("clear", entity, None)], self.told())

    def test_what_was_not_learned_is_no_alarm_any_more_when_it_is_after_a_restart(self) -> None:
        self.restart(("200.014", f"host={HOST}"))
        self.boards.error = "Busy."
        self.pass_audits(3)
        self.assertEqual([], self.told())
        self.boards.error = ""
        self.pass_audits(2)
        self.assertEqual([("clear", f"host={HOST}", None)], self.told())

    def test_too_many_sensors_are_an_alarm_over_a_restart_until_they_are_fewer(self) -> None:
        self.boards.show("Fan 2", Status.OK)
        self.useFixture(fixtures.MockPatchObject(sensor_model, "MOST_SENSORS", 1))
        self.pass_audits(1)
        self.assertEqual([("set", f"host={HOST}", "minor")], self.told())
        self.restart(("200.014", f"host={HOST}"))
        self.pass_audits(4)
        self.assertEqual([], self.told())
        self.restart(("200.014", f"host={HOST}"))
        del self.boards.readings["Fan 2"]
        self.pass_audits(1)
        self.assertEqual([("clear", f"host={HOST}", None)], self.told())

    def test_a_host_that_has_lost_its_board_while_nobody_looked_has_no_alarm_about_its_sensors(self) -> None:
        self.pass_audits(1)
        self.restart(("200.015", f"host={HOST}0.sensorgroup=server fans"), ("200.015", f"host={HOST}.sensorgroup=server fans"))
        self.boards.error = "Busy."
        self.pass_audits(2)
        self.assertEqual([("clear", f"host={HOST}0.sensorgroup=server fans", None)], self.told())

    def test_a_host_that_has_another_board_begins_without_what_was_on_at_the_start(self) -> None:
        self.pass_audits(1)
        self.restart(("200.015", f"host={HOST}.sensorgroup=server fans"))
        self.sensors.step(self.watched)
        self.sensors.step({})
        self.told()
        self.boards.error = "Busy."
        self.pass_audits(3)
        self.assertEqual([("set", f"host={HOST}.sensorgroup=server fans", "major")], self.told())

    def test_a_host_that_is_watched_no_longer_leaves_no_alarm(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.told()
        self.watched = {}
        self.sensors.step({})
        self.assertEqual([("clear", f"host={HOST}.sensor=Fan 1", None)], self.told())

    def test_a_sensor_that_is_still_critical_when_its_host_has_a_board_again_has_its_alarm_again(self) -> None:
        self.pass_audits(1)
        self.show(Status.CRITICAL)
        self.sensors.step({})
        self.assertEqual({"Fan 1": "offline"}, self.statuses())
        self.told()
        self.pass_audits(2)
        self.assertEqual([("set", f"host={HOST}.sensor=Fan 1", "critical")], self.told())

    def test_what_could_not_be_told_or_stored_is_by_a_later_step(self) -> None:
        self.pass_audits(1)
        self.fill_spool()
        self.boards.show("Fan 1", Status.CRITICAL)
        self.pass_audits(1)
        self.assertRaises(exception.Unavailable, self.sensors.step, self.watched)
        self.empty_spool()
        with mock.patch.object(sysinv_client.Conductor, "update_sensor_states", side_effect=exception.Unavailable("Away.")):
            self.assertRaises(exception.Unavailable, self.sensors.step, self.watched)
        self.sensors.step(self.watched)
        self.assertEqual([("set", f"host={HOST}.sensor=Fan 1", "critical")], self.told())
        self.assertEqual({"Fan 1": "critical"}, self.statuses())

    def test_a_model_that_could_not_be_stored_is_learned_again_and_that_is_an_alarm_if_it_was_refused(self) -> None:
        for error in (exception.Unavailable("Away."), exception.Invalid("No.")):
            with mock.patch.object(sysinv_client.Conductor, "store_sensor_model", side_effect=error):
                if isinstance(error, exception.Unavailable):
                    self.assertRaises(exception.Unavailable, self.sensors.step, self.watched)
                else:
                    self.sensors.step(self.watched)
            self.clock.now += 120
        self.assertEqual([("set", f"host={HOST}", "minor")], self.told())
        self.pass_audits(1)
        self.assertEqual([("clear", f"host={HOST}", None)], self.told())
        self.assertEqual({"Fan 1": "ok"}, self.statuses())

    def test_models_of_many_hosts_are_read_some_at_a_time(self) -> None:
        watched = {
            f"compute-{number}": Watched(self.create(number, personality="worker")["uuid"], may_recover=True)
            for number in range(1, keeper._READ_AT_ONCE + 2)
        }
        self.sensors.step(watched)
        self.assertEqual(keeper._READ_AT_ONCE, len(self.boards.asked))
        self.sensors.step(watched)
        self.assertEqual(set(watched), set(self.boards.asked))


_GROUP = ("sensorgroupname", "actions_critical_choices", "audit_interval_group")
