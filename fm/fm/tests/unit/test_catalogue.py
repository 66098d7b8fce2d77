# SPDX-License-Identifier: Apache-2.0
"""The catalogue that is shipped, and what it adds to a report."""

import datetime

import ddt

from fm import catalogue, faults
from fm.tests.unit import base
from stx import testing

_THRESHOLDS = (*faults.SEVERITIES, "none")


class ShippedTest(testing.TestCase):
    """Every entry can make an alarm or log that is valid."""

    def test_every_id_is_well_formed(self) -> None:
        for alarm_id in catalogue.load():
            self.assertRegex(alarm_id, r"\A[0-9]{3}\.[0-9]{3}\Z")

    def test_every_severity_is_known(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            severities = [entry.severity] if isinstance(entry.severity, str) else entry.severity
            self.assertTrue(severities, alarm_id)
            self.assertLessEqual(set(severities), set(faults.SEVERITIES), alarm_id)

    def test_every_type_is_known(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertIn(entry.alarm_type, faults.ALARM_TYPES, alarm_id)

    def test_every_threshold_is_a_severity_or_none(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertIn(entry.mgmt_affecting, _THRESHOLDS, alarm_id)
            self.assertIn(entry.degrade_affecting, _THRESHOLDS, alarm_id)

    def test_service_affecting_is_said_of_every_severity(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            if isinstance(entry.service_affecting, dict):
                self.assertEqual(set(entry.severity), set(entry.service_affecting), alarm_id)

    def test_every_text_fits(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            for text in (entry.description, entry.probable_cause, entry.proposed_repair_action):
                self.assertLessEqual(len(text), faults.MAX_TEXT, alarm_id)
            self.assertTrue(entry.description, alarm_id)

    def test_every_alarm_says_how_to_repair_it(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            if entry.type == "alarm":
                self.assertTrue(entry.proposed_repair_action, alarm_id)


@ddt.ddt
class ValuesTest(testing.TestCase):
    """The published attributes of the ids that are raised here (spec fm.md 10)."""

    @ddt.data(
        ("200.001", "alarm", ["warning"], "operational-violation", "out-of-service", True, False, "warning", "none", True),
        (
            "200.006",
            "alarm",
            ["critical", "major", "minor"],
            "operational-violation",
            "unknown",
            {"critical": True, "major": True, "minor": False},
            True,
            "warning",
            "major",
            False,
        ),
        ("200.020", "log", ["warning"], "other", "unspecified-reason", True, False, "none", "none", False),
        ("200.021", "log", ["warning"], "other", "unspecified-reason", False, False, "none", "none", False),
        ("200.022", "log", ["warning"], "other", "unspecified-reason", True, False, "none", "none", False),
        ("200.024", "log", ["warning"], "other", "unspecified-reason", False, False, "none", "none", False),
    )
    @ddt.unpack
    def test_an_entry_has_the_published_values(self, alarm_id: str, kind: str, severities: list[str], *rest: object) -> None:
        entry = catalogue.load()[alarm_id]
        self.assertEqual(kind, entry.type)
        self.assertEqual(severities, [entry.severity] if isinstance(entry.severity, str) else entry.severity)
        shown = (
            entry.alarm_type,
            entry.probable_cause,
            entry.service_affecting,
            entry.suppression,
            entry.mgmt_affecting,
            entry.degrade_affecting,
            entry.inhibit_alarms,
        )
        self.assertEqual(rest, shown)


class CompleteTest(testing.TestCase):
    def test_what_a_report_leaves_out_comes_from_the_catalogue(self) -> None:
        alarm = catalogue.complete(base.report("set", "host=compute-1.process=sshd", severity=None))
        self.assertEqual(
            {
                "alarm_id": "200.006",
                "alarm_state": "set",
                "entity_type_id": "host.process",
                "entity_instance_id": "host=compute-1.process=sshd",
                "timestamp": datetime.datetime(2026, 11, 23, 10, 0, 0, 1),
                "severity": "critical",
                "reason_text": "a process has failed",
                "alarm_type": "operational-violation",
                "probable_cause": "unknown",
                "proposed_repair_action": catalogue.load()["200.006"].proposed_repair_action,
                "service_affecting": True,
                "suppression": True,
                "inhibit_alarms": False,
            },
            alarm,
        )

    def test_what_a_report_says_counts_more_than_the_catalogue(self) -> None:
        said = {
            "severity": "minor",
            "alarm_type": "equipment",
            "probable_cause": "power-problem",
            "proposed_repair_action": "",
            "service_affecting": True,
            "suppression": False,
            "inhibit_alarms": True,
        }
        alarm = catalogue.complete(base.report("set", **said))
        self.assertEqual(said, {name: alarm[name] for name in said})

    def test_whether_service_is_affected_follows_from_the_severity(self) -> None:
        affected = [
            catalogue.complete(base.report("set", severity=severity))["service_affecting"]
            for severity in ("critical", "major", "minor")
        ]
        self.assertEqual([True, True, False], affected)

    def test_an_id_that_the_catalogue_lacks_makes_an_alarm_too(self) -> None:
        alarm = catalogue.complete(base.report("set", alarm_id="999.001", severity=None))
        self.assertEqual(("major", "other", "unknown"), (alarm["severity"], alarm["alarm_type"], alarm["probable_cause"]))
        self.assertEqual("", alarm["proposed_repair_action"])
        self.assertFalse(alarm["service_affecting"] or alarm["suppression"] or alarm["inhibit_alarms"])
