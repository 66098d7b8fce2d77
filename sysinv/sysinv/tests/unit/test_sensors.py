# SPDX-License-Identifier: Apache-2.0
"""The sensors of hosts as the conductor keeps them."""

import copy
from typing import Any

from stx import exception, rpc
from sysinv import client
from sysinv.db import api as db_api
from sysinv.tests.unit import base


class SensorsTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.host_uuid = self.host()["uuid"]
        self.events: list[Any] = []
        follower = rpc.Subscriber(lambda event: self.events.append(event.payload), "sysinv.sensor.")
        follower.start()
        self.addCleanup(follower.stop)

    def model(self) -> client.SensorModel:
        return self.conductor.get_sensor_model(self.context, self.host_uuid)

    def sensor(self, name: str = "Fan 1") -> dict[str, Any]:
        return next(row for row in self.rows("sensor") if row["sensorname"] == name)

    def group(self, name: str = "server fan") -> dict[str, Any]:
        return next(row for row in self.rows("sensorgroup") if row["sensorgroupname"] == name)

    def provision(self, host_uuid: str) -> None:
        """Have the host have a board."""
        db_api.update_host(host_uuid, {"bm_type": "ipmi", "bm_ip": "192.0.2.7"})

    def change(self, group: str = "server fan", **changes: Any) -> None:
        self.conductor.update_sensorgroup(self.context, self.group(group)["uuid"], changes)

    def test_what_was_stored_is_read_and_a_group_names_its_sensors(self) -> None:
        self.store_sensors(self.host_uuid)
        model = self.model()
        self.assertEqual(["CPU Temp", "Fan 1", "Fan 2"], [sensor["sensorname"] for sensor in model.sensors])
        self.assertEqual(["CPU Temp", "Fan 1,Fan 2"], [group["sensors"] for group in model.groups])
        self.assertEqual("", model.relearn)
        self.assertEqual(self.group()["uuid"], self.sensor()["sensorgroup_uuid"])
        self.assertEqual(client.SensorModel([], []), self.conductor.get_sensor_model(self.context, self.create()["uuid"]))

    def test_what_is_set_of_a_group_holds_for_its_sensors(self) -> None:
        self.store_sensors(self.host_uuid)
        self.change(actions_critical_group="reset", suppress=True)
        self.assertEqual(("reset", True), (self.sensor()["actions_critical"], self.sensor()["suppress"]))
        self.assertEqual(("alarm", False), (self.sensor("CPU Temp")["actions_critical"], self.sensor("CPU Temp")["suppress"]))
        base.wait_until(lambda: self.events == [{"host_uuid": self.host_uuid}])

    def test_a_host_has_one_interval(self) -> None:
        self.store_sensors(self.host_uuid)
        self.change(audit_interval_group=30)
        self.assertEqual({30}, {group["audit_interval_group"] for group in self.model().groups})
        self.assertEqual(30, self.sensor("CPU Temp")["audit_interval"])

    def test_learning_anew_keeps_what_was_set_and_forgets_what_is_no_more(self) -> None:
        self.store_sensors(self.host_uuid)
        self.change(actions_major_group="alarm", audit_interval_group=60)
        self.conductor.update_sensor(self.context, self.sensor()["uuid"], {"suppress": True})
        self.conductor.update_sensor_states(self.context, {self.host_uuid: {"Fan 1": "ok"}})
        sensors = [{**sensor, "unit_base": "%"} for sensor in base.SENSORS[:2]]
        self.conductor.store_sensor_model(self.context, self.host_uuid, client.SensorModel(copy.deepcopy(base.GROUPS), sensors))
        sensor = self.sensor()
        self.assertEqual((True, "ok", "%", "alarm", 60), tuple(sensor[name] for name in _KEPT))
        self.assertEqual(["CPU Temp", "Fan 1"], [row["sensorname"] for row in self.rows("sensor")])

    def test_the_sensors_of_a_host_without_board_are_not_learned(self) -> None:
        text = "Cannot learn the sensors of controller-0 anew: Its board management controller is not known."
        self.assert_refused(text, "relearn_sensors", self.host_uuid)
        self.assertEqual("", self.model().relearn)

    def test_a_wish_to_learn_anew_lasts_until_it_is_fulfilled(self) -> None:
        self.provision(self.host_uuid)
        self.store_sensors(self.host_uuid)
        self.conductor.relearn_sensors(self.context, self.host_uuid)
        first = self.model()
        self.conductor.relearn_sensors(self.context, self.host_uuid)
        self.conductor.store_sensor_model(self.context, self.host_uuid, first)
        second = self.model()
        self.assertNotIn(second.relearn, ("", first.relearn))
        self.conductor.store_sensor_model(self.context, self.host_uuid, second)
        self.assertEqual("", self.model().relearn)

    def test_statuses_are_stored_for_many_hosts_at_once(self) -> None:
        other = self.create()["uuid"]
        for host_uuid in (self.host_uuid, other):
            self.store_sensors(host_uuid)
        statuses = {self.host_uuid: {"Fan 1": "ok", "Fan 2": "critical", "no such sensor": "ok"}, other: {"CPU Temp": "major"}}
        self.conductor.update_sensor_states(self.context, statuses)
        self.assertEqual(["offline", "ok", "critical"], [row["status"] for row in self.rows("sensor")])
        self.assertEqual(["major", "offline", "offline"], [row["status"] for row in self.rows("sensor", "compute-0")])
        self.conductor.update_sensor_states(self.context, {"no such host": {"Fan 1": "ok"}})

    def assert_refused(self, text: str, method: str, *arguments: Any) -> None:
        error = self.assertRaises(exception.Invalid, getattr(self.conductor, method), self.context, *arguments)
        self.assertIn(text, error.message)

    def test_what_cannot_be_is_refused(self) -> None:
        self.store_sensors(self.host_uuid)
        sensor, group = self.sensor()["uuid"], self.group()["uuid"]
        self.assert_refused("choose from ignore, log, alarm", "update_sensorgroup", group, {"actions_minor_group": "reset"})
        self.assert_refused("10 to 3600 seconds", "update_sensorgroup", group, {"audit_interval_group": 5})
        self.assert_refused("True or False", "update_sensorgroup", group, {"suppress": None})
        self.assert_refused("cannot be set here", "update_sensorgroup", group, {"sensortype": "fan"})
        self.assert_refused("is set of its group only", "update_sensor", sensor, {"actions_minor": "log"})
        self.assert_refused("No sensor is ill", "update_sensor_states", {self.host_uuid: {"Fan 1": "ill"}})
        stray = client.SensorModel([], [{"sensorname": "Fan 1", "sensorgroupname": "nowhere"}])
        self.assert_refused("no group nowhere", "store_sensor_model", self.host_uuid, stray)
        many = client.SensorModel([{"sensorgroupname": f"group {number}"} for number in range(21)], [])
        self.assert_refused("512 sensors in 20 groups", "store_sensor_model", self.host_uuid, many)
        nameless = client.SensorModel([{"sensorgroupname": None}], [])
        self.assert_refused("no sensorgroupname", "store_sensor_model", self.host_uuid, nameless)
        twice = client.SensorModel([{"sensorgroupname": "a"}, {"sensorgroupname": "a"}], [])
        self.assert_refused("the same", "store_sensor_model", self.host_uuid, twice)
        wrong = client.SensorModel([{"sensorgroupname": "a", "audit_interval_group": "often"}], [])
        self.assert_refused("cannot be", "store_sensor_model", self.host_uuid, wrong)
        self.assertEqual([], self.events)

    def test_a_host_that_is_not_there_has_no_sensors(self) -> None:
        missing = "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"
        for method, arguments in (
            ("store_sensor_model", (client.SensorModel([], []),)),
            ("relearn_sensors", ()),
            ("update_sensor", ({},)),
            ("update_sensorgroup", ({},)),
        ):
            self.assertRaises(exception.NotFound, getattr(self.conductor, method), self.context, missing, *arguments)

    def test_an_agent_does_not_report_what_boards_tell(self) -> None:
        report = {"sensor": client.InventoryReport("digest", [])}
        self.assertRaises(exception.Invalid, self.conductor.report_inventory, self.context, self.host_uuid, report)


_KEPT = ("suppress", "status", "unit_base", "actions_major", "audit_interval")
