# SPDX-License-Identifier: Apache-2.0
"""The model of a host's sensors as rows, and back."""

import dataclasses

from oslotest import base

from mtce.sensors import model, rows
from mtce.sensors.model import Action, Model, Severity
from stx.boards import Reading, SensorKind, Status, Thresholds

FAN = Reading("Fan 1", SensorKind.FAN, 6000.0, "RPM", Status.OK, Thresholds(major_lower=1500, critical_lower=999.5))


class RowsTest(base.BaseTestCase):
    def test_what_is_made_rows_is_the_same_when_it_is_read(self) -> None:
        known = model.learn([FAN])
        group = known.groups["server fans"]
        actions = {**group.actions, Severity.CRITICAL: Action.RESET}
        known = Model(known.sensors, {group.name: dataclasses.replace(group, actions=actions, is_suppressed=True, audit_s=30)})
        self.assertEqual(known, rows.model(rows.of_groups(known), rows.of_sensors(known)))
        self.assertEqual({"Fan 1": "offline"}, rows.statuses(rows.of_sensors(known)))

    def test_what_makes_no_sense_in_rows_is_as_by_default(self) -> None:
        known = model.learn([FAN])
        (group,), (sensor,) = rows.of_groups(known), rows.of_sensors(known)
        group |= {"actions_minor_group": "powercycle", "audit_interval_group": None}
        sensor |= {"t_major_lower": "many"}
        read = rows.model([group], [sensor, {**sensor, "sensorname": "stray", "sensorgroupname": "nowhere"}])
        self.assertEqual(["Fan 1"], list(read.sensors))
        self.assertEqual((Action.IGNORE, 120), (read.groups["server fans"].actions[Severity.MINOR], read.audit_s))
        self.assertEqual((None, None, 999.5, None), read.sensors["Fan 1"].limits)
