# SPDX-License-Identifier: Apache-2.0
"""Which sensors a host has."""

import dataclasses

from oslotest import base

from mtce.sensors import model
from mtce.sensors.model import Action, Group, Model, Severity
from stx.boards import Reading, SensorKind, Status, Thresholds

TEMPERATURE = Reading("CPU Temp", SensorKind.TEMPERATURE, 45.0, "°C", Status.OK, Thresholds(major_upper=85, critical_upper=95))
FAN = Reading("Fan 1", SensorKind.FAN, 6000.0, "RPM", Status.OK)
DRIVE = Reading("Drive 1", SensorKind.OTHER, None, "", Status.OK)


class LearnTest(base.BaseTestCase):
    def test_sensors_are_grouped_by_what_they_measure_and_those_that_measure_nothing_are_not_watched(self) -> None:
        found = model.learn([TEMPERATURE, FAN, DRIVE])
        self.assertEqual(
            {"CPU Temp": "server temperature", "Fan 1": "server fans"}, {s.name: s.group for s in found.sensors.values()}
        )
        self.assertEqual({"server temperature", "server fans"}, set(found.groups))
        self.assertEqual((None, 85, None, 95), found.sensors["CPU Temp"].limits)
        self.assertEqual(model.AUDIT_S, found.audit_s)

    def test_the_defaults_ignore_what_is_minor_log_what_is_major_and_raise_what_is_critical(self) -> None:
        found = model.learn([FAN])
        actions = [found.action(found.sensors["Fan 1"], status) for status in ("ok", "offline", "minor", "major", "critical")]
        self.assertEqual([Action.IGNORE, Action.IGNORE, Action.IGNORE, Action.LOG, Action.ALARM], actions)

    def test_what_was_set_stays_when_the_model_is_learned_anew_and_new_groups_get_the_defaults(self) -> None:
        group = Group("server fans", "fan", {**model.DEFAULTS, Severity.CRITICAL: Action.RESET}, is_suppressed=True, audit_s=30)
        before = model.learn([FAN])
        before = dataclasses.replace(before, groups={"server fans": group})
        after = model.learn([FAN, TEMPERATURE], before)
        self.assertEqual(group, after.groups["server fans"])
        self.assertEqual(model.DEFAULTS, after.groups["server temperature"].actions)
        # There is one interval a host.
        self.assertEqual(30, after.groups["server temperature"].audit_s)
        self.assertEqual(["Fan 1"], list(model.learn([FAN], after).sensors))

    def test_no_host_has_more_sensors_than_can_be_watched(self) -> None:
        many = [dataclasses.replace(FAN, name=f"Fan {number}") for number in range(600)]
        found = model.learn(many)
        self.assertEqual((512, 88), (len(found.sensors), found.left_out))
        self.assertLessEqual(len(model.GROUPS), model.MOST_GROUPS)
        self.assertEqual((512, 1), (len(model.grow(found, [TEMPERATURE]).sensors), model.grow(found, [TEMPERATURE]).left_out))

    def test_a_model_grows_by_what_the_board_tells_since(self) -> None:
        grown = model.grow(model.learn([FAN]), [TEMPERATURE])
        self.assertEqual({"Fan 1", "CPU Temp"}, set(grown.sensors))
        self.assertEqual({"server fans", "server temperature"}, set(grown.groups))

    def test_suppression_of_a_sensor_or_its_group_leaves_nothing_to_do(self) -> None:
        found = model.learn([FAN])
        sensor = dataclasses.replace(found.sensors["Fan 1"], is_suppressed=True)
        self.assertEqual(Action.IGNORE, found.action(sensor, "critical"))
        group = dataclasses.replace(found.groups["server fans"], is_suppressed=True)
        self.assertEqual(Action.IGNORE, Model(found.sensors, {"server fans": group}).action(found.sensors["Fan 1"], "critical"))
