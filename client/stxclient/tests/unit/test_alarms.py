# SPDX-License-Identifier: Apache-2.0
"""Tests of alarms, events and suppression."""

from stxclient import queries
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


class EventSuppressionTest(sessions.LibraryTest):
    def test_status_is_filtered_and_changed(self) -> None:
        list(self.client.event_suppression.list([queries.Condition("suppression_status", "suppressed")]))
        changed = self.client.event_suppression.update(data.KINDS[0]["uuid"], "suppressed")
        listed, patched = self.wire.requests
        self.assertEqual(["suppressed"], listed.values("q.value"))
        self.assertEqual([{"op": "replace", "path": "/suppression_status", "value": "suppressed"}], patched.body)
        self.assertEqual("suppressed", changed.suppression_status)
