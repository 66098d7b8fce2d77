# SPDX-License-Identifier: Apache-2.0
"""Slow cables: what is on its way in them."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab.wire import Delay, Queue

ARRIVALS = st.lists(st.floats(0, 100), max_size=50)


class QueueTest(base.BaseTestCase):
    def test_a_frame_is_not_there_before_it_arrives(self) -> None:
        queue = Queue()
        queue.put(b"frame", 1, arrives=5.0)
        self.assertEqual([], list(queue.due(4.999)))
        self.assertEqual(5.0, queue.next_arrival)
        self.assertEqual([(1, b"frame")], list(queue.due(5.0)))
        self.assertIsNone(queue.next_arrival)

    def test_frames_of_one_moment_keep_their_order(self) -> None:
        queue = Queue()
        for number in range(9):
            queue.put(bytes([number]), 1, arrives=1.0)
        self.assertEqual([bytes([number]) for number in range(9)], [frame for _, frame in queue.due(1.0)])

    def test_a_full_cable_loses_frames_and_has_room_again_when_some_have_left(self) -> None:
        queue = Queue(most_bytes=10)
        self.assertTrue(queue.put(b"123456", 1, arrives=1.0))
        self.assertFalse(queue.put(b"12345", 1, arrives=2.0))
        self.assertTrue(queue.put(b"1234", 1, arrives=3.0))
        self.assertEqual(1, queue.lost)
        list(queue.due(1.0))
        self.assertTrue(queue.put(b"12345", 1, arrives=4.0))

    def test_many_small_frames_fill_a_cable_too(self) -> None:
        queue = Queue(most_frames=2)
        self.assertEqual([True, True, False], [queue.put(b"", 1, arrives=1.0) for _ in range(3)])

    @given(ARRIVALS, st.lists(st.floats(0, 100), max_size=10))
    def test_all_that_was_put_in_comes_out_once_and_in_time(self, arrivals: list[float], looks: list[float]) -> None:
        queue = Queue()
        for number, arrival in enumerate(arrivals):
            queue.put(str(number).encode(), number % 2, arrival)
        seen: list[int] = []
        for now in [*sorted(looks), 100.0]:
            for target, frame in queue.due(now):
                number = int(frame)
                self.assertEqual(number % 2, target)
                self.assertLessEqual(arrivals[number], now)
                seen.append(number)
        self.assertEqual(sorted(range(len(arrivals)), key=lambda number: (arrivals[number], number)), seen)
        self.assertEqual((0, 0), (len(queue), queue.held_bytes))

    @given(st.lists(st.binary(max_size=20), max_size=60), st.integers(0, 100), st.integers(0, 20))
    def test_it_never_holds_more_than_it_may(self, frames: list[bytes], most_bytes: int, most_frames: int) -> None:
        queue = Queue(most_bytes, most_frames)
        taken = [frame for frame in frames if queue.put(frame, 1, arrives=1.0)]
        self.assertLessEqual(queue.held_bytes, most_bytes)
        self.assertLessEqual(len(queue), most_frames)
        self.assertEqual(len(frames), len(taken) + queue.lost)
        self.assertEqual(taken, [frame for _, frame in queue.due(1.0)])


class DelayTest(base.BaseTestCase):
    def test_without_jitter_it_is_always_the_same(self) -> None:
        self.assertEqual(0.05, Delay(50, 0).seconds())

    @given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 1))
    def test_jitter_goes_both_ways_but_never_back_in_time(self, delay_ms: float, jitter_ms: float, picked: float) -> None:
        seconds = Delay(delay_ms, jitter_ms, lambda: picked).seconds()
        self.assertGreaterEqual(seconds, max(0.0, (delay_ms - jitter_ms) / 1000 - 1e-9))
        self.assertLessEqual(seconds, (delay_ms + jitter_ms) / 1000 + 1e-9)
