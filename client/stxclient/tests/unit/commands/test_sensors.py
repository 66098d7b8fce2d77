# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about sensors."""

from stxclient.tests.unit import cli, wire
from stxclient.tests.unit import wire_data as data

FAN, GROUP = data.SENSORS[0], data.SENSOR_GROUPS[0]


class SensorTest(cli.CliTest):
    def test_sensors_have_the_published_columns(self) -> None:
        first, _ = self.done(self.system("host-sensor-list", "1", "-f", "json")).json
        self.assertEqual(
            {"uuid": FAN["uuid"], "name": "Fan 1", "sensortype": "fan", "state": "enabled", "status": "ok"},
            first,
        )

    def test_a_sensor_is_shown_by_uuid_or_name(self) -> None:
        for wanted in (FAN["uuid"], "Fan 1"):
            shown = self.done(self.system("host-sensor-show", "1", wanted, "-f", "json")).json
            self.assertEqual(("Fan 1", False, "RPM"), (shown["name"], shown["suppress"], shown["unit_base"]))
        self.fails(self.system("host-sensor-show", "1", "Fan 9"), 1, "has no sensor Fan 9")

    def test_a_sensor_is_suppressed(self) -> None:
        shown = self.done(self.system("host-sensor-modify", "1", FAN["uuid"], "suppress=True", "-f", "json")).json
        self.assertEqual(("Fan 1", True), (shown["name"], shown["suppress"]))
        request = self.wire.requests[-1]
        self.assertEqual(("PATCH", f"/v1/isensors/{FAN['uuid']}"), (request.method, request.path))


class GroupTest(cli.CliTest):
    def test_groups_have_the_published_columns(self) -> None:
        (group,) = self.done(self.system("host-sensorgroup-list", "1", "-f", "json")).json
        self.assertEqual(["uuid", "name", "sensortype", "sensors", "audit_interval_group", "state"], list(group))
        self.assertEqual(("server fans", "Fan 1,Fan 2", 120), (group["name"], group["sensors"], group["audit_interval_group"]))

    def test_a_group_is_shown(self) -> None:
        shown = self.done(self.system("host-sensorgroup-show", "1", GROUP["uuid"], "-f", "json")).json
        self.assertEqual(("server fans", "alarm"), (shown["name"], shown["actions_critical_group"]))

    def test_a_group_is_changed(self) -> None:
        given = ("actions_critical_group=powercycle", "audit_interval_group=60")
        shown = self.done(self.system("host-sensorgroup-modify", "1", "server fans", *given, "-f", "json")).json
        self.assertEqual(("powercycle", "60"), (shown["actions_critical_group"], shown["audit_interval_group"]))

    def test_sensors_are_learned_anew(self) -> None:
        self.wire.answers["POST", "/v1/isensorgroups/relearn"] = wire.as_json({"host_uuid": data.HOST_UUID})
        self.assertIn("learned anew", self.done(self.system("host-sensorgroup-relearn", "controller-0")).out)
        self.assertEqual({"host_uuid": data.HOST_UUID}, self.wire.requests[-1].body)
        self.fails(self.system("host-sensorgroup-relearn", "nobody"), 1, "nobody could not be found")
