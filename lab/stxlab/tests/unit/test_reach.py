# SPDX-License-Identifier: Apache-2.0
"""What answers to probes mean."""

from oslotest import base

from stxlab import reach
from stxlab.reach import Hearing, Reach

PERIOD_S = 0.1


class Link:
    """A probe every tenth of a second over a link that can be made worse.

    :ivar told: changes, each with its moment
    """

    def __init__(self) -> None:
        self.reach = Reach()
        self.now = 0.0
        self.told: list[tuple[float, str]] = []
        self._count = 0
        self._answers: list[tuple[float, float]] = []

    def run(self, seconds: float, round_trip_s: float | None = 0.001, lost_of_10: int = 0) -> None:
        for _ in range(round(seconds / PERIOD_S)):
            self._count += 1
            self.now = round(self._count * PERIOD_S, 6)
            self.reach.sent(self.now)
            if round_trip_s is not None and self._count % 10 >= lost_of_10:
                self._answers.append((self.now, self.now + round_trip_s))
            for sent, at in [answer for answer in self._answers if answer[1] <= self.now + PERIOD_S / 2]:
                self.reach.answered(sent, at)
                self._answers.remove((sent, at))
            if (told := self.reach.look(self.now + PERIOD_S / 2)) is not None:
                self.told.append((round(told[0], 3), told[1]))

    @property
    def words(self) -> list[str]:
        return [what for _, what in self.told]


class ReachTest(base.BaseTestCase):
    def test_a_good_link_answers_and_that_is_all(self) -> None:
        link = Link()
        link.run(10)
        self.assertEqual([(0.1, "answers")], link.told)

    def test_silence_is_told_with_the_moment_at_which_it_began(self) -> None:
        link = Link()
        link.run(3)
        link.run(3, round_trip_s=None)
        link.run(3)
        self.assertEqual([(0.1, "answers"), (3.1, "silent"), (6.1, "answers")], link.told)

    def test_what_never_answered_is_silent(self) -> None:
        link = Link()
        link.run(3, round_trip_s=None)
        self.assertEqual([(0.1, "silent")], link.told)

    def test_a_single_loss_is_no_news(self) -> None:
        link = Link()
        link.run(3)
        link.run(0.1, round_trip_s=None)
        link.run(5)
        self.assertEqual(["answers"], link.words)

    def test_some_losses_are_told_until_there_are_none(self) -> None:
        link = Link()
        link.run(3)
        link.run(6, lost_of_10=2)
        link.run(6)
        self.assertEqual(["answers", "lossy", "answers"], link.words)

    def test_a_slow_link_is_told_with_its_delay(self) -> None:
        link = Link()
        link.run(3)
        link.run(3, round_trip_s=0.12)
        link.run(3)
        self.assertEqual(["answers", "slow, 120 ms", "answers"], link.words)
        self.assertAlmostEqual(3.1, link.told[1][0], delta=0.3)

    def test_a_slow_link_that_becomes_much_slower_is_told_again(self) -> None:
        link = Link()
        link.run(3, round_trip_s=0.1)
        link.run(3, round_trip_s=0.11)
        link.run(3, round_trip_s=0.3)
        self.assertEqual(["slow, 100 ms", "slow, 300 ms"], link.words)

    def test_a_link_may_come_back_worse_than_it_was(self) -> None:
        link = Link()
        link.run(3)
        link.run(3, round_trip_s=None)
        link.run(6, lost_of_10=3)
        self.assertEqual(["answers", "silent"], link.words[:2])
        self.assertEqual("lossy", link.words[-1])

    def test_a_delay_is_not_taken_for_loss(self) -> None:
        link = Link()
        link.run(20, round_trip_s=0.9)
        self.assertEqual(["slow, 900 ms"], link.words)


class HearingTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.hearing = Hearing(PERIOD_S, 0.0)
        self.now = 0.0

    def run_for(self, seconds: float, *callers: str, expected: tuple[str, ...] = ("a", "b")) -> list[tuple[float, str]]:
        told = []
        for _ in range(round(seconds / PERIOD_S)):
            self.now = round(self.now + PERIOD_S, 6)
            for caller in callers:
                self.hearing.heard(caller, self.now)
            if (change := self.hearing.look(expected, self.now)) is not None:
                told.append((round(change[0], 3), change[1]))
        return told

    def test_who_calls_is_heard(self) -> None:
        self.assertEqual(["hears all"], [what for _, what in self.run_for(5, "a", "b")])

    def test_who_is_not_heard_any_more_is_named_with_the_moment_of_the_first_call_that_is_missing(self) -> None:
        self.run_for(2, "a", "b")
        self.assertEqual([(2.1, "does not hear b")], self.run_for(5, "a"))
        self.assertEqual(["hears all"], [what for _, what in self.run_for(2, "a", "b")])

    def test_when_all_vanish_together_it_is_told_once(self) -> None:
        self.run_for(2, "a", "b")
        self.assertEqual([(2.1, reach.HEARS_NOBODY)], self.run_for(5))

    def test_who_cannot_be_heard_by_anybody_is_not_missed(self) -> None:
        self.run_for(2, "a", "b")
        self.assertEqual([], self.run_for(5, "a", expected=("a",)))

    def test_who_can_be_heard_again_has_time_to_be_so(self) -> None:
        self.run_for(2, "a", "b")
        self.run_for(5, "a", expected=("a",))
        self.assertEqual([], self.run_for(0.5, "a"))
        self.assertEqual([], self.run_for(2, "a", "b"))


class RoundsTest(base.BaseTestCase):
    def test_it_is_certain_until_the_first_of_those_rounds_that_make_a_silence(self) -> None:
        rounds = reach.Rounds()
        for number in range(reach.SILENT_AFTER + 1):
            rounds.add(number, number + 0.5)
        last = reach.SILENT_AFTER - 1 + 0.5 + reach.DEADLINE_S
        self.assertIsNone(rounds.certain(last))
        self.assertEqual(0, rounds.certain(last + 0.1))
        self.assertEqual(0, rounds.certain(last + 1))
        self.assertEqual(1, rounds.certain(last + 1.1))
        # Nobody has asked since.
        self.assertEqual(1, rounds.certain(last + 100))
