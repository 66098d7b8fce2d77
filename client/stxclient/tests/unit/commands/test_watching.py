# SPDX-License-Identifier: Apache-2.0
"""Tests of showing something whenever it may have changed."""

import threading
from collections.abc import Iterator

from oslotest import base

from stxclient.commands import watching

DEADLINE_S = 60.0


class WatchTest(base.BaseTestCase):
    def test_each_change_is_shown(self) -> None:
        shown = threading.Semaphore(0)

        def changes() -> Iterator[None]:
            for _ in range(3):
                yield None
                self.assertTrue(shown.acquire(timeout=DEADLINE_S))

        count: list[float] = []
        watching.watch(changes(), lambda: bool(shown.release() or True), count.append)
        self.assertEqual([watching.PERIOD_S] * 3, count)

    def test_changes_that_come_together_are_shown_once_or_twice(self) -> None:
        shown: list[bool] = []
        all_came = threading.Event()

        def changes() -> Iterator[None]:
            yield from [None] * 1000
            all_came.set()

        watching.watch(changes(), lambda: not shown.append(all_came.wait(DEADLINE_S)), lambda period_s: None)
        self.assertIn(len(shown), (1, 2))

    def test_a_change_while_it_is_shown_is_shown_again(self) -> None:
        shows, changed = [threading.Event(), threading.Event()], threading.Event()

        def changes() -> Iterator[None]:
            yield None
            self.assertTrue(shows[0].wait(DEADLINE_S))
            yield None
            changed.set()
            self.assertTrue(shows[1].wait(DEADLINE_S))

        def show() -> bool:
            if shows[0].is_set():
                shows[1].set()
                return True
            shows[0].set()
            return changed.wait(DEADLINE_S)

        watching.watch(changes(), show, lambda period_s: None)
        self.assertTrue(shows[1].is_set())

    def test_what_could_not_be_shown_is_tried_again(self) -> None:
        could, pauses = iter([False, False, True]), list[float]()
        watching.watch([None], lambda: next(could), pauses.append)
        self.assertEqual(3, len(pauses))

    def test_what_goes_wrong_is_raised(self) -> None:
        def changes() -> Iterator[None]:
            raise OSError("lost")
            yield None

        self.assertRaises(OSError, watching.watch, changes(), self.fail)
