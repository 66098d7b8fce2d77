# SPDX-License-Identifier: Apache-2.0
"""/v1/event_suppression by requests."""

import uuid
from typing import Any

from fm import catalogue
from fm.tests.unit import base


class EventSuppressionTest(base.RestTest):
    def types(self, **asked: Any) -> dict[str, dict[str, Any]]:
        found = self.rest.get("/v1/event_suppression", **asked).json["event_suppression"]
        return {item["alarm_id"]: item for item in found}

    def patch(self, type_uuid: str, value: Any, path: str = "/suppression_status", op: str = "replace") -> Any:
        return self.rest.request("PATCH", f"/v1/event_suppression/{type_uuid}", [{"op": op, "path": path, "value": value}])

    def test_every_alarm_type_is_listed_by_its_id(self) -> None:
        expected = sorted(alarm_id for alarm_id, entry in catalogue.load().items() if entry.type == "alarm")
        self.assertEqual(expected, list(self.types()))

    def test_a_type_has_the_published_fields(self) -> None:
        shown = self.types()["200.006"]
        where = f"event_suppression/{shown['uuid']}"
        expected = {
            "id": shown["id"],
            "uuid": shown["uuid"],
            "alarm_id": "200.006",
            "description": catalogue.load()["200.006"].description,
            "suppression_status": "unsuppressed",
            "links": [
                {"href": f"http://localhost/v1/{where}", "rel": "self"},
                {"href": f"http://localhost/{where}", "rel": "bookmark"},
            ],
        }
        self.assertEqual(expected, shown)
        self.assertEqual(expected, self.rest.get(f"/v1/{where}").json)

    def test_a_filter_finds_exact_values(self) -> None:
        expected = {("alarm_id", "200.006"): ["200.006"], ("alarm_id", "200"): [], ("suppression_status", "suppressed"): []}
        found = {(field, value): list(self.types(**{"q.field": field, "q.value": value})) for field, value in expected}
        self.assertEqual(expected, found)

    def test_a_suppressed_type_is_kept_from_view(self) -> None:
        alarm_uuid = self.raise_alarm()
        answer = self.patch(self.types()["200.006"]["uuid"], "suppressed")
        self.assertEqual((200, "suppressed"), (answer.status, answer.json["suppression_status"]))
        self.assertEqual([], self.uuids("alarms", "/v1/alarms"))
        self.assertEqual(0, self.rest.get("/v1/alarms/summary").json["major"])
        self.assertEqual([alarm_uuid], self.uuids("alarms", "/v1/alarms", include_suppress="True"))
        self.assertEqual(1, self.rest.get("/v1/alarms/summary", include_suppress="True").json["major"])
        self.assertEqual("suppressed", self.rest.get(f"/v1/alarms/{alarm_uuid}").json["suppression_status"])

    def test_a_suppressed_type_is_recorded_nevertheless(self) -> None:
        self.patch(self.types()["200.006"]["uuid"], "suppressed")
        self.raise_alarm()
        self.assertEqual(["set"], [event["state"] for event in base.events()])

    def test_an_unsuppressed_type_is_seen_again(self) -> None:
        alarm_uuid = self.raise_alarm()
        type_uuid = self.types()["200.006"]["uuid"]
        self.patch(type_uuid, "suppressed")
        self.patch(type_uuid, "unsuppressed")
        self.assertEqual([alarm_uuid], self.uuids("alarms", "/v1/alarms"))

    def test_nothing_else_can_be_changed(self) -> None:
        type_uuid = self.types()["200.006"]["uuid"]
        for name in ("description", "alarm_id", "uuid", "id", "links", "created_at", "colour"):
            self.assert_refused(400, f"'{name}'", self.patch(type_uuid, "suppressed", f"/{name}"))

    def test_the_status_is_one_of_two_words(self) -> None:
        type_uuid = self.types()["200.006"]["uuid"]
        for value in ("quiet", "", True, ["suppressed"]):
            self.assert_refused(400, "suppression_status cannot be", self.patch(type_uuid, value))

    def test_the_status_cannot_be_removed(self) -> None:
        type_uuid = self.types()["200.006"]["uuid"]
        self.assert_refused(400, "suppression_status cannot be removed", self.patch(type_uuid, None))
        self.assert_refused(400, "suppression_status cannot be removed", self.patch(type_uuid, None, op="remove"))

    def test_a_type_that_is_not_there_is_named(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_refused(404, missing, self.patch(missing, "suppressed"))
        self.assert_refused(404, missing, self.rest.get(f"/v1/event_suppression/{missing}"))
