# SPDX-License-Identifier: Apache-2.0
"""Lines of the customer log, bodies of the webhook, alerts of Alertmanager."""

import datetime
import json

from fm.notify import formats
from fm.tests.unit.notify.events import MOMENT, event
from stx import testing

NOW = MOMENT + datetime.timedelta(seconds=1)


class FormatsTest(testing.TestCase):
    def test_a_line_of_the_customer_log_has_the_published_fields(self) -> None:
        expected = {
            "event_log_id": "200.006",
            "reason_text": "a process has failed",
            "entity_instance_id": "host=compute-1.process=sshd",
            "severity": "major",
            "state": "set",
            "timestamp": "2026-11-23T10:00:00.000005",
            "proposed_repair_action": "Look at it.",
        }
        self.assertEqual(expected, json.loads(formats.log_line(event())))

    def test_a_line_is_one_line_whatever_the_text_is(self) -> None:
        self.assertNotIn("\n", formats.log_line(event(reason_text="one\ntwo\u2028three")))
        self.assertTrue(formats.log_line(event(reason_text="caf\u00e9")).isascii())

    def test_a_webhook_is_told_the_system_and_the_events(self) -> None:
        body = formats.webhook_body("edge-1", [event(), event(2, state="clear")])
        self.assertEqual(("edge-1", ["set", "clear"]), (body["system_name"], [each["state"] for each in body["events"]]))
        self.assertNotIn("id", body["events"][0])
        json.dumps(body)

    def test_an_alert_begins_with_the_alarm_and_ends_when_it_is_told_no_more(self) -> None:
        (alert,) = formats.alerts_of_events("edge-1", [event()], NOW)
        self.assertEqual(("2026-11-23T10:00:00.000Z", "2026-11-23T10:04:01.000Z"), (alert["startsAt"], alert["endsAt"]))
        self.assertEqual(
            {
                "alertname": "200.006",
                "system": "edge-1",
                "entity_instance_id": "host=compute-1.process=sshd",
                "severity": "major",
            },
            alert["labels"],
        )

    def test_an_alert_of_a_cleared_alarm_has_ended_with_the_same_labels(self) -> None:
        started, ended = formats.alerts_of_events("edge-1", [event(), event(state="clear")], NOW)
        self.assertEqual(started["labels"], ended["labels"])
        self.assertEqual("2026-11-23T10:00:00.000Z", ended["endsAt"])
        self.assertNotIn("startsAt", ended)

    def test_a_log_is_no_alert(self) -> None:
        self.assertEqual([], formats.alerts_of_events("edge-1", [event(state="log")], NOW))

    def test_an_active_alarm_is_the_alert_of_its_event(self) -> None:
        alarm = {**event(), "alarm_id": "200.006"}
        self.assertEqual(formats.alerts_of_events("edge-1", [event()], NOW), formats.alerts_of_alarms("edge-1", [alarm], NOW))
