# SPDX-License-Identifier: Apache-2.0
"""Tests of alarms, events and suppression."""

from stxclient import alarms, exceptions, queries
from stxclient.tests.unit import sessions, wire
from stxclient.tests.unit import wire_data as data

ALARM = data.ALARMS[0]["uuid"]


class AlarmsTest(sessions.LibraryTest):
    def test_texts_of_booleans_become_booleans(self) -> None:
        alarm = self.client.alarms.get(ALARM)
        fields = (alarm.mgmt_affecting, alarm.degrade_affecting, alarm.suppression, alarm.service_affecting)
        self.assertEqual((True, False, True, False), fields)
        self.assertEqual("major", alarm.severity)

    def test_booleans_stay_booleans(self) -> None:
        self.wire.answers["GET", "/v1/alarms"] = wire.as_json({"alarms": [{"uuid": ALARM, "service_affecting": True}]})
        self.assertEqual([True], [alarm.service_affecting for alarm in self.client.alarms.list()])

    def test_conditions_are_sent_in_parallel(self) -> None:
        list(self.client.alarms.list(queries.parse("severity=major;alarm_id=100"), include_suppressed=True))
        request = self.wire.requests[-1]
        self.assertEqual(["severity", "alarm_id"], request.values("q.field"))
        self.assertEqual(["eq", "eq"], request.values("q.op"))
        self.assertEqual(["major", "100"], request.values("q.value"))
        self.assertEqual("true", request.value("include_suppress"))

    def test_suppressed_alarms_are_asked_for_on_request_only(self) -> None:
        list(self.client.alarms.list())
        list(self.client.events.list())
        self.client.alarms.summary()
        self.assertEqual(["false"] * 3, [request.value("include_suppress") for request in self.wire.requests])

    def test_all_fields_are_asked_for_on_request(self) -> None:
        list(self.client.alarms.list())
        list(self.client.alarms.list(expand=True))
        self.assertEqual([None, "true"], [request.value("expand") for request in self.wire.requests])

    def test_summary_counts_by_severity(self) -> None:
        summary = self.client.alarms.summary(include_suppressed=True)
        self.assertEqual((0, 2, 0, 3, "degraded"), tuple(summary.get(name) for name in data.SUMMARY)[:5])
        self.assertEqual("true", self.wire.requests[-1].value("include_suppress"))

    def test_alarm_is_raised_and_its_uuid_given(self) -> None:
        self.wire.answers["POST", "/v1/alarms"] = wire.as_json({"uuid": ALARM})
        raised = self.client.alarms.create(alarm_id="100.101", alarm_state="set", service_affecting=True)
        self.assertEqual(ALARM, raised.uuid)
        self.assertEqual({"alarm_id": "100.101", "alarm_state": "set", "service_affecting": True}, self.wire.requests[-1].body)

    def test_alarm_is_deleted(self) -> None:
        self.client.alarms.delete(ALARM)
        self.assertEqual(("DELETE", f"/v1/alarms/{ALARM}"), (self.wire.requests[-1].method, self.wire.requests[-1].path))


class EventsTest(sessions.LibraryTest):
    def test_restrictions_are_sent(self) -> None:
        list(self.client.events.list([queries.Condition("start", "2026-11-01")], alarms=True, logs=True, include_suppressed=True))
        request = self.wire.requests[-1]
        self.assertEqual(["true"] * 3, [request.value(name) for name in ("alarms", "logs", "include_suppress")])
        self.assertEqual(["start"], request.values("q.field"))

    def test_event_is_got(self) -> None:
        event = self.client.events.get(data.EVENTS[0]["uuid"])
        self.assertEqual(("log", True, False), (event.state, event.service_affecting, event.suppression))


class FollowTest(sessions.LibraryTest):
    """Connections to the stream, each of which ends by itself; one that is refused ends the test."""

    def setUp(self) -> None:
        super().setUp()
        self.connections: list[wire.Answer] = []
        self.waits: list[float] = []
        self.losses: list[exceptions.ClientError] = []
        self.asked: list[str | None] = []
        self.wire.answers["GET", "/v1/event_log/stream"] = self.connected_stream

    def connected_stream(self, request: wire.Request) -> wire.Answer:
        self.asked.append(request.last_event_id)
        return self.connections.pop(0) if self.connections else wire.refused(403, "Enough.")

    def stream(self, text: str) -> None:
        """Let a connection say this and end."""
        self.connections.append(wire.Answer(200, text.encode(), "text/event-stream"))

    def followed(self) -> list[list[str]]:
        found: list[list[str]] = []
        following = self.client.events.follow(on_loss=self.losses.append, wait=self.waits.append)
        self.assertRaises(exceptions.Forbidden, lambda: found.extend([each.uuid for each in events] for events in following))
        return found

    def test_events_come_after_the_word_to_read_the_lists(self) -> None:
        self.stream('retry: 1\n\nid: 3\n\nid: 4\ndata: {"uuid": "a"}\n\nid: 5\ndata: {"uuid": "b"}\n\n')
        self.assertEqual([[], ["a", "b"]], self.followed())

    def test_texts_of_booleans_become_booleans(self) -> None:
        self.stream('id: 4\ndata: {"uuid": "a", "suppression": "True"}\n\n')
        following = self.client.events.follow(wait=self.waits.append)
        next(following)
        self.assertIs(True, next(following)[0].suppression)

    def test_a_connection_that_ends_is_made_again_where_it_ended(self) -> None:
        self.stream("id: 3\n\n")
        self.stream('id: 4\ndata: {"uuid": "a"}\n\n')
        self.stream("")
        self.assertEqual([[], ["a"]], self.followed())
        self.assertEqual([None, "3", "4", "4"], self.asked)
        self.assertEqual([alarms.RETRY_S] * 3, self.waits)

    def test_missing_events_are_told(self) -> None:
        self.stream("id: 3\n\n")
        self.stream('event: reset\ndata: {"reason": "x"}\n\nid: 90\n\n')
        self.assertEqual([[], []], self.followed())
        self.assertEqual([None, "3", "90"], self.asked)

    def test_a_service_that_is_away_for_a_while_is_waited_for(self) -> None:
        self.stream("id: 3\n\n")
        self.connections += [wire.refused(503, "Not yet."), wire.refused(503, "Not yet.")]
        self.stream('id: 4\ndata: {"uuid": "a"}\n\n')
        self.assertEqual([[], [], ["a"]], self.followed())
        self.assertEqual(["Not yet."] * 2, [str(error) for error in self.losses])

    def test_a_first_connection_that_cannot_be_made_is_an_error(self) -> None:
        self.connections.append(wire.refused(503, "Not yet."))
        self.assertRaises(exceptions.ServerError, next, self.client.events.follow())

    def test_a_connection_that_is_cut_off_is_lost(self) -> None:
        self.stream("id: 3\n\n")
        cut = wire.Answer(200, b"id: 4\n\n", "text/event-stream", (("Transfer-Encoding", "chunked"),))
        self.connections.append(cut)
        self.assertEqual([[]], self.followed())
        self.assertIn("was lost", str(self.losses[0]))


class EventSuppressionTest(sessions.LibraryTest):
    def test_status_is_filtered_and_changed(self) -> None:
        list(self.client.event_suppression.list([queries.Condition("suppression_status", "suppressed")]))
        changed = self.client.event_suppression.update(data.KINDS[0]["uuid"], "suppressed")
        listed, patched = self.wire.requests
        self.assertEqual(["suppressed"], listed.values("q.value"))
        self.assertEqual([{"op": "replace", "path": "/suppression_status", "value": "suppressed"}], patched.body)
        self.assertEqual("suppressed", changed.suppression_status)
