# SPDX-License-Identifier: Apache-2.0
"""/v1/isensors and /v1/isensorgroups."""

from typing import Any

from sysinv.db import api as db_api
from sysinv.tests.unit import base


class SensorTest(base.RestTest):
    def prepare(self) -> None:
        self.store_sensors(self.host()["uuid"])
        self.store_sensors(self.create()["uuid"])

    def of_host(self, name: str, host: str = "controller-0") -> dict[str, dict[str, Any]]:
        found = self.listed(f"/v1/ihosts/{host}/{name}")
        return {item.get("sensorname") or item["sensorgroupname"]: item for item in found}

    def test_a_sensor_has_what_its_group_says(self) -> None:
        fan = self.of_host("isensors")["Fan 1"]
        group = self.of_host("isensorgroups")["server fan"]
        self.assertEqual(group["uuid"], fan["sensorgroup_uuid"])
        expected = {"sensortype": "fan", "status": "offline", "suppress": "False", "audit_interval": 120, "unit_base": "RPM"}
        expected |= {"actions_minor": "ignore", "actions_major": "log", "actions_critical": "alarm", "t_critical_upper": "95"}
        self.assertEqual(expected, {name: fan[name] for name in expected})
        self.assertEqual(self.host()["uuid"], fan["host_uuid"])
        self.assert_links(f"isensors/{fan['uuid']}", fan["links"])

    def test_lists_are_of_all_hosts_of_one_and_of_a_group(self) -> None:
        self.assertEqual(6, len(self.listed("/v1/isensors")))
        self.assertEqual(4, len(self.listed("/v1/isensorgroups")))
        self.assertEqual({"CPU Temp", "Fan 1", "Fan 2"}, set(self.of_host("isensors", "compute-0")))
        group = self.of_host("isensorgroups")["server fan"]
        self.assertEqual("Fan 1,Fan 2", group["sensors"])
        inside = self.listed(f"/v1/isensorgroups/{group['uuid']}/isensors")
        self.assertEqual(["Fan 1", "Fan 2"], [sensor["sensorname"] for sensor in inside])
        self.assert_links(f"isensorgroups/{group['uuid']}/isensors", group["isensors"])

    def test_a_sensor_is_suppressed_alone_and_all_else_is_set_of_its_group(self) -> None:
        fan = self.of_host("isensors")["Fan 1"]
        answer = self.patch(f"/v1/isensors/{fan['uuid']}", suppress="True")
        self.assertEqual((200, "True"), (answer.status, answer.json["suppress"]))
        self.assertEqual("False", self.of_host("isensors")["Fan 2"]["suppress"])
        self.assert_refused(400, "group only", self.patch(f"/v1/isensors/{fan['uuid']}", actions_critical="log"))

    def test_a_group_is_changed_with_its_sensors(self) -> None:
        group = self.of_host("isensorgroups")["server fan"]
        path = f"/v1/isensorgroups/{group['uuid']}"
        answer = self.patch(path, actions_critical_group="powercycle", audit_interval_group="60", suppress="true")
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual(("powercycle", 60, "True"), tuple(answer.json[name] for name in _CHANGED))
        fan = self.of_host("isensors")["Fan 1"]
        self.assertEqual(("powercycle", 60, "True"), (fan["actions_critical"], fan["audit_interval"], fan["suppress"]))
        self.assert_refused(400, "choose from", self.patch(path, actions_major_group="reset"))
        self.assert_refused(400, "cannot be", self.patch(path, audit_interval_group="often"))

    def test_sensors_are_learned_anew_where_the_host_is_named(self) -> None:
        host_uuid = self.host()["uuid"]
        answer = self.rest.request("POST", "/v1/isensorgroups/relearn", {"host_uuid": host_uuid})
        self.assert_refused(400, "Its board management controller is not known", answer)
        db_api.update_host(host_uuid, {"bm_type": "ipmi", "bm_ip": "192.0.2.7"})
        answer = self.rest.request("POST", "/v1/isensorgroups/relearn", {"host_uuid": host_uuid})
        self.assertEqual((200, {"host_uuid": host_uuid}), (answer.status, answer.json))
        self.assertNotEqual("", self.conductor.get_sensor_model(self.context, host_uuid).relearn)
        self.assert_refused(400, "Name the host", self.rest.request("POST", "/v1/isensorgroups/relearn", {}))
        missing = {"host_uuid": "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"}
        self.assert_refused(404, "There is no host", self.rest.request("POST", "/v1/isensorgroups/relearn", missing))

    def test_what_is_not_there_is_not_found(self) -> None:
        for name in ("isensors", "isensorgroups"):
            path = f"/v1/{name}/5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"
            self.assertEqual(404, self.rest.get(path).status)
            self.assertEqual(404, self.patch(path, suppress="True").status)

    def test_sensors_go_with_their_host(self) -> None:
        self.conductor.delete_host(self.context, self.host("compute-0")["uuid"])
        self.assertEqual(3, len(self.listed("/v1/isensors")))


_CHANGED = ("actions_critical_group", "audit_interval_group", "suppress")
