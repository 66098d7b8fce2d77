# SPDX-License-Identifier: Apache-2.0
"""/v1/alarms by requests."""

import dataclasses
import uuid
from typing import Any
from urllib import parse

import ddt

from fm import catalogue, faults
from fm.db import api as db_api
from fm.tests.unit import base
from stx import paging

SHORT = {
    "uuid",
    "alarm_id",
    "entity_instance_id",
    "severity",
    "timestamp",
    "reason_text",
    "mgmt_affecting",
    "degrade_affecting",
    "suppression_status",
}
FULL = SHORT | {
    "alarm_state",
    "entity_type_id",
    "alarm_type",
    "probable_cause",
    "proposed_repair_action",
    "service_affecting",
    "suppression",
    "root_alarm_id",
    "root_entity_instance_id",
    "created_at",
    "updated_at",
}
_NEW = {
    "alarm_id": "200.006",
    "entity_instance_id": "host=compute-1.process=sshd",
    "severity": "major",
    "reason_text": "sshd failed",
}


def suppress(alarm_id: str) -> None:
    (found,) = [row for row in db_api.list_types(paging.Page(2000)) if row["alarm_id"] == alarm_id]
    db_api.set_suppression(found["uuid"], "suppressed")


class ShowTest(base.RestTest):
    def test_a_list_has_the_short_form(self) -> None:
        alarm_uuid = self.raise_alarm(entity="host=compute-1.process=sshd")
        self.assertEqual(
            {
                "alarms": [
                    {
                        "uuid": alarm_uuid,
                        "alarm_id": "200.006",
                        "entity_instance_id": "host=compute-1.process=sshd",
                        "severity": "major",
                        "timestamp": base.TIMESTAMP,
                        "reason_text": "a process has failed",
                        "mgmt_affecting": "True",
                        "degrade_affecting": "True",
                        "suppression_status": "unsuppressed",
                    }
                ]
            },
            self.rest.get("/v1/alarms").json,
        )

    def test_detail_has_the_full_form(self) -> None:
        self.raise_alarm()
        (shown,) = self.rest.get("/v1/alarms/detail").json["alarms"]
        self.assertEqual(FULL, set(shown))

    def test_expand_has_the_full_form(self) -> None:
        self.raise_alarm()
        (shown,) = self.rest.get("/v1/alarms", expand="true").json["alarms"]
        self.assertEqual(FULL, set(shown))

    def test_one_alarm_has_the_full_form(self) -> None:
        alarm_uuid = self.raise_alarm(entity="host=compute-1.process=sshd", severity="minor")
        shown = self.rest.get(f"/v1/alarms/{alarm_uuid}").json
        self.assertEqual(FULL, set(shown))
        expected = {
            "uuid": alarm_uuid,
            "alarm_state": "set",
            "entity_type_id": "host.process",
            "alarm_type": "operational-violation",
            "probable_cause": "unknown",
            "proposed_repair_action": catalogue.load()["200.006"].proposed_repair_action,
            "service_affecting": "False",
            "suppression": "True",
            "mgmt_affecting": "True",
            "degrade_affecting": "False",
            "created_at": base.TIMESTAMP,
            "updated_at": None,
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})

    def test_times_have_microseconds_and_no_suffix(self) -> None:
        alarm_uuid = self.raise_alarm(timestamp="2026-11-23T10:00:00")
        self.assertEqual("2026-11-23T10:00:00.000000", self.rest.get(f"/v1/alarms/{alarm_uuid}").json["timestamp"])

    def test_an_alarm_that_is_not_active_is_named(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_refused(404, f"No active alarm has the uuid {missing}.", self.rest.get(f"/v1/alarms/{missing}"))


class MaskedTest(base.RestTest):
    """An alarm of a locked host that may be hidden."""

    def setUp(self) -> None:
        super().setUp()
        self.hidden = self.raise_alarm(suppression=True)
        self.locked = self.raise_alarm(entity="host=compute-1", alarm_id="200.001", severity="warning")

    def test_no_list_shows_it(self) -> None:
        for path, asked in (("/v1/alarms", {"include_suppress": "true"}), ("/v1/alarms/detail", {})):
            self.assertEqual([self.locked], self.uuids("alarms", path, **asked))

    def test_the_summary_leaves_it_out(self) -> None:
        self.assertEqual(0, self.rest.get("/v1/alarms/summary").json["major"])

    def test_it_is_not_found_by_its_uuid(self) -> None:
        self.assert_refused(404, "No active alarm has the uuid", self.rest.get(f"/v1/alarms/{self.hidden}"))

    def test_whoever_knows_it_can_change_and_clear_it(self) -> None:
        changed = self.rest.request("PUT", f"/v1/alarms/{self.hidden}", {"severity": "minor"})
        self.assertEqual((200, "minor"), (changed.status, changed.json["severity"]))
        self.assertEqual(204, self.rest.request("DELETE", f"/v1/alarms/{self.hidden}").status)

    def test_its_events_are_shown(self) -> None:
        self.assertEqual(2, len(self.uuids("event_log", "/v1/event_log")))


class ListTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.sshd = self.raise_alarm(entity="host=compute-1.process=sshd", severity="minor")
        self.libvirtd = self.raise_alarm(entity="host=compute-1.process=libvirtd", severity="critical")
        self.locked = self.raise_alarm(entity="host=compute-2", alarm_id="200.001", severity="warning")

    def shown(self, **asked: Any) -> list[str]:
        names = {self.sshd: "sshd", self.libvirtd: "libvirtd", self.locked: "locked"}
        query = {name.replace("__", "."): value for name, value in asked.items()}
        return [names[each] for each in self.uuids("alarms", "/v1/alarms", **query)]

    def test_alarms_come_in_the_order_of_their_ids(self) -> None:
        self.assertEqual(["sshd", "libvirtd", "locked"], self.shown())

    def test_a_filter_finds_what_contains_its_text(self) -> None:
        expected = {
            ("alarm_id", "200.001"): ["locked"],
            ("alarm_id", "200"): ["sshd", "libvirtd", "locked"],
            ("entity_instance_id", "compute-1"): ["sshd", "libvirtd"],
            ("entity_type_id", "host.process"): ["sshd", "libvirtd"],
            ("severity", "critical"): ["libvirtd"],
            ("alarm_type", "operational-violation"): ["sshd", "libvirtd", "locked"],
            ("entity_instance_id", "%"): [],
            ("entity_instance_id", "compute_1"): [],
            ("uuid", self.locked): ["locked"],
        }
        self.assertEqual(expected, {(field, text): self.shown(q__field=field, q__value=text) for field, text in expected})

    def test_the_operator_and_type_that_clients_send_are_understood(self) -> None:
        self.assertEqual(["locked"], self.shown(q__field="alarm_id", q__value="200.001", q__op="eq", q__type=""))

    def test_filters_add_up(self) -> None:
        found = self.shown(q__field=["entity_instance_id", "severity"], q__op=["eq", "ne"], q__value=["compute-1", "minor"])
        self.assertEqual(["libvirtd"], found)

    def test_other_comparisons_are_carried_out(self) -> None:
        self.assertEqual(["locked"], self.shown(q__field="alarm_id", q__op="lt", q__value="200.006"))
        self.assertEqual(["sshd", "libvirtd"], self.shown(q__field="alarm_id", q__op="ge", q__value="200.006"))

    def test_a_field_that_cannot_be_filtered_by_is_named(self) -> None:
        answer = self.rest.get("/v1/alarms", **{"q.field": "reason_text", "q.value": "x"})
        self.assert_refused(400, "Cannot filter by 'reason_text'. Choose one of: alarm_id, ", answer)

    def test_a_parameter_that_is_not_known_is_named(self) -> None:
        self.assert_refused(400, "There is no query parameter 'colour'.", self.rest.get("/v1/alarms", colour="red"))

    def test_a_limit_is_a_positive_number(self) -> None:
        for limit in ("0", "-1", "x", "1.5", "", "9" * 20):
            self.assert_refused(400, "is not a positive number", self.rest.request("GET", f"/v1/alarms?limit={limit}"))

    def test_a_sort_direction_is_one_of_two(self) -> None:
        self.assert_refused(400, "'up' is neither asc nor desc", self.rest.get("/v1/alarms", sort_dir="up"))

    def test_a_sort_key_that_is_not_there_is_named(self) -> None:
        self.assert_refused(400, "Cannot sort by 'colour'.", self.rest.get("/v1/alarms", sort_key="colour"))

    def test_a_marker_that_is_not_there_is_named(self) -> None:
        for marker in ("x", "6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11"):
            self.assert_refused(400, f"The marker '{marker}' is not", self.rest.get("/v1/alarms", marker=marker))

    def test_a_list_is_sorted_as_asked(self) -> None:
        self.assertEqual(["libvirtd", "sshd", "locked"], self.shown(sort_key="severity"))
        self.assertEqual(["locked", "sshd", "libvirtd"], self.shown(sort_key="entity_instance_id", sort_dir="desc"))

    def test_a_page_leads_to_the_next_with_its_filters_kept(self) -> None:
        wanted = {"q.field": "entity_instance_id", "q.value": "compute-1", "include_suppress": "true"}
        first = self.rest.get("/v1/alarms", limit=1, sort_key="severity", sort_dir="desc", **wanted).json
        self.assertEqual([self.sshd], [item["uuid"] for item in first["alarms"]])
        where = parse.urlsplit(first["next"])
        self.assertEqual(("http", "localhost", "/v1/alarms"), where[:3])
        asked = dict(parse.parse_qsl(where.query))
        paging = {"limit": "1", "marker": self.sshd, "sort_key": "severity", "sort_dir": "desc"}
        self.assertEqual({**wanted, **paging}, asked)
        second = self.rest.request("GET", f"{where.path}?{where.query}").json
        self.assertEqual([self.libvirtd], [item["uuid"] for item in second["alarms"]])
        where = parse.urlsplit(second["next"])
        self.assertEqual({"alarms": []}, self.rest.request("GET", f"{where.path}?{where.query}").json)

    def test_a_page_that_is_not_full_leads_nowhere(self) -> None:
        self.assertNotIn("next", self.rest.get("/v1/alarms", limit=4).json)

    def test_no_page_is_longer_than_the_service_allows(self) -> None:
        self.platform.conf.config(group="api", limit_max=2)
        answer = self.rest.get("/v1/alarms", limit=1000).json
        self.assertEqual(2, len(answer["alarms"]))
        self.assertIn("limit=2", answer["next"])

    def test_alarms_of_suppressed_types_are_shown_when_asked_for(self) -> None:
        suppress("200.006")
        self.assertEqual(["locked"], self.shown())
        self.assertEqual(["sshd", "libvirtd", "locked"], self.shown(include_suppress="true"))
        (shown,) = self.rest.get(f"/v1/alarms?include_suppress=1&q.field=uuid&q.value={self.sshd}").json["alarms"]
        self.assertEqual("suppressed", shown["suppression_status"])

    def test_a_flag_is_true_or_false(self) -> None:
        self.assert_refused(400, "'maybe' is neither true nor false", self.rest.get("/v1/alarms", include_suppress="maybe"))


class SummaryTest(base.RestTest):
    def summary(self, **asked: Any) -> dict[str, Any]:
        return self.rest.get("/v1/alarms/summary", **asked).json

    def test_a_quiet_system_is_ok(self) -> None:
        self.assertEqual({"critical": 0, "major": 0, "minor": 0, "warnings": 0, "status": "OK"}, self.summary())

    def test_alarms_are_counted_and_the_worst_gives_the_status(self) -> None:
        for number, severity in enumerate(["warning", "warning", "minor"]):
            self.raise_alarm(entity=f"host={number}", severity=severity)
        self.assertEqual({"critical": 0, "major": 0, "minor": 1, "warnings": 2, "status": "degraded"}, self.summary())
        self.raise_alarm(severity="critical")
        self.assertEqual("critical", self.summary()["status"])

    def test_warnings_alone_are_ok(self) -> None:
        self.raise_alarm(severity="warning")
        self.assertEqual("OK", self.summary()["status"])

    def test_suppressed_types_count_when_asked_for(self) -> None:
        self.raise_alarm()
        suppress("200.006")
        self.assertEqual((0, "OK"), (self.summary()["major"], self.summary()["status"]))
        self.assertEqual(1, self.summary(include_suppress="true")["major"])

    def test_it_takes_no_other_parameter(self) -> None:
        self.assert_refused(
            400, "There is no query parameter 'q.field'", self.rest.get("/v1/alarms/summary", **{"q.field": "uuid"})
        )


@ddt.ddt
class PostTest(base.RestTest):
    def post(self, **values: Any) -> Any:
        return self.rest.request("POST", "/v1/alarms", {**_NEW, **values})

    def test_an_alarm_is_raised(self) -> None:
        answer = self.post()
        self.assertEqual(200, answer.status)
        shown = self.rest.get(f"/v1/alarms/{answer.json['uuid']}").json
        self.assertEqual(_NEW, {name: shown[name] for name in _NEW})

    def test_raising_it_again_gives_the_same_alarm(self) -> None:
        self.assertEqual(self.post().json, self.post(severity="critical").json)

    def test_what_is_given_counts(self) -> None:
        given = {
            "alarm_type": "equipment",
            "probable_cause": "power-problem",
            "proposed_repair_action": "replace it",
            "service_affecting": "False",
            "suppression": False,
        }
        shown = self.rest.get(f"/v1/alarms/{self.post(**given).json['uuid']}").json
        self.assertEqual({**given, "suppression": "False"}, {name: shown[name] for name in given})

    def test_alarm_state_null_sets(self) -> None:
        alarm_uuid = self.post(alarm_state=None).json["uuid"]
        self.assertEqual("set", self.rest.get(f"/v1/alarms/{alarm_uuid}").json["alarm_state"])

    def test_alarm_state_clear_clears(self) -> None:
        self.post()
        self.assertEqual({"uuid": None}, self.post(alarm_state="clear").json)
        self.assertEqual([], self.uuids("alarms", "/v1/alarms"))

    @ddt.data("log", "msg")
    def test_alarm_state_log_writes_a_log(self, state: str) -> None:
        enabled = "host=compute-1.state=enabled"
        self.assertEqual({"uuid": None}, self.post(alarm_state=state, alarm_id="200.022", entity_instance_id=enabled).json)
        self.assertEqual([], self.uuids("alarms", "/v1/alarms"))
        self.assertEqual(["log"], [event["state"] for event in base.events()])

    def test_what_is_missing_is_named(self) -> None:
        for name in ("alarm_id", "entity_instance_id", "reason_text"):
            for body in ({key: value for key, value in _NEW.items() if key != name}, {**_NEW, name: None}):
                self.assert_refused(400, f"The attribute {name} is missing.", self.rest.request("POST", "/v1/alarms", body))

    def test_what_is_wrong_is_named(self) -> None:
        for values, text in (
            ({"alarm_id": "x"}, "alarm_id cannot be 'x': "),
            ({"severity": "fatal"}, "severity cannot be 'fatal'"),
            ({"alarm_type": "plumbing"}, "alarm_type cannot be 'plumbing'"),
            ({"alarm_state": "on"}, "alarm_state cannot be 'on'"),
            ({"reason_text": "x" * 256}, "256 characters, 255 are allowed"),
            ({"reason_text": "a\0b"}, "NUL"),
            ({"reason_text": ["x"]}, "reason_text cannot be"),
            ({"service_affecting": "perhaps"}, "'perhaps' is neither true nor false"),
            ({"uuid": "6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11"}, "The attribute 'uuid' cannot be set here."),
            ({"timestamp": base.TIMESTAMP}, "The attribute 'timestamp' cannot be set here."),
            ({"mgmt_affecting": "True"}, "The attribute 'mgmt_affecting' cannot be set here."),
            ({"colour": "red"}, "There is no attribute 'colour'."),
            ({"entity_instance_id": ""}, "entity_instance_id is empty"),
            ({"alarm_id": "999.001"}, "alarm_id 999.001 is not in the catalogue"),
            ({"entity_instance_id": "host=compute-1"}, "make it host=<host>.process=<process>"),
            ({"alarm_id": "200.020", "entity_instance_id": "host=compute-1.event=add"}, "alarm_id 200.020 is that of a log"),
        ):
            self.assert_refused(400, text, self.post(**values))
        self.assertEqual([], self.uuids("alarms", "/v1/alarms"))

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        for body in (b"", b"{", b"[]", b"7", b"\xff"):
            self.assert_refused(400, "JSON", self.rest.request("POST", "/v1/alarms", body))


class PutTest(base.RestTest):
    def put(self, alarm_uuid: str, **values: Any) -> Any:
        return self.rest.request("PUT", f"/v1/alarms/{alarm_uuid}", values)

    def test_an_alarm_is_changed(self) -> None:
        alarm_uuid = self.raise_alarm()
        answer = self.put(alarm_uuid, severity="critical", reason_text="worse", service_affecting="false")
        self.assertEqual(
            (200, alarm_uuid, "critical", "worse", "False"),
            (answer.status, *[answer.json[name] for name in ("uuid", "severity", "reason_text", "service_affecting")]),
        )

    def test_what_is_not_named_stays(self) -> None:
        said = {
            "severity": "minor",
            "alarm_type": "equipment",
            "probable_cause": "power-problem",
            "proposed_repair_action": "replace it",
            "service_affecting": True,
            "suppression": False,
            "inhibit_alarms": True,
        }
        alarm_uuid = self.raise_alarm(**said)
        self.put(alarm_uuid, reason_text="another")
        (alarm,) = db_api.find_alarms()
        self.assertEqual(said, {name: alarm[name] for name in said})

    def test_no_change_makes_no_event(self) -> None:
        alarm_uuid = self.raise_alarm()
        self.assertEqual(200, self.put(alarm_uuid).status)
        self.assertEqual(200, self.put(alarm_uuid, severity="major").status)
        self.assertEqual(1, len(base.events()))

    def test_what_tells_an_alarm_from_others_cannot_be_changed(self) -> None:
        alarm_uuid = self.raise_alarm()
        for name in ("alarm_id", "entity_instance_id", "entity_type_id", "alarm_state", "uuid", "timestamp"):
            self.assert_refused(400, f"The attribute '{name}' cannot be set here.", self.put(alarm_uuid, **{name: "200.001"}))

    def test_an_alarm_needs_its_text(self) -> None:
        self.assert_refused(400, "The attribute reason_text is missing.", self.put(self.raise_alarm(), reason_text=None))

    def test_an_alarm_that_is_not_active_is_named(self) -> None:
        self.assert_refused(404, "No active alarm has the uuid", self.put(str(uuid.uuid4()), severity="minor"))


class DeleteTest(base.RestTest):
    def test_an_alarm_is_cleared_with_an_event(self) -> None:
        alarm_uuid = self.raise_alarm()
        answer = self.rest.request("DELETE", f"/v1/alarms/{alarm_uuid}")
        self.assertEqual((204, b""), (answer.status, answer.body))
        self.assertEqual([], self.uuids("alarms", "/v1/alarms"))
        self.assertEqual(["set", "clear"], [event["state"] for event in base.events()])

    def test_an_alarm_that_is_not_active_is_named(self) -> None:
        alarm_uuid = self.raise_alarm()
        self.rest.request("DELETE", f"/v1/alarms/{alarm_uuid}")
        self.assert_refused(404, alarm_uuid, self.rest.request("DELETE", f"/v1/alarms/{alarm_uuid}"))


class RootTest(base.RestTest):
    """An alarm that names the one that it follows from."""

    ROOT = {"root_alarm_id": "200.004", "root_entity_instance_id": "host=compute-1"}

    def post(self, **attributes: Any) -> Any:
        return self.rest.request("POST", "/v1/alarms", {**_NEW, **attributes})

    def root(self, alarm_uuid: str) -> dict[str, Any]:
        shown = self.rest.get(f"/v1/alarms/{alarm_uuid}").json
        return {name: shown[name] for name in self.ROOT}

    def test_it_is_shown_with_its_root(self) -> None:
        self.assertEqual(self.ROOT, self.root(self.post(**self.ROOT).json["uuid"]))

    def test_most_have_none(self) -> None:
        self.assertEqual(dict.fromkeys(self.ROOT), self.root(self.post().json["uuid"]))

    def test_a_change_by_an_operator_keeps_it(self) -> None:
        alarm_uuid = self.post(**self.ROOT).json["uuid"]
        self.rest.request("PUT", f"/v1/alarms/{alarm_uuid}", {"severity": "minor"})
        self.assertEqual(self.ROOT, self.root(alarm_uuid))

    def test_half_a_root_is_refused(self) -> None:
        self.assert_refused(400, "give both or neither", self.post(root_alarm_id="200.004"))

    def test_a_root_that_can_be_no_alarm_is_refused(self) -> None:
        self.assert_refused(400, "root_alarm_id", self.post(**{**self.ROOT, "root_alarm_id": "x"}))

    def test_a_log_has_none(self) -> None:
        self.assert_refused(400, "A log has no root", self.post(alarm_state="log", **self.ROOT))


class FieldsTest(base.RestTest):
    def test_every_attribute_of_a_report_is_shown_or_internal(self) -> None:
        internal = {"operation", "inhibit_alarms", "keep_existing"}
        self.assertLessEqual({field.name for field in dataclasses.fields(faults.Report)} - internal, FULL)
