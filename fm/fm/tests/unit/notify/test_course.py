# SPDX-License-Identifier: Apache-2.0
"""What an outlet sends next, and what it gives up."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from fm.notify import course
from fm.notify.course import Place
from fm.tests.unit.notify.events import MOMENT, event
from stx import testing

NUMBERS = st.integers(0, 10**6)


def after(seconds: float) -> datetime.datetime:
    return MOMENT + datetime.timedelta(seconds=seconds)


class CourseTest(testing.TestCase):
    def test_the_oldest_of_too_many_are_dropped_and_counted(self) -> None:
        self.assertEqual(Place(0), course.bounded(Place(0), 100, 100))
        self.assertEqual(Place(50, 53), course.bounded(Place(0, 3), 150, 100))

    @given(NUMBERS, NUMBERS, NUMBERS, st.integers(1, 1000))
    def test_no_more_than_the_limit_ever_waits_and_none_is_dropped_uncounted(
        self, event_id: int, dropped: int, newer: int, limit: int
    ) -> None:
        place = course.bounded(Place(event_id, dropped), event_id + newer, limit)
        self.assertEqual(min(newer, limit), event_id + newer - place.event_id)
        self.assertEqual(place.event_id - event_id, place.dropped - dropped)

    def test_what_has_waited_for_too_long_is_counted_from_the_oldest_on(self) -> None:
        events = [event(1), event(2), event(3, created_at=after(10))]
        self.assertEqual(0, course.too_old(events, 60, after(60)))
        self.assertEqual(2, course.too_old(events, 60, after(61)))
        self.assertEqual(3, course.too_old(events, 60, after(100)))

    def test_the_pause_after_failures_grows_up_to_a_bound(self) -> None:
        self.assertEqual([1, 2, 5, 10, 30, 30], [course.backoff_s(number) for number in (1, 2, 3, 4, 5, 100)])
