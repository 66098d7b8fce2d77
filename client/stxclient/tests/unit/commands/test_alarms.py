# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about alarms."""

import threading
from typing import Any
from unittest import mock

import fixtures

from stxclient.tests.unit import cli, wire
from stxclient.tests.unit import wire_data as data

ALARM = data.ALARMS[0]["uuid"]


class ListTest(cli.CliTest):
    def test_alarms_are_listed_newest_first_and_suppressed_kinds_are_marked(self) -> None:
        rows = self.done(self.fm("alarm-list")).rows
        self.assertEqual(["Alarm ID", "Reason Text", "Entity ID", "Severity", "Time Stamp"], rows[0])
        self.assertEqual(["S(100.102)", "100.103", "100.101"], [row[0] for row in rows[1:]])

    def test_programs_get_the_id_without_the_mark(self) -> None:
        found = self.done(self.fm("alarm-list", "-f", "json")).json
        self.assertEqual(["100.102", "100.103", "100.101"], [alarm["Alarm ID"] for alarm in found])

    def test_options_add_columns(self) -> None:
        options = ["--uuid", "--mgmt_affecting", "--degrade_affecting"]
        found = self.done(self.fm("alarm-list", *options, "-f", "json")).json
        self.assertEqual(
            [
                "UUID",
                "Alarm ID",
                "Reason Text",
                "Entity ID",
                "Severity",
                "Management Affecting",
                "Degrade Affecting",
                "Time Stamp",
            ],
            list(found[0]),
        )
        self.assertEqual((True, False), (found[0]["Management Affecting"], found[0]["Degrade Affecting"]))

    def test_query_is_sent(self) -> None:
        for option in ("-q", "--query"):
            self.done(self.fm("alarm-list", option, "severity=major;alarm_id!=100.101", "--include_suppress"))
            request = self.wire.requests[-1]
            self.assertEqual(["severity", "alarm_id"], request.values("q.field"))
            self.assertEqual(["eq", "ne"], request.values("q.op"))
            self.assertEqual("true", request.value("include_suppress"))

    def test_query_that_cannot_be_read_is_a_usage_error(self) -> None:
        outcome = self.fm("alarm-list", "-q", "severity")
        self.assertEqual(2, outcome.code)
        self.assertIn("'severity' is not a condition", outcome.err)
        self.assertEqual([], self.wire.requests)

    def test_long_texts_are_not_folded_on_request(self) -> None:
        self.wire.lists["/v1/alarms"] = [data.alarm(1, "2026-11-20T10:00:00", reason_text="word " * 60)]
        folded = self.done(self.fm("alarm-list", "--max-width", "80"))
        self.assertGreater(len(folded.rows), 2)
        whole = self.done(self.fm("alarm-list", "--max-width", "80", "--nowrap"))
        self.assertEqual(2, len(whole.rows))


class TreeTest(cli.CliTest):
    """A host that failed, a process on it, an instance that names the process, and a host that has nothing to do with it."""

    def setUp(self) -> None:
        super().setUp()
        failed = {"root_alarm_id": "200.006", "root_entity_instance_id": "host=compute-1.process=kvm"}
        self.wire.lists["/v1/alarms"] = [
            self.alarm(1, "200.004", "host=compute-1"),
            self.alarm(2, "200.006", "host=compute-1.process=kvm", suppression_status="suppressed"),
            self.alarm(3, "700.001", "tenant=t.instance=i", **failed),
            self.alarm(4, "100.101", "host=compute-10"),
        ]

    def alarm(self, number: int, alarm_id: str, entity: str, **fields: Any) -> dict[str, Any]:
        named = {"alarm_id": alarm_id, "entity_instance_id": entity}
        return {**data.alarm(number, f"2026-11-20T10:00:0{number}"), **named, **fields}

    def test_alarms_are_below_what_they_follow_from(self) -> None:
        rows = self.done(self.fm("alarm-list", "--tree")).rows
        self.assertEqual(["100.101", "200.004", "└─ S(200.006)", "└─ 700.001"], [row[0] for row in rows[1:]])
        self.assertIn("|    └─ 700.001", self.fm("alarm-list", "--tree").out)
        self.assertEqual("true", self.wire.requests[-1].value("expand"))

    def test_programs_get_the_ids_alone_in_that_order(self) -> None:
        found = self.done(self.fm("alarm-list", "--tree", "-f", "json")).json
        self.assertEqual(["100.101", "200.004", "200.006", "700.001"], [alarm["Alarm ID"] for alarm in found])

    def test_an_alarm_is_shown_with_its_root_where_it_has_one(self) -> None:
        with_root, without = [
            self.done(self.fm("alarm-show", self.wire.lists["/v1/alarms"][index]["uuid"], "-f", "json")).json for index in (2, 3)
        ]
        self.assertEqual("200.006", with_root["root_alarm_id"])
        self.assertNotIn("root_alarm_id", without)


class WatchTest(cli.CliTest):
    def setUp(self) -> None:
        super().setUp()
        for where in ("stxclient.alarms.RETRY_S", "stxclient.commands.watching.PERIOD_S"):
            self.useFixture(fixtures.MonkeyPatch(where, 0.0))
        self.answers = [wire.Answer(200, b"id: 1\n\n", "text/event-stream")]
        self.wire.answers["GET", "/v1/event_log/stream"] = lambda request: (
            self.answers.pop(0) if self.answers else wire.refused(403, "Enough.")
        )

    def test_the_list_is_shown_until_it_cannot_be_followed_any_more(self) -> None:
        outcome = self.fm("alarm-list", "--watch")
        self.assertEqual((1, "Enough."), (outcome.code, outcome.err.strip()))
        self.assertEqual(["Alarm ID", "S(100.102)", "100.103", "100.101"], [row[0] for row in outcome.rows])
        self.assertNotIn("\x1b", outcome.out)

    def test_a_service_that_fails_for_a_while_is_told_of_once_and_asked_again(self) -> None:
        failures = [wire.refused(503, "Not now.") for _ in range(3)]
        shown = threading.Event()

        def alarms(request: wire.Request) -> wire.Answer:
            if failures:
                return failures.pop()
            shown.set()
            return wire.as_json({"alarms": data.ALARMS})

        def stream(request: wire.Request) -> wire.Answer:
            if self.answers:
                return self.answers.pop()
            shown.wait(60)
            return wire.refused(403, "Enough.")

        self.wire.answers["GET", "/v1/alarms"] = alarms
        self.wire.answers["GET", "/v1/event_log/stream"] = stream
        outcome = self.fm("alarm-list", "--watch")
        self.assertEqual(["Not now.", "Enough."], outcome.err.splitlines())
        self.assertEqual(4, len(outcome.rows))

    def test_an_interrupt_is_a_good_end(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stxclient.commands.watching.watch", mock.Mock(side_effect=KeyboardInterrupt)))
        self.done(self.fm("alarm-list", "--watch"))

    def test_a_service_that_cannot_be_followed_is_told(self) -> None:
        self.answers.clear()
        self.fails(self.fm("alarm-list", "--watch"), 1, "Enough.")


class ShowTest(cli.CliTest):
    def test_fields_are_in_the_published_order_and_typed(self) -> None:
        shown = self.done(self.fm("alarm-show", ALARM, "-f", "json")).json
        self.assertEqual(
            [
                "alarm_id",
                "alarm_state",
                "alarm_type",
                "entity_type_id",
                "entity_instance_id",
                "probable_cause",
                "proposed_repair_action",
                "reason_text",
                "service_affecting",
                "severity",
                "suppression",
                "suppression_status",
                "timestamp",
                "uuid",
                "mgmt_affecting",
                "degrade_affecting",
            ],
            list(shown),
        )
        self.assertIs(False, shown["service_affecting"])

    def test_missing_alarm_is_a_failure(self) -> None:
        self.fails(self.fm("alarm-show", "nothing"), 1, "nothing could not be found.")


class DeleteTest(cli.CliTest):
    def test_deletion_is_silent(self) -> None:
        outcome = self.done(self.fm("alarm-delete", ALARM))
        self.assertEqual("", outcome.out)
        self.assertEqual(("DELETE", f"/v1/alarms/{ALARM}"), (self.wire.requests[-1].method, self.wire.requests[-1].path))


class SummaryTest(cli.CliTest):
    def test_counts_are_one_row(self) -> None:
        self.assertEqual(
            [["Critical Alarms", "Major Alarms", "Minor Alarms", "Warnings"], ["0", "2", "0", "3"]],
            self.done(self.fm("alarm-summary", "--include_suppress")).rows,
        )
        self.assertEqual("true", self.wire.requests[-1].value("include_suppress"))
