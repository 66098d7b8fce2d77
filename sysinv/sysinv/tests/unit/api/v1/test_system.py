# SPDX-License-Identifier: Apache-2.0
"""/v1/isystems by requests (spec sysinv.md 1.7.1)."""

import uuid
from typing import Any

from stx import testing
from sysinv.db import api as db_api
from sysinv.tests.unit import base

FIELDS = {
    "id",
    "uuid",
    "name",
    "system_type",
    "system_mode",
    "description",
    "contact",
    "location",
    "services",
    "software_version",
    "timezone",
    "capabilities",
    "region_name",
    "distributed_cloud_role",
    "service_project_name",
    "security_feature",
    "latitude",
    "longitude",
    "created_at",
    "updated_at",
    "links",
    "ihosts",
}


class ShowTest(base.RestTest):
    def test_the_system_has_the_published_fields(self) -> None:
        shown = self.rest.get(f"/v1/isystems/{self.system_uuid}").json
        self.assertEqual(FIELDS, set(shown))
        expected = {
            "name": "starlingx",
            "system_type": "All-in-one",
            "system_mode": "duplex",
            "services": 72,
            "timezone": "UTC",
            "region_name": "RegionOne",
            "service_project_name": "services",
            "distributed_cloud_role": None,
            "security_feature": "spectre_meltdown_v1",
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})
        self.assertLessEqual({"region_config", "vswitch_type", "sdn_enabled", "https_enabled"}, set(shown["capabilities"]))
        self.assertEqual("Internal", shown["capabilities"]["bm_region"])
        self.assertRegex(shown["software_version"], r"\A\d+\.\d+\Z")

    def test_its_links_lead_to_it_and_to_its_hosts(self) -> None:
        shown = self.rest.get(f"/v1/isystems/{self.system_uuid}").json
        self.assert_links(f"isystems/{self.system_uuid}", shown["links"])
        self.assert_links(f"isystems/{self.system_uuid}/ihosts", shown["ihosts"])

    def test_the_lists_have_the_one_system(self) -> None:
        expected = [self.rest.get(f"/v1/isystems/{self.system_uuid}").json]
        self.assertEqual(expected, self.listed("/v1/isystems"))
        self.assertEqual(expected, self.listed("/v1/isystems/detail", "isystems"))

    def test_a_system_that_is_not_there_is_named(self) -> None:
        for missing in ("x", str(uuid.uuid4())):
            self.assert_refused(404, f"There is no system {missing}.", self.rest.get(f"/v1/isystems/{missing}"))
            self.assert_refused(404, f"There is no system {missing}.", self.rest.get(f"/v1/isystems/{missing}/ihosts"))
            self.assert_refused(404, f"There is no system {missing}.", self.patch(f"/v1/isystems/{missing}", name="x"))


class HostsTest(base.RestTest):
    def test_a_system_lists_its_hosts(self) -> None:
        self.create()
        path = f"/v1/isystems/{self.system_uuid}/ihosts"
        self.assertEqual(self.listed("/v1/ihosts"), self.listed(path))
        self.assertEqual(["compute-0"], [item["hostname"] for item in self.listed(path, personality="compute")])

    def test_single_hosts_are_found_at_their_own_path(self) -> None:
        self.assert_refused(
            403,
            "A single host is found at its own path only: /v1/ihosts/controller-0.",
            self.rest.get(f"/v1/isystems/{self.system_uuid}/ihosts/controller-0"),
        )

    def test_hosts_are_written_at_their_own_path(self) -> None:
        for method, path in (("POST", ""), ("PATCH", "/1"), ("DELETE", "/1")):
            answer = self.rest.request(method, f"/v1/isystems/{self.system_uuid}/ihosts{path}", {})
            self.assertIn(answer.status, (403, 405), method)


class ModifyTest(base.RestTest):
    def modify(self, **changes: Any) -> testing.Answer:
        return self.patch(f"/v1/isystems/{self.system_uuid}", **changes)

    def test_what_may_be_changed_is_changed(self) -> None:
        changes = {
            "name": "edge 17",
            "description": "a tower",
            "contact": "me",
            "location": "north",
            "timezone": "Europe/Berlin",
            "latitude": "52.5",
            "longitude": "13.4",
        }
        answer = self.modify(**changes)
        self.assertEqual((200, changes), (answer.status, {name: answer.json[name] for name in changes}))
        self.assertEqual(changes, {name: db_api.get_system()[name] for name in changes})
        self.assertIsNotNone(answer.json["updated_at"])

    def test_what_may_be_empty_is_removed(self) -> None:
        self.modify(description="a tower")
        answer = self.rest.request("PATCH", f"/v1/isystems/{self.system_uuid}", [{"op": "remove", "path": "/description"}])
        self.assertEqual((200, None), (answer.status, answer.json["description"]))

    def test_what_is_wrong_is_named(self) -> None:
        for changes, text in (
            ({"name": None}, "name cannot be empty"),
            ({"name": ""}, "name cannot be ''"),
            ({"name": "a\nb"}, "name cannot be"),
            ({"name": "x" * 256}, "256 characters, 255 are allowed"),
            ({"timezone": "no such place!"}, "timezone cannot be"),
            ({"latitude": "x" * 31}, "31 characters, 30 are allowed"),
            ({"contact": 7}, "contact cannot be 7"),
            ({"colour": "red"}, "There is no attribute 'colour'."),
        ):
            self.assert_refused(400, text, self.modify(**changes))
        self.assertEqual("starlingx", db_api.get_system()["name"])

    def test_what_is_fixed_cannot_be_changed(self) -> None:
        for name in sorted(FIELDS - {"name", "description", "contact", "location", "timezone", "latitude", "longitude"}):
            self.assert_refused(400, f"The attribute '{name}' cannot be set here.", self.modify(**{name: "x"}))

    def test_a_system_is_neither_made_nor_deleted(self) -> None:
        self.assert_refused(403, "There is one system", self.rest.request("POST", "/v1/isystems", {"name": "x"}))
        self.assert_refused(403, "cannot be deleted", self.rest.request("DELETE", f"/v1/isystems/{self.system_uuid}"))
