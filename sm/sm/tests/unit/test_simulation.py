# SPDX-License-Identifier: Apache-2.0
"""Lives of a system from seeds: never two that may act, nothing acknowledged lost, somebody acts when all is whole.

A seed that fails is named: `python -c "from sm.tests.simulation import life; life.play(SEED)"` plays it again, exactly.
`STX_SIMULATION_SEEDS` says how many each test plays.
"""

import dataclasses
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

from oslotest import base

from sm import fencing, lease
from sm.activity import Copies
from sm.tests.simulation import life, world

SEEDS = int(os.environ.get("STX_SIMULATION_SEEDS", "200"))
MOST_SEEDS = 1000


class Forgetful(lease.Voter):
    """Has just started, and promises at once."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._promised_until = -math.inf


class Faithless(lease.Voter):
    """Promises to one while it has promised to another."""

    def remaining_s(self, candidate: str, now: float) -> float:
        return 0.0


class Indifferent(lease.Voter):
    """Grants to candidates that do not know the newest record."""

    def _may_grant(self, request: lease.Request, now: float) -> bool:
        if request.term == self.kept.term:
            return request.candidate == self.kept.holder
        return request.term > self.kept.term and self.remaining_s(request.candidate, now) <= 0.0


class Rash(lease.Voter):
    """Tells of its votes before they are on its disk."""

    def on_request(self, request: lease.Request, now: float) -> lease.Answer | None:
        answer = super().on_request(request, now)
        said = self.on_stored(self.kept)
        return answer if said is None else said[1]


class Leaping(lease.Candidate):
    """Changes many voters at once."""

    def change(self, voters: Iterable[str], eligible: Iterable[str]) -> bool:
        if not self.is_agreed():
            return False
        own, new = (
            self._record,
            lease.Record(self._record.term, self._record.revision + 1, frozenset(voters), frozenset(eligible)),
        )
        if (own.voters, own.eligible) == (new.voters, new.eligible):
            return True
        self._record = new
        return False


class Optimistic(lease.Candidate):
    """Counts a grant from when it heard of it."""

    def _on_grant(self, answer: lease.Answer, now: float) -> None:
        super()._on_grant(dataclasses.replace(answer, sent_at=now), now)


class Hasty(lease.Candidate):
    """Takes for agreed what it has only said."""

    def is_agreed(self) -> bool:
        return self.is_elected


class Reborn(fencing.Witness):
    """Counts on the boards although it may have been off."""

    def answer(self, request: lease.Request, now: float) -> lease.Answer | None:
        self._succeeds = self._voter.other_term if self._voter.kept.holder == self._candidate.name else self._succeeds
        return super().answer(request, now)


class Trusting(fencing.Witness):
    """Needs no promise to succeed somebody."""

    def may_succeed(self, now: float) -> bool:
        return True


class Careless(fencing.Witness):
    """Agrees on what the other one does not know, at once."""

    def answer(self, request: lease.Request, now: float) -> lease.Answer | None:
        answer = super().answer(request, now)
        return answer and dataclasses.replace(answer, record=request.record)


class Ruthless(fencing.Witness):
    """Succeeds one that may be alive."""

    def may_succeed(self, now: float) -> bool:
        found = super().may_succeed(now)
        if found and now > self._heard_at + 1.0:
            self._succeeds = self._voter.other_term
        return found


class SimulationTest(base.BaseTestCase):
    def play(self, seeds: range, **options: Any) -> None:
        for seed in seeds:
            try:
                life.play(seed, **options)
            except world.Violation as violation:
                self.fail(f"seed {seed}: {violation}")

    def test_no_life_of_a_system_breaks_a_rule(self) -> None:
        self.play(range(SEEDS))

    def test_no_other_life_of_a_system_breaks_a_rule(self) -> None:
        """A second one, so that two processes share the work."""
        self.play(range(SEEDS, 2 * SEEDS))

    def test_no_life_of_two_controllers_with_boards_breaks_a_rule(self) -> None:
        self.play(range(SEEDS), fences=True)

    def test_no_life_of_a_system_of_a_hundred_hosts_breaks_a_rule(self) -> None:
        self.play(range(3), hosts=100)

    def test_the_same_seed_is_the_same_life(self) -> None:
        # Whatever order sets have in a process.
        what = "one.now, one.acknowledged.number, one.takeovers"
        code = f"from sm.tests.simulation import life; one = life.play(85); print({what})"
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        lives = [
            subprocess.run(
                [sys.executable, "-c", code],
                env={**environment, "PYTHONHASHSEED": number},
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            ).stdout
            for number in ("1", "3")
        ]
        self.assertEqual(*lives)

    def test_lives_are_full_of_takeovers(self) -> None:
        self.assertGreater(sum(life.play(seed).takeovers for seed in range(50)), 80)

    def assert_caught(self, **broken: Any) -> None:
        for seed in range(MOST_SEEDS):
            try:
                life.play(seed, **broken)
            except world.Violation:
                return
        self.fail(f"no life of {MOST_SEEDS} shows what is wrong")

    def test_promises_that_end_before_the_lease_does_are_caught(self) -> None:
        self.assert_caught(timing=lease.Timing(promise_s=0.2))

    def test_voters_that_promise_as_soon_as_they_start_are_caught(self) -> None:
        self.assert_caught(voter=Forgetful)

    def test_voters_that_break_promises_are_caught(self) -> None:
        self.assert_caught(voter=Faithless)

    def test_voters_that_take_candidates_with_old_records_are_caught(self) -> None:
        self.assert_caught(voter=Indifferent)

    def test_voters_that_tell_of_what_is_not_stored_are_caught(self) -> None:
        self.assert_caught(voter=Rash)

    def test_boards_that_vote_for_one_that_may_have_been_off_are_caught(self) -> None:
        self.assert_caught(fences=True, witness=Reborn)

    def test_boards_that_need_no_promise_are_caught(self) -> None:
        self.assert_caught(fences=True, witness=Trusting)

    def part_two_of_whom_one_reaches_no_board(self, **options: Any) -> tuple[str, list[str]]:
        """Who of two served before they lost each other, when its board was all that could be reached, and who does in the end."""
        there = world.World(1, hosts=0, fences=True, **options)
        there.run(2.0)
        (before,) = there.serving()
        there.boards_cut.update(name for name in world.CONTROLLERS if name != before)
        there.part({before})
        there.run(8.0)
        return before, there.serving()

    def test_boards_that_agree_on_what_the_other_one_does_not_know_are_caught(self) -> None:
        before, after = self.part_two_of_whom_one_reaches_no_board()
        self.assertEqual([name for name in world.CONTROLLERS if name != before], after)
        self.assertRaises(world.Violation, self.part_two_of_whom_one_reaches_no_board, witness=Careless)

    def test_boards_that_vote_against_one_that_is_on_are_caught(self) -> None:
        self.assert_caught(fences=True, witness=Ruthless)

    def two(self, fault: Callable[[world.World, str], None]) -> tuple[list[str], list[str]]:
        """Whether the active one of two controllers with boards serves after something happened, or the other one, and who is on."""
        there = world.World(1, hosts=0, fences=True)
        there.run(2.0)
        (before,) = there.serving()
        fault(there, before)
        there.run(3.0)
        # One whose power was cut boots again.
        on = [name for name in world.CONTROLLERS if there.nodes[name].is_on]
        there.run(9.0)
        return [{True: "same", False: "other"}[name == before] for name in there.serving()], on

    def test_of_two_with_boards_one_serves_after_the_active_one_is_off_or_frozen_or_cut_off(self) -> None:
        for fault in (world.World.power_off, world.World.freeze):
            self.assertEqual(["other"], self.two(fault)[0], fault)

        def unreached(there: world.World, name: str) -> None:
            there.part({name})
            # It reaches no board either.
            there.boards_cut_from.add(name)

        self.assertEqual(["other"], self.two(unreached)[0])

    def test_of_two_that_do_not_hear_each_other_the_active_one_stays(self) -> None:
        self.assertEqual(["same"], self.two(lambda there, name: there.part({name}))[0])

    def test_one_whose_fellow_is_gone_with_its_board_goes_on_and_one_that_is_gone_with_its_board_is_not_replaced(self) -> None:
        def other_unplugged(there: world.World, name: str) -> None:
            other = next(each for each in world.CONTROLLERS if each != name)
            there.boards_cut.add(other)
            there.power_off(other)

        def unplugged(there: world.World, name: str) -> None:
            there.boards_cut.add(name)
            there.power_off(name)

        self.assertEqual(["same"], self.two(other_unplugged)[0])
        self.assertEqual([], self.two(unplugged)[0])

    def serving_after(self, fault: Callable[[world.World, str], None]) -> tuple[str, list[str]]:
        """Who served before something happened to it, and who does a while later, while that lasts."""
        there = world.World(1, hosts=1, voting=1)
        there.run(2.0)
        (before,) = there.serving()
        fault(there, before)
        there.run(4.0)
        return before, there.serving()

    def test_the_other_controller_serves_while_one_is_deaf_or_mute_or_frozen_or_off(self) -> None:
        def deaf(there: world.World, name: str) -> None:
            there.cut.update((other, name, network) for other in there.nodes for network in world.NETWORKS)

        def mute(there: world.World, name: str) -> None:
            there.cut.update((name, other, network) for other in there.nodes for network in world.NETWORKS)

        for fault in (deaf, mute, world.World.freeze, world.World.power_off):
            before, after = self.serving_after(fault)
            self.assertEqual([name for name in world.CONTROLLERS if name != before], after, fault)

    def part_while_many_hosts_are_enabled(self, candidate: type[lease.Candidate]) -> world.World:
        """The passive controller and the only host that votes are cut off when four more are to vote: too rare to be met by chance."""
        there = world.World(1, hosts=5, voting=1, candidate=candidate)
        there.run(1.5)
        (holder,) = there.acting()
        there.wanted = frozenset(there.nodes)
        there.part({"host-0", *(name for name in world.CONTROLLERS if name != holder)})
        there.run(3.0)
        return there

    def test_many_voters_that_are_enabled_while_a_minority_is_cut_off_make_no_second_holder(self) -> None:
        self.assertEqual(1, len(self.part_while_many_hosts_are_enabled(lease.Candidate).acting()))

    def test_holders_that_change_many_voters_at_once_are_caught(self) -> None:
        self.assertRaises(world.Violation, self.part_while_many_hosts_are_enabled, Leaping)

    def mute_one_to_whom_answers_come_late(self, **options: Any) -> int:
        """How many of some lives break a rule, in which nobody hears the holder any more, and it hears what was said before."""
        broken = 0
        for seed in range(200):
            there = world.World(seed, hosts=1, voting=1, **options)
            there.run(1.0)
            (holder,) = there.acting()
            there.late_s = 0.5
            there.run(1.2)
            there.cut.update((holder, other, network) for other in there.nodes for network in world.NETWORKS)
            try:
                there.run(2.0)
            except world.Violation:
                broken += 1
        return broken

    def test_holders_that_count_from_when_they_heard_are_caught(self) -> None:
        self.assertEqual(0, self.mute_one_to_whom_answers_come_late())
        self.assertGreater(self.mute_one_to_whom_answers_come_late(candidate=Optimistic), 0)

    def cut_off_while_it_tells_that_it_is_alone(self, candidate: type[lease.Candidate]) -> world.World:
        """The active controller loses the other one, and a moment later everybody: before the voters have heard that it is alone."""
        there = world.World(1, hosts=1, voting=1, candidate=candidate)
        there.run(2.0)
        (name,) = there.serving()
        other = next(each for each in world.CONTROLLERS if each != name)
        there.cut.update((*pair, network) for pair in ((name, other), (other, name)) for network in world.NETWORKS)
        while there.nodes[name].activity.copies is Copies.TOGETHER:
            there.run(there.now + 0.0005)
        there.part({name})
        there.run(there.now + 3.0)
        return there

    def test_one_that_is_cut_off_before_it_is_agreed_that_it_is_alone_acknowledges_nothing_more(self) -> None:
        there = self.cut_off_while_it_tells_that_it_is_alone(lease.Candidate)
        self.assertEqual(1, len(there.serving()))

    def lose_the_other_one_as_soon_as_it_counts(self, **options: Any) -> int:
        """How many of some lives break a rule, in which the two processes of a controller are slow to hear of each other."""
        broken = 0
        for seed in range(60):
            there = world.World(seed, hosts=1, voting=1, link_s=0.3, **options)
            nodes = [there.nodes[name] for name in world.CONTROLLERS]
            while not any(node.activity.copies is Copies.TOGETHER for node in nodes):
                there.run(there.now + 0.005)
            for pair in itertools.permutations(world.CONTROLLERS, 2):
                there.cut.update((*pair, network) for network in world.NETWORKS)
            for node in nodes:
                node.heard = None
            try:
                there.run(there.now + 1.0)
            except world.Violation:
                broken += 1
        return broken

    def test_one_that_takes_an_old_agreement_for_a_new_one_is_caught(self) -> None:
        self.assertEqual(0, self.lose_the_other_one_as_soon_as_it_counts())
        self.assertGreater(self.lose_the_other_one_as_soon_as_it_counts(heeds_numbers=False), 0)

    def test_holders_that_do_not_wait_for_agreement_are_caught(self) -> None:
        self.assertRaises(world.Violation, self.cut_off_while_it_tells_that_it_is_alone, Hasty)
