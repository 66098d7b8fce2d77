# SPDX-License-Identifier: Apache-2.0
"""When a resource has an alarm."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from fm import catalogue
from mtce.resources import levels
from mtce.resources.levels import Gauge, Gauges, Reading, Severity, Subject

CLEAR, MINOR, MAJOR, CRITICAL = Severity
THRESHOLDS = (70.0, 80.0, 90.0)
ROOT = Subject(levels.FILE_SYSTEM, "host=compute-0.filesystem=/")


def gauge(*severities: Severity) -> Severity:
    found = Gauge()
    for severity in severities:
        found = found.read(severity)
    return found.severity


class ThresholdTest(base.BaseTestCase):
    def test_a_severity_begins_at_its_threshold(self) -> None:
        found = [levels.severity(percent, THRESHOLDS, CLEAR) for percent in (0, 69.9, 70, 80, 89.9, 90, 100)]
        self.assertEqual([CLEAR, CLEAR, MINOR, MAJOR, MAJOR, CRITICAL, CRITICAL], found)

    def test_it_is_left_a_little_below(self) -> None:
        found = [levels.severity(percent, THRESHOLDS, MAJOR) for percent in (90, 89, 79, 78, 77.9, 67)]
        self.assertEqual([CRITICAL, MAJOR, MAJOR, MAJOR, MINOR, CLEAR], found)

    def test_two_thresholds_are_of_major_and_critical(self) -> None:
        self.assertEqual([CLEAR, MAJOR, CRITICAL], [levels.severity(percent, (90.0, 95.0), CLEAR) for percent in (89, 90, 95)])

    def test_without_thresholds_there_is_no_alarm(self) -> None:
        self.assertEqual(CLEAR, levels.severity(100.0, (), CRITICAL))


class GaugeTest(base.BaseTestCase):
    def test_one_reading_raises_nothing_two_do(self) -> None:
        self.assertEqual(CLEAR, gauge(MAJOR))
        self.assertEqual(CLEAR, gauge(CLEAR, MAJOR))
        self.assertEqual(MAJOR, gauge(CLEAR, MAJOR, MAJOR))

    def test_one_reading_clears_nothing_two_do(self) -> None:
        self.assertEqual(MAJOR, gauge(MAJOR, MAJOR, CLEAR))
        self.assertEqual(MAJOR, gauge(MAJOR, MAJOR, CLEAR, MAJOR))
        self.assertEqual(CLEAR, gauge(MAJOR, MAJOR, CLEAR, CLEAR))

    def test_readings_that_are_bad_in_different_ways_agree_on_the_lesser(self) -> None:
        self.assertEqual(MINOR, gauge(CRITICAL, MINOR))
        self.assertEqual(MAJOR, gauge(CRITICAL, CRITICAL, MAJOR, MINOR))

    @given(st.lists(st.sampled_from(list(Severity)), min_size=2), st.sampled_from(list(Severity)))
    def test_it_never_leaves_what_the_last_two_readings_say(self, readings: list[Severity], held: Severity) -> None:
        found = Gauge(held)
        for severity in readings:
            before, found = found, found.read(severity)
            if found.is_sure:
                self.assertTrue(min(found.last) <= found.severity <= max(found.last))
            # What agrees with what is held changes nothing.
            self.assertTrue(found.severity == before.severity or before.severity not in found.last)


class GaugesTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.gauges = Gauges({})

    def read(self, **severities: Severity) -> None:
        """One round over all file systems."""
        found = [
            Reading(Subject(levels.FILE_SYSTEM, f"host=compute-0.filesystem=/{name}"), severity, f"{name} is {severity.word}")
            for name, severity in severities.items()
        ]
        self.gauges.read({levels.FILE_SYSTEM}, found)

    def on(self) -> dict[str, str]:
        return {subject.entity.partition("=/")[2]: on.word for subject, on in self.gauges.alarms().items()}

    def test_what_was_read_too_little_is_not_spoken_of(self) -> None:
        self.read(a=MAJOR)
        self.assertEqual({}, self.on())
        self.read(a=MAJOR, b=CLEAR)
        self.assertEqual({"a": "major"}, self.on())
        self.read(a=MAJOR, b=CLEAR)
        self.assertEqual({"a": "major", "b": "clear"}, self.on())

    def test_the_text_is_of_what_was_last_wrong(self) -> None:
        for severity in (MAJOR, MAJOR, CLEAR):
            self.read(a=severity)
        (subject,) = self.gauges.subjects
        self.assertEqual("a is major", self.gauges.text(subject))

    def test_what_is_gone_takes_its_alarm_along_and_is_forgotten(self) -> None:
        self.read(a=MAJOR, b=CLEAR)
        self.read(a=MAJOR, b=CLEAR)
        self.read()
        self.assertEqual({"a": "major"}, self.on())
        self.read()
        self.assertEqual({"a": "clear"}, self.on())
        self.read()
        self.assertEqual(frozenset(), self.gauges.subjects)

    def test_other_kinds_are_left_alone(self) -> None:
        self.read(a=MAJOR)
        self.read(a=MAJOR)
        self.gauges.read({levels.MEMORY}, [])
        self.assertEqual({"a": "major"}, self.on())

    def test_alarms_degrade_from_the_severity_on_that_the_catalogue_says(self) -> None:
        told = {alarm_id: catalogue.load()[alarm_id].degrade_affecting for alarm_id in levels.DEGRADES_AT}
        self.assertEqual(told, {alarm_id: severity.word for alarm_id, severity in levels.DEGRADES_AT.items()})

    def test_the_host_is_degraded_by_what_is_bad_enough(self) -> None:
        self.read(a=MAJOR, b=CRITICAL)
        self.read(a=MAJOR, b=CRITICAL)
        port = Subject(levels.PORTS["oam"], "host=compute-0.port=eth0")
        for _ in range(2):
            self.gauges.read({levels.PORTS["oam"]}, [Reading(port, MAJOR, "no link")])
        expected = {"host=compute-0.filesystem=/b": "critical", "host=compute-0.port=eth0": "major"}
        self.assertEqual(expected, self.gauges.degrading())

    def test_what_was_wrong_before_degrades_from_the_start(self) -> None:
        self.assertEqual({ROOT.entity: "critical"}, Gauges({ROOT: CRITICAL}).degrading())

    def test_of_two_alarms_of_an_entity_the_worse_one_degrades(self) -> None:
        found = Gauges({Subject(levels.PORTS["oam"], "x"): MAJOR, Subject(levels.PORTS["mgmt"], "x"): CRITICAL})
        self.assertEqual({"x": "critical"}, found.degrading())
