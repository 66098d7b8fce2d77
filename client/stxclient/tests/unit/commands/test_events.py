# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about events and suppression."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class ListTest(cli.CliTest):
    def test_events_have_the_published_columns(self) -> None:
        rows = self.done(self.fm("event-list", "--nopaging")).rows
        self.assertEqual(
            ["Time Stamp", "State", "Event Log ID", "Reason Text", "Entity Instance ID", "Severity"],
            rows[0],
        )
        self.assertEqual(["log", "clear", "set"], [row[1] for row in rows[1:]])
        self.assertEqual(["200.001", "200.001", "S(200.001)"], [row[2] for row in rows[1:]])

    def test_pager_does_nothing_without_a_terminal(self) -> None:
        self.assertEqual(self.fm("event-list", "--nopaging"), self.fm("event-list"))

    def test_restrictions_are_sent(self) -> None:
        self.done(self.fm("event-list", "--alarms", "--logs", "--include_suppress", "-q", "start=2026-11-01", "--uuid"))
        request = self.wire.requests[-1]
        self.assertEqual(["true"] * 3, [request.value(name) for name in ("alarms", "logs", "include_suppress")])
        self.assertEqual(["2026-11-01"], request.values("q.value"))

    def test_limit_ends_the_list(self) -> None:
        for option in ("-l", "--limit"):
            found = self.done(self.fm("event-list", option, "2", "-f", "json")).json
            self.assertEqual(["log", "clear"], [event["State"] for event in found])

    def test_limit_that_is_no_positive_number_is_a_usage_error(self) -> None:
        for limit in ("0", "-1", "x", "1.5", "²"):
            self.assertEqual(2, self.fm("event-list", f"--limit={limit}").code)

    def test_uuid_comes_first_on_request(self) -> None:
        found = self.done(self.fm("event-list", "--uuid", "-f", "json")).json
        self.assertEqual(("UUID", data.EVENTS[0]["uuid"]), next(iter(found[0].items())))


class ShowTest(cli.CliTest):
    def test_event_is_shown(self) -> None:
        shown = self.done(self.fm("event-show", data.EVENTS[0]["uuid"], "-f", "json")).json
        self.assertEqual(("200.001", "log", True), tuple(shown[name] for name in ("event_log_id", "state", "service_affecting")))


class SuppressionTest(cli.CliTest):
    def patched(self) -> dict[str, str]:
        kinds = {kind["uuid"]: kind["alarm_id"] for kind in data.KINDS}
        requests = [request for request in self.wire.requests if request.method == "PATCH"]
        return {kinds[request.path.rsplit("/", 1)[1]]: request.body[0]["value"] for request in requests}

    def test_only_suppressed_kinds_are_asked_for_unless_all_are_wanted(self) -> None:
        self.done(self.fm("event-suppress-list"))
        self.assertEqual(["suppression_status"], self.wire.requests[-1].values("q.field"))
        self.assertEqual(["suppressed"], self.wire.requests[-1].values("q.value"))
        rows = self.done(self.fm("event-suppress-list", "--include-unsuppressed", "--uuid", "--nopaging", "--nowrap")).rows
        self.assertEqual([], self.wire.requests[-1].values("q.field"))
        self.assertEqual(["UUID", "Event ID", "Status"], rows[0])
        self.assertEqual(3, len(rows[1:]))

    def test_given_kinds_are_suppressed_and_shown(self) -> None:
        rows = self.done(self.fm("event-suppress", "--alarm_id", "100.103, 100.101,100.103")).rows
        self.assertEqual({"100.101": "suppressed", "100.103": "suppressed"}, self.patched())
        self.assertEqual([["Event ID", "Status"], ["100.103", "suppressed"], ["100.101", "suppressed"]], rows)

    def test_given_kinds_are_unsuppressed(self) -> None:
        self.done(self.fm("event-unsuppress", "--alarm_id", "100.102", "--uuid"))
        self.assertEqual({"100.102": "unsuppressed"}, self.patched())

    def test_unknown_kind_is_named_and_nothing_changes(self) -> None:
        self.fails(self.fm("event-suppress", "--alarm_id", "100.101,999.999"), 1, "999.999", "--include-unsuppressed")
        self.assertEqual({}, self.patched())

    def test_all_suppressed_kinds_are_unsuppressed(self) -> None:
        self.wire.lists["/v1/event_suppression"] = [data.KINDS[1]]
        rows = self.done(self.fm("event-unsuppress-all")).rows
        self.assertEqual(["suppressed"], self.wire.requests[0].values("q.value"))
        self.assertEqual([["100.102", "unsuppressed"]], rows[1:])

    def test_missing_ids_are_a_usage_error(self) -> None:
        self.assertEqual(2, self.fm("event-suppress").code)
        self.assertEqual(2, self.fm("event-suppress", "--alarm_id", ",").code)
