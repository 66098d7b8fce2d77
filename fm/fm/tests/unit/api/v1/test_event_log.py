# SPDX-License-Identifier: Apache-2.0
"""/v1/event_log by requests."""

import itertools
import uuid
from typing import Any

from fm.db import api as db_api
from fm.tests.unit import base
from fm.tests.unit.api.v1 import test_alarm

SHORT = {
    "uuid",
    "event_log_id",
    "entity_instance_id",
    "severity",
    "timestamp",
    "reason_text",
    "state",
    "suppression_status",
}
FULL = SHORT | {
    "entity_type_id",
    "event_log_type",
    "probable_cause",
    "proposed_repair_action",
    "service_affecting",
    "suppression",
    "created_at",
    "updated_at",
}


class EventLogTest(base.RestTest):
    """An alarm that was set at 10:00 and cleared at 11:00, and a log at 12:00."""

    def setUp(self) -> None:
        super().setUp()
        process = "host=compute-1.process=sshd"
        db_api.store(
            [
                base.report("set", process, timestamp="2026-11-23T10:00:00.000000"),
                base.report("clear", process, timestamp="2026-11-23T11:00:00.000000"),
                base.report(
                    "log",
                    "host=compute-2.state=enabled",
                    alarm_id="200.022",
                    timestamp="2026-11-23T12:00:00.000000",
                    severity="warning",
                ),
            ]
        )

    def states(self, path: str = "/v1/event_log", **asked: Any) -> list[str]:
        answer = self.rest.get(path, **{name.replace("__", "."): value for name, value in asked.items()})
        self.assertEqual(200, answer.status, answer.body)
        return [item["state"] for item in answer.json["event_log"]]

    def test_the_newest_event_comes_first(self) -> None:
        self.assertEqual(["log", "clear", "set"], self.states())

    def test_a_list_has_the_short_form(self) -> None:
        shown = self.rest.get("/v1/event_log").json["event_log"][0]
        self.assertEqual(SHORT, set(shown))
        expected = {
            "event_log_id": "200.022",
            "entity_instance_id": "host=compute-2.state=enabled",
            "severity": "warning",
            "timestamp": "2026-11-23T12:00:00.000000",
            "reason_text": "a process has failed",
            "state": "log",
            "suppression_status": "unsuppressed",
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})

    def test_detail_has_the_full_form(self) -> None:
        self.assertEqual(FULL, set(self.rest.get("/v1/event_log/detail").json["event_log"][0]))
        self.assertEqual(["log", "clear", "set"], self.states("/v1/event_log/detail"))

    def test_one_event_has_the_full_form(self) -> None:
        wanted = self.rest.get("/v1/event_log").json["event_log"][2]
        shown = self.rest.get(f"/v1/event_log/{wanted['uuid']}").json
        self.assertEqual(FULL, set(shown))
        self.assertEqual(wanted, {name: shown[name] for name in wanted})
        expected = {
            "entity_type_id": "host.process",
            "event_log_type": "operational-violation",
            "probable_cause": "unknown",
            "service_affecting": "True",
            "suppression": "True",
            "updated_at": None,
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})

    def test_an_event_that_is_not_there_is_named(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_refused(404, f"No event has the uuid {missing}.", self.rest.get(f"/v1/event_log/{missing}"))

    def test_alarms_or_logs_are_shown_alone(self) -> None:
        expected = {
            "alarms=true": ["clear", "set"],
            "alarms=True&logs=false": ["clear", "set"],
            "logs=true": ["log"],
            "logs=True&alarms=True": ["log", "clear", "set"],
            "logs=false&alarms=false": ["log", "clear", "set"],
        }
        self.assertEqual(expected, {asked: self.states(f"/v1/event_log?{asked}") for asked in expected})

    def test_a_filter_finds_what_it_says(self) -> None:
        expected = {
            ("start", "2026-11-23T11:00:00"): ["log", "clear"],
            ("start", "2026-11-23T11:00:00.000001"): ["log"],
            ("end", "2026-11-23T11:00:00"): ["clear", "set"],
            ("end", "2026-11-23"): [],
            ("start", "2026-11-23T12:00:00+01:00"): ["log", "clear"],
            ("event_log_id", "200.006"): ["clear", "set"],
            ("event_log_id", "200.0"): ["log", "clear", "set"],
            ("entity_instance_id", "compute-2"): ["log"],
            ("entity_type_id", "host.process"): ["clear", "set"],
            ("severity", "warn"): ["log"],
            ("event_log_type", "operational-violation"): ["clear", "set"],
            ("event_log_type", "operational"): [],
            ("uuid", "6a2a"): [],
        }
        self.assertEqual(expected, {(field, value): self.states(q__field=field, q__value=value) for field, value in expected})

    def test_an_event_is_found_by_its_whole_uuid(self) -> None:
        wanted = self.rest.get("/v1/event_log").json["event_log"][1]["uuid"]
        self.assertEqual(["clear"], self.states(q__field="uuid", q__value=wanted))

    def test_the_query_of_the_orchestrator_is_understood(self) -> None:
        found = self.states(
            "/event_log",
            logs="True",
            limit=100,
            q__field=["start", "end"],
            q__op=["eq", "eq"],
            q__value=["2026-11-23 10:30:00", "2026-11-23 12:30:00.000000"],
        )
        self.assertEqual(["log"], found)

    def test_a_time_that_is_none_is_named(self) -> None:
        for field, value in itertools.product(("start", "end"), ("nonsense", "", "2026-13-01", "0")):
            answer = self.rest.get("/v1/event_log", **{"q.field": field, "q.value": value})
            self.assert_refused(400, f"{value!r} is not a time such as", answer)

    def test_a_bound_may_leave_out_its_own_moment(self) -> None:
        noon = "2026-11-23T11:00:00"
        expected = {
            ("start", "ge"): ["log", "clear"],
            ("start", "gt"): ["log"],
            ("end", "le"): ["clear", "set"],
            ("end", "lt"): ["set"],
        }
        found = {(field, op): self.states(q__field=field, q__op=op, q__value=noon) for field, op in expected}
        self.assertEqual(expected, found)

    def test_a_bound_that_makes_no_sense_is_refused(self) -> None:
        for field, op, choice in (("start", "lt", "eq, ge, gt"), ("start", "ne", "eq, ge, gt"), ("end", "ge", "eq, le, lt")):
            answer = self.rest.get("/v1/event_log", **{"q.field": field, "q.op": op, "q.value": "2026-11-23"})
            self.assert_refused(400, f"The operator {op!r} makes no sense with {field}. Choose one of: {choice}.", answer)

    def test_a_page_leads_to_the_next_and_keeps_what_was_asked(self) -> None:
        first = self.rest.get("/v1/event_log", limit=1, alarms="true").json
        self.assertEqual("clear", first["event_log"][0]["state"])
        second = self.rest.request("GET", first["next"].removeprefix("http://localhost")).json
        self.assertEqual("set", second["event_log"][0]["state"])
        third = self.rest.request("GET", second["next"].removeprefix("http://localhost")).json
        self.assertEqual({"event_log": []}, third)

    def test_events_of_one_moment_are_paged_completely(self) -> None:
        db_api.store([base.report("log", alarm_id="200.020", reason_text=f"{number}") for number in range(7)])
        answer = self.rest.get("/v1/event_log", limit=2, **{"q.field": "event_log_id", "q.value": "200.020"}).json
        found = []
        while answer["event_log"]:
            found += [item["reason_text"] for item in answer["event_log"]]
            if "next" not in answer:
                break
            answer = self.rest.request("GET", answer["next"].removeprefix("http://localhost")).json
        self.assertEqual(["6", "5", "4", "3", "2", "1", "0"], found)

    def test_suppressed_types_are_shown_unless_left_out(self) -> None:
        test_alarm.suppress("200.006")
        self.assertEqual(["log", "clear", "set"], self.states())
        self.assertEqual(["log"], self.states(include_suppress="false"))
        statuses = [item["suppression_status"] for item in self.rest.get("/v1/event_log").json["event_log"]]
        self.assertEqual(["unsuppressed", "suppressed", "suppressed"], statuses)

    def test_a_field_that_cannot_be_filtered_by_is_named(self) -> None:
        answer = self.rest.get("/v1/event_log", **{"q.field": "reason_text", "q.value": "x"})
        self.assert_refused(400, "Cannot filter by 'reason_text'.", answer)

    def test_a_filter_without_value_is_refused(self) -> None:
        answer = self.rest.get("/v1/event_log", **{"q.field": ["start", "end"], "q.value": ["2026-11-23"]})
        self.assert_refused(400, "Give a q.value", answer)
