# SPDX-License-Identifier: Apache-2.0
"""Tests of locks with a deadline."""

import threading

import fixtures

from stx import exception, testing, turns


class TurnsTest(testing.TestCase):
    def test_who_waits_for_too_long_is_told_and_has_not_had_its_turn(self) -> None:
        books = turns.Turns("the books", 0.05)
        with books:
            self.assert_raises_with(exception.Unavailable, "Others have been at the books for 0.05 s.", books.__enter__)
        with books:
            pass

    def test_one_after_another_gets_its_turn(self) -> None:
        books, order = turns.Turns("the books", 60), []

        def read() -> None:
            with books:
                order.append("second")

        with books:
            thread = threading.Thread(target=read)
            thread.start()
            order.append("first")
        thread.join(60)
        self.assertEqual(["first", "second"], order)

    def test_who_has_had_its_turn_waits_behind_who_has_not(self) -> None:
        books, order = turns.Turns("the books", 60), []

        def read() -> None:
            with books:
                order.append("other")

        with books:
            thread = threading.Thread(target=read)
            thread.start()
            while not books._waiting:
                threading.Event().wait(0.001)
        with books:
            order.append("again")
        thread.join(60)
        self.assertEqual(["other", "again"], order)

    def test_who_is_interrupted_while_it_waits_is_in_nobody_s_way(self) -> None:
        books = turns.Turns("the books", 60)
        books.__enter__()

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        def come_and_interrupt(*_: object) -> None:
            books.__exit__()
            raise KeyboardInterrupt

        for wait in (interrupt, come_and_interrupt):
            with fixtures.MonkeyPatch("threading.Event.wait", wait):
                self.assertRaises(KeyboardInterrupt, books.__enter__)
        with books:
            pass

    def test_a_turn_ends_also_with_an_error(self) -> None:
        books = turns.Turns("the books", 0.05)

        def fail() -> None:
            with books:
                raise ValueError

        self.assertRaises(ValueError, fail)
        with books:
            pass
