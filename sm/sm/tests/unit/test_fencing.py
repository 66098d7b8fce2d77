# SPDX-License-Identifier: Apache-2.0
"""Boards as the third vote: when one counts on them, when power is cut, and that it is given back."""

import dataclasses
import random

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from sm import fencing, lease
from sm.fencing import FENCING, Facts, Fencer, Order, Power, Step
from sm.lease import Kept, Record

TIMING = fencing.Timing()
OWN, OTHER = "controller-0", "controller-1"
BOTH = Record(3, 1, frozenset({OWN, OTHER, FENCING}), frozenset({OWN, OTHER}))


class WitnessTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        timing = lease.Timing()
        self.voter = lease.Voter(OWN, Kept(3, OTHER, BOTH), timing, 100.0)
        self.candidate = lease.Candidate(self.voter, "7", timing, random.Random(1))
        self.candidate.wants = True
        self.witness = fencing.Witness(self.voter, self.candidate, OTHER, "7", TIMING, 100.0)

    def hear(self, now: float, echo: tuple[str, float] | None, promise: tuple[int, int] | None = BOTH.key) -> None:
        self.witness.hear(OTHER, fencing.Pledge("4", now, echo, promise), now)

    def vote(self, now: float) -> lease.Answer | None:
        asked = self.candidate.request(now)
        assert asked is not None
        self.voter.on_request(asked[0], now)
        return self.witness.answer(asked[0], now)

    def test_one_that_was_told_of_the_promise_succeeds_whoever_is_off(self) -> None:
        self.hear(110.0, ("7", 109.9))
        self.assertIsNone(self.vote(111.0))
        self.witness.find_off(111.0, 112.0)
        vote = self.vote(112.0)
        assert vote is not None
        self.assertEqual((FENCING, True, BOTH), (vote.voter, vote.is_granted, vote.record))

    def test_a_promise_that_has_ended_is_worth_nothing(self) -> None:
        self.hear(110.0, ("7", 109.9))
        self.assertTrue(self.witness.may_succeed(136.0))
        self.assertFalse(self.witness.may_succeed(137.0))
        self.assertTrue(self.witness.may_cut(130.0))
        self.assertFalse(self.witness.may_cut(131.0))
        self.witness.find_off(111.0, 137.0)
        self.assertIsNone(self.vote(137.0))

    def test_it_lasts_from_what_it_answers_to_not_from_when_it_came(self) -> None:
        self.hear(140.0, ("7", 110.0))
        self.assertFalse(self.witness.may_succeed(140.0))

    def test_an_echo_of_what_was_not_said_yet_is_worth_nothing(self) -> None:
        self.hear(110.0, ("7", 1e9))
        self.hear(110.0, ("7", float("nan")))
        self.assertFalse(self.witness.may_succeed(110.1))

    def test_nobody_else_promises_anything(self) -> None:
        self.witness.hear("compute-0", fencing.Pledge("4", 110.0, ("7", 109.9), BOTH.key), 110.0)
        self.assertFalse(self.witness.may_succeed(110.1))

    def test_one_that_lacks_data_succeeds_nobody(self) -> None:
        alone = Record(3, 2, BOTH.voters, frozenset({OTHER}))
        self.voter.learn(alone)
        self.hear(110.0, ("7", 109.9), alone.key)
        self.assertFalse(self.witness.may_succeed(110.1))

    def test_one_that_hears_this_one_no_more_is_noticed(self) -> None:
        self.hear(110.0, ("7", 109.9))
        self.assertTrue(self.witness.is_echoed(110.5))
        self.hear(111.5, ("7", 109.9))
        self.assertFalse(self.witness.is_echoed(111.5))

    def test_a_promise_to_the_process_before_is_worth_nothing(self) -> None:
        self.hear(110.0, ("6", 109.9))
        self.hear(110.1, None)
        self.assertFalse(self.witness.may_succeed(110.2))

    def test_a_promise_about_a_record_that_this_one_lacks_is_worth_nothing(self) -> None:
        self.hear(110.0, ("7", 109.9), (3, 2))
        self.assertFalse(self.witness.may_succeed(110.1))

    def test_one_that_is_heard_after_it_was_found_off_is_not_off(self) -> None:
        self.hear(110.0, ("7", 109.9))
        self.witness.find_off(109.0, 110.5)
        self.assertIsNone(self.vote(110.5))
        self.witness.find_off(111.0, 111.5)
        self.hear(112.0, ("7", 109.9), None)
        self.assertIsNone(self.vote(112.1))

    def test_one_that_has_voted_for_the_other_one_since_does_not_succeed_it(self) -> None:
        self.hear(110.0, ("7", 109.9))
        self.witness.find_off(111.0, 112.0)
        self.voter.on_request(lease.Request(OTHER, "5", 1, 0.0, 9, BOTH), 112.0)
        self.assertIsNone(self.vote(112.5))

    def test_the_other_ones_word_is_the_boards_too_where_they_have_none_of_their_own(self) -> None:
        answer = lease.Answer(OTHER, True, "7", 1, 100.0, 4, BOTH)
        self.assertEqual([OTHER, FENCING], [each.voter for each in self.witness.answers(answer)])
        refused = lease.Answer(OTHER, False, "7", 1, 100.0, 4, BOTH)
        self.assertEqual([OTHER, FENCING], [each.voter for each in self.witness.answers(refused)])
        self.hear(110.0, ("7", 109.9))
        self.witness.find_off(111.0, 112.0)
        self.assertEqual([OTHER], [each.voter for each in self.witness.answers(refused)])

    def elect(self, now: float) -> None:
        """With the other one's vote."""
        for _ in range(3):
            asked = self.candidate.request(now)
            assert asked is not None
            request = asked[0]
            answer = self.voter.on_request(request, now)
            stored = self.voter.on_stored(self.voter.kept)
            own = answer if stored is None else stored[1]
            assert own is not None
            self.candidate.on_answer(own, now)
            for each in self.witness.answers(
                lease.Answer(
                    OTHER, True, request.start, request.number, now, request.term, request.record, is_probe=request.is_probe
                )
            ):
                self.candidate.on_answer(each, now)

    def test_a_holder_has_no_vote_for_a_new_term_while_the_other_one_may_count_on_what_was_before(self) -> None:
        self.elect(110.0)
        self.witness.say(110.0)
        won = self.candidate.won
        probe = lease.Request(OWN, "7", 99, 0.0, won + 1, self.candidate.record, is_probe=True)
        self.assertIsNone(self.witness.answer(probe, 139.9))
        found = [self.witness.answer(dataclasses.replace(probe, is_probe=False), now) for now in (139.9, 140.0)]
        self.assertEqual([won, won + 1], [vote and vote.term for vote in found])

    def test_a_holder_has_the_vote_as_long_as_it_lives_but_none_for_what_the_other_one_does_not_know(self) -> None:
        self.elect(110.0)
        self.assertTrue(self.candidate.is_agreed())
        self.assertEqual(self.candidate.record.key, self.witness.say(110.0).promise)
        self.candidate.change(BOTH.voters, {OWN})
        self.assertIsNone(self.witness.say(110.1).promise)
        for now, is_agreed in ((110.1, False), (139.9, False), (140.0, True)):
            vote = self.vote(now)
            assert vote is not None
            self.assertEqual(is_agreed, vote.record.key == self.candidate.record.key, f"at {now}")

    def test_it_agrees_at_once_where_the_other_one_is_off(self) -> None:
        self.elect(110.0)
        self.witness.say(110.0)
        self.candidate.change(BOTH.voters, {OWN})
        self.vote(110.1)
        self.witness.find_off(110.2, 110.4)
        vote = self.vote(110.4)
        assert vote is not None
        self.assertEqual(self.candidate.record, vote.record)

    def test_a_holder_that_voted_for_the_other_one_has_it_no_longer(self) -> None:
        self.elect(110.0)
        self.voter.on_request(lease.Request(OTHER, "5", 1, 0.0, 99, self.candidate.record), 111.0)
        self.candidate.request(111.1)
        self.assertFalse(self.candidate.continues)


@ddt.ddt
class FencerTest(base.BaseTestCase):
    def facts(self, now: float, **changes: object) -> Facts:
        given = {"is_heard": False, "is_needed": True, "holds": False, "may_succeed": True, "done": None, **changes}
        return Facts(now, **given)  # type: ignore[arg-type]

    def test_one_that_is_off_already_is_not_waited_for(self) -> None:
        fencer, order = fencing.follow(Fencer(), self.facts(10.0), TIMING)
        self.assertEqual((Step.ASKING, Order.ASK), (fencer.step, order))
        fencer, order = fencing.follow(fencer, self.facts(10.4, done=Power.OFF), TIMING)
        self.assertEqual((Step.OFF, 10.0, False, None), (fencer.step, fencer.off_at, fencer.has_cut, order))
        # It is the operator's to switch it on.
        self.assertEqual((fencer, None), fencing.follow(fencer, self.facts(20.0, is_needed=False), TIMING))

    def cut_at(self, answers_at: float = 0.0, **given: object) -> float:
        """When power is cut of one that falls silent at 0, and whose board says from some time on that it is on."""
        now, (fencer, order) = 0.0, fencing.follow(Fencer(), self.facts(0.0, **given), TIMING)
        while order is not Order.CUT:
            now += 0.1
            done = Power.ON if now >= answers_at else Power.UNKNOWN
            fencer, order = fencing.follow(fencer, self.facts(now, done=done, **given), TIMING)
        return now

    def test_whoever_serves_comes_first_and_has_done_what_it_can_before_the_other_one_begins(self) -> None:
        self.assertLessEqual(self.cut_at(holds=True) + TIMING.cut_s + 1.0, self.cut_at())

    def test_it_comes_first_too_when_nobody_has_reached_a_board_for_long(self) -> None:
        self.assertLess(self.cut_at(20.0, holds=True), 21.5)
        self.assertGreater(self.cut_at(20.0), 30.0)

    def test_one_that_was_not_at_work_for_a_while_waits_from_the_beginning(self) -> None:
        about_to = Fencer(Step.WAITING, seen_at=2.0, silent_at=0.0, reached_at=0.5, at=1.5)
        fencer, order = fencing.follow(about_to, self.facts(30.0, holds=True), TIMING)
        self.assertEqual((Step.ASKING, Order.ASK, 30.0, None), (fencer.step, order, fencer.silent_at, fencer.reached_at))

    def test_one_that_said_something_between_the_order_and_its_end_is_asked_of_again(self) -> None:
        off = Fencer(Step.OFF, at=10.0, off_at=10.0, has_cut=True)
        fencer, order = fencing.follow(off, self.facts(10.0 + TIMING.ask_s), TIMING)
        self.assertEqual((Step.ASKING, Order.ASK, True), (fencer.step, order, fencer.has_cut))
        fencer, _ = fencing.follow(fencer, self.facts(15.0, done=Power.OFF), TIMING)
        self.assertEqual(14.0, fencer.off_at)

    @ddt.data({"is_heard": True}, {"is_needed": False}, {"may_succeed": False})
    def test_no_power_is_cut_of_one_that(self, changes: dict[str, bool]) -> None:
        self.assertEqual((Fencer(), None), fencing.follow(Fencer(), self.facts(10.0, **changes), TIMING))
        waiting = Fencer(Step.WAITING, seen_at=24.0, silent_at=0.0, reached_at=1.0, at=10.0)
        self.assertEqual((Fencer(), None), fencing.follow(waiting, self.facts(24.0, **changes), TIMING))

    def test_a_board_that_does_not_answer_is_asked_again_and_never_told_to_cut(self) -> None:
        fencer, now, orders = Fencer(), 0.0, []
        while now < 20:
            fencer, order = fencing.follow(fencer, self.facts(now, done=Power.UNKNOWN), TIMING)
            orders += [order] if order else []
            now += 0.1
        self.assertEqual({Order.ASK}, set(orders))
        self.assertGreater(len(orders), 10)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.floats(0.01, 2.0), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, *Power])
            ),
            max_size=60,
        )
    )
    def test_whatever_happens_power_that_was_cut_is_given_back(
        self, events: list[tuple[float, bool, bool, bool, bool, Power | None]]
    ) -> None:
        fencer, now, owes = Fencer(), 0.0, False
        for passed, is_heard, is_needed, holds, may_succeed, done in events:
            now += passed
            fencer, order = fencing.follow(fencer, Facts(now, is_heard, is_needed, holds, may_succeed, done), TIMING)
            # It is owed from when that is told until its board says that it is on again.
            owes = (owes or order is Order.CUT) and fencer != Fencer()
            self.assertEqual(owes, fencer.has_cut)
        for _ in range(6):
            now += 1.0
            fencer, _ = fencing.follow(fencer, self.facts(now, is_needed=False, done=Power.ON), TIMING)
        self.assertFalse(fencer.has_cut, fencer)
