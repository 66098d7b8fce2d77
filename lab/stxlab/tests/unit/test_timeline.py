# SPDX-License-Identifier: Apache-2.0
"""Events, and the lanes that they make."""

import itertools

import ddt
from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab import timeline
from stxlab.timeline import BAD, BUSY, FAULT, GOOD, IDLE, WARN, Event, EventError, Lane, Mark, Span

EVENTS = st.builds(
    Event,
    st.floats(-5, 50),
    st.sampled_from(timeline.KINDS),
    st.sampled_from(["a", "b", ""]),
    st.sampled_from(["mgmt", "oam", ""]),
    st.sampled_from(
        ["off", "running", "silent", "answers", "hears nobody", "hears all", "failed: x", "unlocked-enabled-available"]
    ),
)


@ddt.ddt
class EventTest(base.BaseTestCase):
    @given(EVENTS)
    def test_an_event_is_the_same_after_it_was_written_and_read(self, event: Event) -> None:
        self.assertEqual(event, timeline.read(event.line()))

    @ddt.data(
        "", "x", "[]", '{"time_s": 1}', Event(1, "gossip", "a", "", "x").line(), Event("soon", "power", "a", "", "x").line()
    )
    def test_what_is_no_event_is_refused(self, line: str) -> None:
        self.assertRaises(EventError, timeline.read, line)


class BuildTest(base.BaseTestCase):
    def test_a_state_lasts_until_the_next_one(self) -> None:
        self.assertEqual(
            (Span(1, 3, "off", IDLE), Span(3, 4, "starting", BUSY), Span(4, 9, "running", GOOD)),
            lane("power", ("power", 4, "running"), ("power", 1, "off"), ("power", 3, "starting")).rows[0],
        )

    def test_what_was_before_the_start_is_cut_off(self) -> None:
        self.assertEqual((Span(0, 9, "running", GOOD),), lane("power", ("power", -2, "off"), ("power", -1, "running")).rows[0])

    def test_a_fault_lasts_until_it_is_ended_or_looking_ended(self) -> None:
        found = lane("faults", ("fault-begin", 1, "hangs"), ("fault-begin", 2, "mgmt cut"), ("fault-end", 3, "hangs"))
        self.assertEqual((Span(1, 3, "hangs", FAULT), Span(2, 9, "mgmt cut", FAULT)), found.loose)

    def test_an_order_is_a_mark_among_the_faults(self) -> None:
        self.assertEqual((Mark(1, "power-off", FAULT),), lane("faults", ("order", 1, "power-off")).loose)

    def test_whom_a_host_does_not_hear_is_told_unless_it_is_silent_anyway(self) -> None:
        mgmt = lane("mgmt", ("reach", 0, "answers"), ("hears", 2, "does not hear b"), ("hears", 5, "hears all"))
        self.assertEqual((Span(2, 5, "does not hear b", WARN),), mgmt.rows[1])
        mgmt = lane("mgmt", ("reach", 2, "silent"), ("hears", 2.2, "hears nobody"))
        self.assertEqual(((Span(2, 9, "silent", BAD),),), mgmt.rows)

    def test_what_belongs_to_no_host_is_the_labs(self) -> None:
        built = timeline.build([Event(0, "api", "", "", "silent"), Event(0, "power", "a", "", "off")], ["a"], 9)
        self.assertEqual(["lab", "a"], [track.name for track in built.tracks])
        self.assertEqual((Span(0, 9, "silent", BAD),), built.tracks[0].lanes[0].rows[0])

    def test_steps_tell_whether_they_failed(self) -> None:
        events = [
            Event(1, "step", "", "", "done: hang a"),
            Event(2, "step", "", "", "failed: host a state off: not within 3 s"),
            Event(3, "step", "", "", "passed: uptime"),
        ]
        built = timeline.build(events, ["a"], 9)
        self.assertEqual([IDLE, BAD, GOOD], [step.tone for step in built.steps])
        self.assertEqual("host a state off: not within 3 s", built.steps[1].what)
        self.assertTrue(built.has_failed)
        self.assertFalse(timeline.build(events[2:], ["a"], 9).has_failed)

    @given(st.lists(EVENTS, max_size=40))
    def test_spans_of_a_row_never_overlap_and_stay_in_the_picture(self, events: list[Event]) -> None:
        for track in timeline.build(events, ["a", "b"], 40).tracks:
            for lane in track.lanes:
                for row in lane.rows:
                    for span in row:
                        self.assertTrue(0 <= span.start_s < span.end_s <= 40)
                    for before, after in itertools.pairwise(row):
                        self.assertLessEqual(before.end_s, after.start_s)


@ddt.ddt
class ToneTest(base.BaseTestCase):
    @ddt.unpack
    @ddt.data(
        ("power", "running", GOOD),
        ("power", "frozen", BAD),
        ("reach", "slow, 60 ms", WARN),
        ("hears", "hears nobody", BAD),
        ("state", "unlocked-enabled-available", GOOD),
        ("state", "unlocked-enabled-degraded", WARN),
        ("state", "unlocked-disabled-failed, Rebooting", BAD),
        ("state", "locked-disabled-online", BUSY),
        ("state", "unlocked-disabled-power-off", IDLE),
        ("state", "None-None-None", BUSY),
        ("api", "HTTP 503", BAD),
    )
    def test_what_is_well_and_what_is_not(self, kind: str, what: str, tone: str) -> None:
        self.assertEqual(tone, timeline.tone(kind, what))


def lane(name: str, *events: tuple[str, float, str]) -> Lane:
    network = name if name == "mgmt" else ""
    built = timeline.build([Event(time_s, kind, "a", network, what) for kind, time_s, what in events], ["a"], 9)
    return next(lane for lane in built.tracks[0].lanes if lane.name == name)
