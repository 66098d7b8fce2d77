# SPDX-License-Identifier: Apache-2.0
"""Alarms and events as SNMP has them, and the MIB that says so."""

import importlib.resources
import re

from fm import catalogue, faults
from fm.notify import mib
from fm.tests.unit import test_catalogue
from fm.tests.unit.notify.events import MOMENT, event
from stx import testing

TRAPS = "1.3.6.1.4.1.731.1.1.1.1.0."
ALARM = "1.3.6.1.4.1.731.1.1.1.1.1.1."
EVENT = "1.3.6.1.4.1.731.1.1.1.1.4.1."


def dotted(oid: mib.Oid) -> str:
    return ".".join(str(number) for number in oid)


def trap(**values: object) -> tuple[str, dict[str, object]]:
    oid, variables = mib.trap(event(**values), "edge-1", "RegionOne")
    return dotted(oid), {dotted(name): value for name, _, value in variables}


class TrapTest(testing.TestCase):
    def test_the_severity_of_an_alarm_that_is_set_decides_on_its_trap(self) -> None:
        numbers = [trap(severity=severity)[0] for severity in ("critical", "major", "minor", "warning")]
        self.assertEqual([f"{TRAPS}{number}" for number in (1, 2, 3, 4)], numbers)

    def test_an_alarm_that_is_set_is_told_in_ten_variables(self) -> None:
        _, told = trap()
        expected = [
            "200.006",
            "region=RegionOne.system=edge-1.host=compute-1.process=sshd",
            "2026-11-23,10:00:00.0,+0:0",
            3,
            "a process has failed",
            7,
            0,
            "Look at it.",
            1,
            2,
        ]
        self.assertEqual({f"{ALARM}{number}": value for number, value in enumerate(expected, 3)}, told)

    def test_a_cleared_alarm_is_told_in_four_variables(self) -> None:
        oid, told = trap(state="clear")
        self.assertEqual((f"{TRAPS}9", [f"{ALARM}{number}" for number in (3, 4, 5, 7)]), (oid, list(told)))

    def test_a_log_is_told_in_the_words_of_the_event_table(self) -> None:
        oid, told = trap(state="log", severity="not-applicable")
        self.assertEqual((f"{TRAPS}5", [f"{EVENT}{number}" for number in (3, 5, 6, 7, 8, 9, 10, 11, 12)]), (oid, list(told)))
        self.assertEqual(0, told[f"{EVENT}7"])


class CodesTest(testing.TestCase):
    def test_every_value_of_the_catalogue_has_a_number(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            for kind in catalogue.all_of(entry.alarm_type):
                self.assertEqual(faults.ALARM_TYPES.index(kind), mib.coded("alarm_type", kind)[1], alarm_id)
            self.assertEqual("integer", mib.coded("probable_cause", entry.probable_cause)[0])

    def test_causes_have_the_published_numbers(self) -> None:
        numbers = {"adaptor-error": 1, "loss-of-signal": 29, "threshold-crossed": 50, "unspecified-reason": 65}
        numbers |= {"out-of-hours-activity": 74, "unknown": 0, "configuration-out-of-date": 0, "certificate-expiration": 0}
        self.assertEqual(numbers, {cause: mib.coded("probable_cause", cause)[1] for cause in numbers})
        # Three of them are younger than the numbers.
        self.assertEqual(set(test_catalogue.CAUSES.split()[1:-3]), set(mib.CAUSES[1:]))

    def test_a_moment_is_a_text(self) -> None:
        self.assertEqual("2026-11-23,10:00:00.0,+0:0", mib.time_text(MOMENT))


class FileTest(testing.TestCase):
    """The file that managers load says what the code does."""

    def setUp(self) -> None:
        super().setUp()
        self.text = importlib.resources.files("fm.notify").joinpath("WRS-ALARM-MIB.txt").read_text()

    def test_every_column_is_in_it(self) -> None:
        for entry, columns in (("wrsAlarmActiveEntry", mib.ALARM_COLUMNS), ("wrsEventEntry", mib.EVENT_COLUMNS)):
            numbers = re.findall(rf"::= {{ {entry} (\d+) }}", self.text)
            self.assertEqual([1, *columns.values()], [int(number) for number in numbers])

    def test_every_number_is_in_it(self) -> None:
        for numbers in (mib.SEVERITIES.values(), mib.STATES.values(), range(len(mib.TYPES)), range(len(mib.CAUSES))):
            listed = ",".join(f"({number})" for number in sorted(numbers))
            self.assertIn(listed, re.sub(r"[\s\w]*(\(\d+\))", r"\1", self.text))

    def test_a_trap_carries_what_it_says_there(self) -> None:
        for name, values in (
            ("wrsAlarmMajor", {}),
            ("wrsAlarmClear", {"state": "clear"}),
            ("wrsAlarmMessage", {"state": "log"}),
        ):
            found = re.search(rf"{name} NOTIFICATION-TYPE\s+OBJECTS\s+{{([^}}]*)}}", self.text)
            assert found is not None
            names = [each.strip() for each in found.group(1).split(",")]
            oids = [re.search(rf"{each} OBJECT-TYPE[^:]*::= {{ wrs\w+Entry (\d+) }}", self.text).group(1) for each in names]  # type: ignore[union-attr]
            self.assertEqual([oid.rpartition(".")[2] for oid in trap(**values)[1]], oids)
