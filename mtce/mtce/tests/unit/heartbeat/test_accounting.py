# SPDX-License-Identifier: Apache-2.0
"""Pulses that are answered and missed, and what is told of it."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from mtce.heartbeat.accounting import Accounts, Change, Level, Thresholds

THRESHOLDS = Thresholds()


class AccountsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.accounts = Accounts(THRESHOLDS)
        self.accounts.watch({"compute-0"})
        self.sequence = 0

    def pulse(self, *answering: str, times: int = 1) -> list[Change]:
        """What is told in so many periods."""
        told = []
        for _ in range(times):
            self.sequence += 1
            self.accounts.begin(self.sequence)
            for host in answering:
                self.accounts.hear(host, self.sequence)
            told += self.accounts.end()
        return told

    def test_misses_in_a_row_are_told_at_each_threshold_and_a_loss_again_and_again(self) -> None:
        told = [(change.missed, change.level) for change in self.pulse(times=215)]
        lost = Level.LOST
        self.assertEqual([(4, Level.MINOR), (6, Level.DEGRADED), (10, lost), (110, lost), (210, lost)], told)

    def test_three_misses_are_nobody_s_business(self) -> None:
        for _ in range(20):
            self.assertEqual([], self.pulse(times=3) + self.pulse("compute-0"))

    def test_one_answer_ends_what_is_no_loss(self) -> None:
        self.pulse(times=9)
        self.assertEqual([Change("compute-0", Level.CLEAR, 0)], self.pulse("compute-0"))
        self.assertEqual({}, self.accounts.ailing)

    def test_a_loss_ends_after_ten_answers_in_a_row(self) -> None:
        self.pulse(times=10)
        self.assertEqual([], self.pulse("compute-0", times=9) + self.pulse() + self.pulse("compute-0", times=9))
        self.assertEqual({"compute-0": (Level.LOST, 0)}, self.accounts.ailing)
        self.assertEqual([Change("compute-0", Level.CLEAR, 0)], self.pulse("compute-0"))

    def test_an_answer_to_an_earlier_pulse_is_none(self) -> None:
        for sequence in range(1, 11):
            self.accounts.begin(sequence)
            self.accounts.hear("compute-0", sequence - 1)
            told = self.accounts.end()
        self.assertEqual([Change("compute-0", Level.LOST, 10)], told)

    def test_one_that_is_watched_between_pulses_has_missed_nothing(self) -> None:
        self.accounts.begin(1)
        self.accounts.watch({"compute-0", "compute-1"})
        self.accounts.hear("compute-0", 1)
        self.accounts.end()
        self.assertEqual({"compute-1": 4}, {change.host: change.missed for change in self.pulse("compute-0", times=4)})

    def test_one_that_is_watched_no_longer_is_forgotten(self) -> None:
        self.pulse(times=10)
        self.accounts.watch(set())
        self.assertEqual([], self.pulse(times=20))
        self.accounts.watch({"compute-0"})
        self.assertEqual({}, self.accounts.ailing)

    def test_nobody_has_missed_a_pulse_that_did_not_leave_this_host(self) -> None:
        self.pulse(times=5)
        for sequence in range(100, 150):
            self.accounts.begin(sequence, is_asked=False)
            self.assertEqual([], self.accounts.end())
        self.assertEqual({"compute-0": (Level.MINOR, 5)}, self.accounts.ailing)

    def test_whoever_is_not_watched_may_answer(self) -> None:
        self.assertEqual([], self.pulse("compute-0", "stranger", times=20))

    @given(st.lists(st.booleans(), max_size=60), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
    def test_it_is_as_counted_one_by_one(self, answers: list[bool], minor: int, more: int, most: int, recover: int) -> None:
        thresholds = Thresholds(minor, minor + more, minor + more + most, 7, recover)
        accounts = Accounts(thresholds)
        accounts.watch({"host"})
        missed, answered, level = 0, 0, Level.CLEAR
        for sequence, is_answered in enumerate(answers, 1):
            accounts.begin(sequence)
            if is_answered:
                accounts.hear("host", sequence)
            told = accounts.end()
            missed, answered = (0, answered + 1) if is_answered else (missed + 1, 0)
            before = level
            if not is_answered:
                level = max(level, thresholds.level(missed))
            elif level is not Level.LOST or answered >= recover:
                level = Level.CLEAR
            self.assertEqual(level, accounts.ailing.get("host", (Level.CLEAR, 0))[0])
            again = level is Level.LOST and missed >= thresholds.failure and (missed - thresholds.failure) % 7 == 0
            is_told = level is not before or again
            self.assertEqual([(level, missed)] if is_told else [], [(change.level, change.missed) for change in told])
