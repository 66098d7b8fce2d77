# SPDX-License-Identifier: Apache-2.0
"""The lease, one rule at a time; what the rules come to together is in test_simulation."""

import dataclasses
import itertools
import random

from oslotest import base

from sm import lease

TIMING = lease.Timing()
RECORD = lease.Record(0, 0, frozenset({"controller-0", "controller-1", "host"}), frozenset({"controller-0", "controller-1"}))


class LeaseTest(base.BaseTestCase):
    """Two controllers and a host that have been up for long, all on one clock.

    :ivar now: seconds
    :ivar unheard: who is not reached
    :ivar slow: whose disk has stored nothing yet of what was decided
    """

    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.voters = {name: lease.Voter(name, lease.Kept(0, None, RECORD), TIMING, 0.0) for name in sorted(RECORD.voters)}
        self.candidates = {
            name: lease.Candidate(self.voters[name], "1", TIMING, random.Random(1)) for name in ("controller-0", "controller-1")
        }
        self.unheard: set[str] = set()
        self.slow: set[str] = set()

    def ask(self, name: str = "controller-0", rounds: int = 1) -> lease.Candidate:
        """A candidate asks all voters that can be heard, and hears their answers at once."""
        candidate = self.candidates[name]
        candidate.wants = True
        for _ in range(rounds):
            asked = candidate.request(self.now)
            if asked is None:
                continue
            request, voters = asked
            for voter in sorted(voters - self.unheard):
                answer = self.voters[voter].on_request(request, self.now)
                if answer is not None:
                    candidate.on_answer(answer, self.now)
                if voter not in self.slow:
                    self.store(voter)
        return candidate

    def store(self, voter: str) -> None:
        """It is on disk, and whoever waits for that hears so."""
        said = self.voters[voter].on_stored(self.voters[voter].kept)
        if said is not None:
            self.candidates[said[0]].on_answer(said[1], self.now)

    def holds(self, name: str) -> bool:
        return self.now < self.candidates[name].holds_until()

    def elect(self, name: str = "controller-0") -> lease.Candidate:
        # A probe, the election, and the record of the new term.
        candidate = self.ask(name, 3)
        self.assertTrue(candidate.is_agreed())
        return candidate

    def restart(self, name: str) -> None:
        self.voters[name] = lease.Voter(name, self.voters[name].kept, TIMING, self.now)


class HoldingTest(LeaseTest):
    def test_a_majority_gives_the_lease_for_a_while(self) -> None:
        self.elect()
        self.assertTrue(self.holds("controller-0"))
        self.assertEqual(self.now + TIMING.lease_s, self.candidates["controller-0"].holds_until())
        self.now += TIMING.lease_s
        self.assertFalse(self.holds("controller-0"))

    def test_one_voter_of_three_is_no_majority(self) -> None:
        self.unheard = {"controller-1", "host"}
        self.ask(rounds=5)
        self.assertFalse(self.holds("controller-0"))
        self.assertEqual(0, self.voters["controller-0"].kept.term)

    def test_renewing_keeps_the_term_while_one_of_three_is_away(self) -> None:
        term = self.elect().term
        self.unheard = {"controller-1"}
        for _ in range(50):
            self.now += TIMING.renew_s
            self.ask()
            self.assertTrue(self.holds("controller-0"))
        self.assertEqual(term, self.candidates["controller-0"].term)

    def test_the_other_one_gets_it_when_the_promises_are_over_and_not_before(self) -> None:
        self.elect()
        self.unheard = {"controller-0"}
        begun = self.now
        while not self.holds("controller-1"):
            self.now += 0.01
            self.ask("controller-1")
            if self.holds("controller-1"):
                break
        self.assertGreaterEqual(self.now, begun + TIMING.promise_s)
        self.assertLess(self.now, begun + TIMING.promise_s + 0.05)
        self.assertFalse(self.holds("controller-0"))

    def test_an_answer_that_comes_late_counts_from_when_it_was_asked_for(self) -> None:
        candidate = self.elect()
        asked = candidate.request(self.now)
        assert asked is not None
        answers = [self.voters[name].on_request(asked[0], self.now) for name in sorted(RECORD.voters)]
        sent = self.now
        self.now += 10
        for answer in answers:
            assert answer is not None
            candidate.on_answer(answer, self.now)
        self.assertEqual(sent + TIMING.lease_s, candidate.holds_until())
        self.assertFalse(self.holds("controller-0"))

    def test_a_lease_that_is_let_go_can_be_had_at_once(self) -> None:
        candidate = self.elect()
        released = candidate.release()
        assert released is not None
        self.assertFalse(self.holds("controller-0"))
        for name in released[1]:
            self.voters[name].on_release(released[0], self.now)
        self.elect("controller-1")
        self.assertTrue(self.holds("controller-1"))
        self.assertIsNone(candidate.request(self.now))

    def test_what_was_asked_before_it_was_let_go_renews_nothing(self) -> None:
        candidate = self.elect()
        asked, released = candidate.request(self.now), candidate.release()
        assert asked is not None and released is not None
        self.voters["host"].on_release(released[0], self.now)
        self.assertIsNone(self.voters["host"].on_request(asked[0], self.now))
        self.assertEqual(0.0, self.voters["host"].remaining_s("controller-1", self.now))


class VoterTest(LeaseTest):
    def test_a_promise_to_one_is_a_refusal_to_all_others(self) -> None:
        self.elect()
        before = self.voters["host"].kept
        self.ask("controller-1", 5)
        self.assertEqual(before, self.voters["host"].kept)
        self.assertTrue(self.holds("controller-0"))

    def test_one_that_has_just_started_promises_nothing_to_a_new_candidate(self) -> None:
        self.elect()
        for name in self.voters:
            self.restart(name)
        self.unheard = {"controller-0"}
        self.assertAlmostEqual(TIMING.promise_s, self.voters["host"].remaining_s("controller-1", self.now))
        # Whom it voted for it knows still.
        self.unheard = set()
        self.now += TIMING.renew_s
        self.ask()
        self.assertTrue(self.holds("controller-0"))

    def test_a_candidate_with_an_older_record_is_refused_and_learns(self) -> None:
        holder = self.elect()
        holder.change(RECORD.voters, {"controller-0"})
        self.unheard = {"controller-1"}
        self.ask()
        self.assertTrue(holder.is_agreed())
        self.now += 1
        self.unheard = {"controller-0"}
        self.ask("controller-1", 5)
        self.assertFalse(self.holds("controller-1"))
        self.assertEqual({"controller-0"}, self.candidates["controller-1"].record.eligible)

    def test_a_message_is_taken_once(self) -> None:
        asked = self.elect().request(self.now)
        assert asked is not None
        self.assertIsNotNone(self.voters["host"].on_request(asked[0], self.now))
        self.assertIsNone(self.voters["host"].on_request(asked[0], self.now))

    def test_a_voter_that_voted_for_a_loser_is_won_back_in_a_newer_term(self) -> None:
        holder = self.elect()
        term = holder.term
        kept = self.voters["host"].kept
        self.voters["host"].kept = dataclasses.replace(kept, term=kept.term + 5, holder="controller-1")
        self.voters["host"]._promised_until = self.now
        self.ask(rounds=3)
        self.assertEqual((term or 0) + 6, holder.term)
        self.assertTrue(self.holds("controller-0"))
        self.assertTrue(holder.is_agreed())


class WipedTest(LeaseTest):
    """The host was installed again: it has forgotten what was agreed on with it."""

    def wipe(self, name: str) -> None:
        self.voters[name] = lease.Voter(name, lease.Kept(), TIMING, self.now)
        self.now += TIMING.promise_s

    def test_it_elects_nobody_who_may_not_know_what_it_has_forgotten(self) -> None:
        holder = self.elect()
        self.unheard = {"controller-1"}
        holder.change({"controller-0", "host"}, {"controller-0"})
        self.ask(rounds=2)
        self.assertTrue(holder.change({"controller-0", "host"}, {"controller-0"}))
        self.unheard = {"controller-0"}
        self.wipe("host")
        for _ in range(20):
            self.ask("controller-1")
            self.now += TIMING.promise_s
        self.assertFalse(self.candidates["controller-1"].is_elected)

    def test_nor_one_that_was_elected_before_and_was_cut_off_since(self) -> None:
        self.elect()
        self.unheard = {"controller-0"}
        self.now += TIMING.promise_s
        self.elect("controller-1")
        self.unheard = {"controller-1"}
        self.wipe("host")
        for _ in range(20):
            self.ask(rounds=3)
            self.assertFalse(self.holds("controller-0"))
            self.now += TIMING.promise_s

    def test_others_elect_without_it_also_where_a_change_was_begun_that_needs_it(self) -> None:
        holder = self.elect()
        self.unheard = {"controller-1", "host"}
        holder.change({"controller-0", "host"}, {"controller-0"})
        self.now += TIMING.lease_s
        self.ask()
        self.wipe("host")
        self.unheard = set()
        begun = self.now
        while not holder.is_agreed() and self.now < begun + 2 * TIMING.stand_s:
            self.now += TIMING.renew_s
            self.ask()
        self.assertTrue(holder.is_agreed())

    def test_it_learns_from_whoever_is_elected_and_votes_again(self) -> None:
        self.elect()
        self.unheard = {"controller-1"}
        self.wipe("host")
        self.unheard = set()
        self.elect()
        self.assertEqual(self.voters["controller-0"].kept.record, self.voters["host"].kept.record)
        self.assertTrue(self.holds("controller-0"))


class SlowDiskTest(LeaseTest):
    def test_a_vote_that_is_not_stored_is_not_told(self) -> None:
        self.slow = {"controller-1", "host"}
        candidate = self.ask(rounds=3)
        self.assertFalse(self.holds("controller-0"))
        self.now += 0.5
        self.ask()
        self.assertFalse(candidate.is_elected)
        self.store("host")
        self.assertTrue(candidate.is_elected)
        self.assertTrue(self.holds("controller-0"))

    def test_nor_is_its_own(self) -> None:
        self.slow, self.unheard = {"controller-0"}, {"controller-1"}
        candidate = self.ask(rounds=3)
        self.assertFalse(candidate.is_elected)
        self.store("controller-0")
        self.assertTrue(candidate.is_elected)

    def test_a_candidate_that_waits_for_votes_is_not_put_off_by_one_refusal(self) -> None:
        self.voters["controller-1"]._promised_until = self.now + 10
        self.voters["controller-1"].kept = dataclasses.replace(self.voters["controller-1"].kept, holder="controller-1")
        self.slow = {"host"}
        candidate = self.ask(rounds=3)
        self.assertIsNotNone(candidate.term)
        self.store("host")
        self.assertTrue(candidate.is_elected)

    def test_but_by_too_many(self) -> None:
        self.slow = {"controller-1", "host"}
        candidate = self.ask(rounds=2)
        for name in ("controller-1", "host"):
            self.voters[name].kept = lease.Kept(9, "controller-1", RECORD)
            self.voters[name]._promised_until = self.now + 10
        self.ask()
        self.assertIsNone(candidate.term)

    def test_and_hopes_for_nobody_who_never_said_that_it_would_vote(self) -> None:
        self.unheard = {"host"}
        candidate = self.ask()
        assert candidate.term is not None
        # The two stood at the same moment.
        self.voters["controller-1"].kept = lease.Kept(candidate.term, "controller-1", RECORD)
        self.voters["controller-1"]._promised_until = self.now + 10
        self.ask()
        self.assertIsNone(candidate.term)

    def test_and_not_for_ever_by_disks_that_store_nothing(self) -> None:
        self.slow = {"controller-1", "host"}
        candidate = self.ask(rounds=2)
        self.assertIsNotNone(candidate.term)
        self.now += TIMING.stand_s
        # It leaves the others alone until their promises to it are over.
        self.assertIsNone(candidate.request(self.now))
        self.assertGreaterEqual(candidate.wake_at, self.now + TIMING.promise_s)

    def test_the_lease_is_renewed_while_a_change_waits_for_disks(self) -> None:
        holder = self.elect()
        self.slow = set(RECORD.voters)
        holder.change(RECORD.voters, {"controller-0"})
        for _ in range(20):
            self.now += TIMING.renew_s
            self.ask()
            self.assertTrue(self.holds("controller-0"))
        self.assertFalse(holder.is_agreed())
        for name in ("controller-0", "host"):
            self.store(name)
        self.assertTrue(holder.is_agreed())

    def test_who_has_voted_for_another_one_meanwhile_tells_the_first_one_nothing(self) -> None:
        self.slow, self.unheard = {"host"}, {"controller-1"}
        first = self.ask(rounds=2)
        self.now += TIMING.promise_s
        self.unheard = {"controller-0"}
        self.ask("controller-1", 3)
        self.assertEqual("controller-1", self.voters["host"].kept.holder)
        self.store("host")
        self.assertFalse(first.is_elected)
        self.assertTrue(self.candidates["controller-1"].is_elected)

    def test_who_has_promised_before_does_so_in_a_new_term_whatever_its_disk_does(self) -> None:
        holder = self.elect()
        self.slow = set(RECORD.voters)
        self.voters["controller-1"].kept = dataclasses.replace(self.voters["controller-1"].kept, term=9, holder="controller-1")
        self.voters["controller-1"]._promised_until = self.now
        for _ in range(20):
            self.now += TIMING.renew_s
            self.ask()
            self.assertTrue(self.holds("controller-0"))
        self.assertFalse(holder.is_agreed())
        for name in self.slow:
            self.store(name)
        self.slow = set()
        self.ask(rounds=2)
        self.assertTrue(holder.is_agreed())


class LateTest(LeaseTest):
    """A holder that was held up for longer than its lease."""

    def test_goes_on_in_its_term_without_a_word_to_a_disk(self) -> None:
        term = self.elect().term
        self.now += 10
        self.slow = set(RECORD.voters)
        holder = self.ask(rounds=2)
        self.assertTrue(self.holds("controller-0"))
        self.assertEqual(term, holder.term)
        self.assertTrue(holder.is_agreed())

    def test_begins_a_new_one_where_somebody_stood_meanwhile(self) -> None:
        term = self.elect().term
        assert term is not None
        self.now += 10
        self.voters["host"].kept = lease.Kept(term + 1, "controller-1", self.voters["host"].kept.record)
        self.unheard = {"controller-1"}
        holder = self.ask(rounds=4)
        self.assertTrue(self.holds("controller-0"))
        self.assertEqual(term + 2, holder.term)

    def test_has_it_no_longer_where_another_one_was_elected(self) -> None:
        self.elect()
        self.now += 10
        self.unheard = {"controller-0"}
        self.elect("controller-1")
        self.unheard = set()
        self.ask(rounds=4)
        self.assertFalse(self.holds("controller-0"))
        self.assertTrue(self.holds("controller-1"))

    def test_still_needs_the_voters_before_a_change_that_is_not_agreed_on(self) -> None:
        # Three of the five that would vote are not three of the four that do.
        holder = self.elect()
        for name in ("four", "five"):
            self.voters[name] = lease.Voter(name, lease.Kept(), TIMING, 0.0)
        while not holder.change(RECORD.voters | {"four"}, RECORD.eligible):
            self.ask()
        holder.change(RECORD.voters | {"four", "five"}, RECORD.eligible)
        self.unheard = {"controller-1", "host"}
        self.ask()
        self.now += 10
        self.ask(rounds=3)
        self.assertFalse(self.holds("controller-0"))
        self.unheard = {"controller-1"}
        self.ask(rounds=3)
        self.assertTrue(self.holds("controller-0"))

    def test_is_not_put_off_by_one_refusal(self) -> None:
        self.unheard = {"controller-1"}
        term = self.elect().term
        assert term is not None
        # It was cut off, and voted for itself.
        self.voters["controller-1"].kept = lease.Kept(term, "controller-1", RECORD)
        self.now += 10
        self.unheard = set()
        for _ in range(4):
            asked = self.candidates["controller-0"].request(self.now)
            assert asked is not None
            # Its refusal comes first.
            for voter in sorted(asked[1], key=lambda name: (name != "controller-1", name)):
                answer = self.voters[voter].on_request(asked[0], self.now)
                if answer is not None:
                    self.candidates["controller-0"].on_answer(answer, self.now)
                self.store(voter)
            self.now += TIMING.renew_s
        self.assertTrue(self.holds("controller-0"))

    def test_does_not_resume_a_term_of_whose_records_it_does_not_know_all(self) -> None:
        """A holder without a vote of its own: what it changed last is kept by others alone, who are not heard now."""
        only = lease.Record(0, 0, frozenset({"controller-1"}), RECORD.eligible)
        for name in ("controller-0", "controller-1", "host"):
            self.voters[name] = lease.Voter(name, lease.Kept(0, None, only), TIMING, 0.0)
        holder = self.candidates["controller-0"] = lease.Candidate(self.voters["controller-0"], "1", TIMING, random.Random(1))
        holder.trial = frozenset({"host"})
        self.unheard = {"controller-0"}
        self.ask(rounds=3)
        term = holder.term
        assert term is not None
        holder.change({"controller-0", "controller-1", "host"}, {"controller-0"})
        self.unheard = {"controller-0", "controller-1"}
        self.ask()
        changed = self.voters["host"].kept.record
        self.now += 1
        self.unheard = {"controller-0", "host"}
        self.ask(rounds=4)
        self.assertNotEqual(changed.key, self.voters["controller-1"].kept.record.key)
        self.assertGreater(holder.term or 0, term)


class ChangeTest(LeaseTest):
    def wanted(self, *names: str) -> frozenset[str]:
        for name in names:
            if name not in self.voters:
                self.voters[name] = lease.Voter(name, lease.Kept(), TIMING, 0.0)
        return frozenset(names)

    def test_voters_come_and_go_one_at_a_time(self) -> None:
        holder = self.elect()
        wanted = self.wanted("controller-0", "controller-1", "new-1", "new-2")
        seen = [holder.record.voters]
        while not holder.change(wanted, RECORD.eligible):
            if holder.record.voters != seen[-1]:
                seen.append(holder.record.voters)
            self.now += 0.01
            self.ask()
        self.assertEqual(wanted, holder.record.voters)
        self.assertEqual([1, 1, 1], [len(one ^ other) for one, other in itertools.pairwise(seen)])

    def test_a_change_that_no_majority_keeps_is_not_agreed(self) -> None:
        holder = self.elect()
        self.unheard = {"controller-1", "host"}
        holder.change(RECORD.voters, {"controller-0"})
        self.ask(rounds=3)
        self.assertFalse(holder.is_agreed())
        self.unheard = {"controller-1"}
        self.ask()
        self.assertTrue(holder.is_agreed())

    def test_one_that_is_not_eligible_asks_in_vain_and_learns_so(self) -> None:
        holder = self.elect()
        # It was not there when that was agreed on.
        self.unheard = {"controller-1"}
        holder.change(RECORD.voters, {"controller-0"})
        self.ask(rounds=3)
        self.unheard = {"controller-0"}
        self.now += 1
        self.assertIn("controller-1", self.voters["controller-1"].kept.record.eligible)
        self.ask("controller-1", rounds=3)
        self.assertFalse(self.holds("controller-1"))
        self.assertEqual({"controller-0"}, self.voters["controller-1"].kept.record.eligible)

    def test_one_that_hears_nobody_lets_others_have_it(self) -> None:
        deaf = self.elect()
        self.now += TIMING.lease_s
        asked = deaf.request(self.now)
        assert asked is not None
        self.assertTrue(asked[0].is_probe)

    def test_computes_that_are_powered_down_one_by_one_never_stop_it(self) -> None:
        holder = self.elect()
        names = [f"compute-{number}" for number in range(9)]
        everybody = self.wanted(*RECORD.voters, *names)
        while not holder.change(everybody, RECORD.eligible):
            self.ask()
        for name in names:
            self.unheard.add(name)
            everybody -= {name}
            while not holder.change(everybody, RECORD.eligible):
                self.now += 0.01
                self.ask()
                self.assertTrue(self.holds("controller-0"), name)
        self.assertEqual(RECORD.voters, holder.record.voters)
