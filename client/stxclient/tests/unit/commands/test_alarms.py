# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about alarms."""

from stxclient.tests.unit import cli
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
