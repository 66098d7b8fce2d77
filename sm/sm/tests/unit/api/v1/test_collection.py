# SPDX-License-Identifier: Apache-2.0
"""/v1/nodes, /v1/services, /v1/service_groups and /v1/sm_sda by requests."""

import hashlib
import uuid
from typing import Any
from urllib import parse

import ddt

from sm.tests.unit.api import base

_LISTS = ("nodes", "services", "service_groups", "sm_sda")


@ddt.ddt
class CollectionTest(base.RestTest):
    def listed(self, name: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.rest.get(f"/v1/{name}", **query)
        self.assertEqual(200, answer.status, answer.body)
        return answer.json[name]

    def test_nodes_have_the_published_fields(self) -> None:
        self.process.node("controller-1", ready_state="disabled", administrative_state="locked")
        shown = self.listed("nodes")[1]
        expected = {
            "id": 2,
            "name": "controller-1",
            "administrative_state": "locked",
            "operational_state": "enabled",
            "availability_status": "available",
            "ready_state": "disabled",
        }
        self.assertEqual(expected, {name: value for name, value in shown.items() if name not in ("uuid", "links")})
        self.assertEqual(f"http://localhost/v1/nodes/{shown['uuid']}", shown["links"][0]["href"])

    def test_services_are_those_of_the_controller_that_is_asked(self) -> None:
        self.process.database.change(
            [("SERVICES", {"name": "web"}, {"desired_state": "enabled-active", "state": "disabled", "status": "failed"})]
        )
        shown = self.listed("services")
        self.assertEqual(["dns", "ip", "log", "web"], [item["name"] for item in shown])
        self.assertEqual({"controller-0"}, {item["node_name"] for item in shown})
        self.assertEqual(
            ("enabled-active", "disabled", "failed", ""),
            tuple(shown[3][name] for name in ("desired_state", "state", "status", "condition")),
        )

    def test_what_is_not_provisioned_is_not_shown_and_changes_no_number(self) -> None:
        self.assertEqual([1, 2, 3, 5], [item["id"] for item in self.listed("services")])
        self.assertEqual(404, self.rest.get("/v1/services/old").status)

    def test_groups_are_listed(self) -> None:
        shown = [(item["name"], item["state"]) for item in self.listed("service_groups")]
        self.assertEqual([("everywhere", "initial"), ("moving", "initial")], shown)

    def test_assignments_are_listed_of_both_controllers(self) -> None:
        self.process.assign("controller-1", "moving", "standby", "degraded", "data-syncing")
        shown = self.listed("sm_sda")
        self.assertEqual(4, len(shown))
        item = next(item for item in shown if (item["node_name"], item["service_group_name"]) == ("controller-1", "moving"))
        self.assertEqual(
            ("controller", "standby", "standby", "degraded", "data-syncing"),
            tuple(item[name] for name in ("name", "desired_state", "state", "status", "condition")),
        )
        self.assertEqual(item, self.rest.get(f"/v1/sm_sda/{item['uuid']}").json)

    def test_an_item_is_found_by_uuid_number_and_name(self) -> None:
        for collection, name in (("nodes", "controller-1"), ("services", "web"), ("service_groups", "moving")):
            shown = next(item for item in self.listed(collection) if item["name"] == name)
            for wanted in (name, shown["id"], shown["uuid"]):
                self.assertEqual(shown, self.rest.get(f"/v1/{collection}/{wanted}").json)

    @ddt.data(*_LISTS)
    def test_an_item_that_is_not_there_is_named(self, name: str) -> None:
        for wanted in ("nobody", "99", str(uuid.uuid4())):
            self.assert_refused(404, wanted, self.rest.get(f"/v1/{name}/{wanted}"))

    @ddt.data(*_LISTS)
    def test_pages_lead_through_the_whole_list(self, name: str) -> None:
        found, path = [], f"/v1/{name}?limit=1&sort_key=name&sort_dir=desc"
        while path:
            answer = self.rest.request("GET", path).json
            found += answer[name]
            where = parse.urlsplit(answer.get("next", ""))
            path = f"{where.path}?{where.query}" if where.query else ""
        whole = self.listed(name, sort_key="name", sort_dir="desc")
        self.assertEqual(whole, found)
        self.assertEqual(sorted(self.listed(name), key=str), sorted(found, key=str))

    def test_what_has_no_value_comes_first(self) -> None:
        self.process.database.change([("NODES", {"name": "controller-9"}, {"ready_state": "unknown"})])
        self.assertEqual("controller-9", self.listed("nodes", sort_key="administrative_state")[0]["name"])

    def test_what_cannot_be_asked_is_named(self) -> None:
        for asked, text in (
            ("limit=0", "is not a positive number"),
            ("sort_key=colour", "Cannot sort by 'colour'. Choose one of: administrative_state,"),
            (f"marker={uuid.uuid4()}", "is not the uuid of an item of this list"),
            ("colour=red", "There is no query parameter 'colour'."),
        ):
            self.assert_refused(400, text, self.rest.request("GET", f"/v1/nodes?{asked}"))

    @ddt.data(*_LISTS)
    def test_states_that_nobody_keeps_are_not_shown(self, name: str) -> None:
        self.process.end()
        self.assert_refused(503, "Service Management does not answer on this host", self.rest.get(f"/v1/{name}"))
        self.assert_refused(503, "Is sm.service at work?", self.rest.get(f"/v1/{name}/1"))

    def test_a_database_that_is_not_there_is_told(self) -> None:
        for file in self.platform.path.glob("sm.db*"):
            file.unlink()
        self.assert_refused(503, "sm.db cannot be read", self.rest.get("/v1/nodes"))
        self.assertEqual([], list(self.platform.path.glob("sm.db*")))

    def test_nothing_is_written(self) -> None:
        def files() -> dict[str, str]:
            found = [self.platform.path / "sm.db", self.platform.path / "sm.db-wal"]
            return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}

        before = files()
        for name in _LISTS:
            self.listed(name)
        self.rest.get("/v1/servicenode/controller-0")
        self.assertEqual(before, files())
