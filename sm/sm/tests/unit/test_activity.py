# SPDX-License-Identifier: Apache-2.0
"""What a controller makes of the lease, of the other controller, and of its copies of data."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sm import activity, quorum
from sm.activity import Activity, Copies, Facts, Order, Phase
from sm.fencing import FENCING
from sm.group import Side
from sm.service import Status

OWN, PEER = "controller-0", "controller-1"
ALONE, BOTH = frozenset({OWN}), frozenset({OWN, PEER})
WELL = Side(PEER, True, True)


class ActivityTestCase(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.own = Side(OWN, True, True)
        self.activity = Activity(OWN)
        self.orders: list[Order] = []

    def step(self, **facts: Any) -> None:
        wanted = Facts(**{"now": self.now, "own": self.own, "holds": True, **facts})
        self.activity, orders = activity.step(self.activity, wanted)
        self.orders += orders

    def be_active(self) -> None:
        self.step()
        self.step(agreed=ALONE)
        self.step(agreed=ALONE, done=True)
        self.orders.clear()

    def be_together(self) -> None:
        self.be_active()
        self.step(agreed=ALONE, peer=WELL, follows=True)
        self.step(agreed=ALONE, peer=WELL, follows=True, done=True)
        self.step(agreed=BOTH, peer=WELL, follows=True)
        self.orders.clear()


class TakingTest(ActivityTestCase):
    def test_a_controller_is_active_once_the_voters_know_that_it_begins_alone(self) -> None:
        self.step(agreed=BOTH)
        self.assertEqual((Phase.TAKING, ALONE, False), (self.activity.phase, self.activity.eligible, self.activity.is_active))
        self.step(agreed=ALONE)
        self.assertTrue(self.activity.is_active)

    def test_without_the_lease_nobody_is_eligible_by_its_word(self) -> None:
        self.step(holds=False)
        self.assertEqual((Phase.PASSIVE, None, True), (self.activity.phase, self.activity.eligible, self.activity.wants_lease))

    def test_a_lease_that_is_late_for_a_moment_changes_nothing(self) -> None:
        self.be_active()
        self.step(holds=False)
        self.now += activity.GRACE_S / 2
        self.step(holds=False)
        self.assertTrue(self.activity.is_active)
        self.step(agreed=ALONE)
        self.now += activity.GRACE_S
        self.step(holds=False)
        self.assertTrue(self.activity.is_active)
        self.now += activity.GRACE_S
        self.step(holds=False)
        self.assertEqual(Phase.PASSIVE, self.activity.phase)

    def test_one_that_hears_that_the_other_one_is_active_stops_at_once(self) -> None:
        self.be_active()
        self.step(holds=False, peer=WELL, is_peer_active=True)
        self.assertEqual(Phase.PASSIVE, self.activity.phase)


class CopiesTest(ActivityTestCase):
    def test_the_other_controller_is_eligible_when_it_has_caught_up(self) -> None:
        self.be_active()
        self.step(agreed=ALONE, peer=WELL, follows=True)
        self.assertEqual(([Order.ATTACH], ALONE), (self.orders, self.activity.eligible))
        self.step(agreed=ALONE, peer=WELL, follows=True)
        self.assertEqual([Order.ATTACH], self.orders)
        self.step(agreed=ALONE, peer=WELL, follows=True, done=True)
        self.assertEqual((Copies.TOGETHER, BOTH), (self.activity.copies, self.activity.eligible))

    def test_writes_go_on_alone_only_after_the_voters_know(self) -> None:
        self.be_together()
        self.step(agreed=BOTH)
        self.assertEqual((ALONE, []), (self.activity.eligible, self.orders))
        self.step(agreed=None)
        self.assertEqual([], self.orders)
        self.step(agreed=ALONE)
        self.assertEqual([Order.DETACH], self.orders)

    def test_a_copy_that_stopped_following_is_given_up_too(self) -> None:
        for facts in (
            {"follows": False},
            {"follows": True, "is_standalone": True},
            {"follows": True, "peer": Side(PEER, False, True)},
        ):
            self.activity = Activity(OWN)
            self.be_together()
            self.step(**{"agreed": BOTH, "peer": WELL, **facts})
            self.assertEqual(Copies.PARTING, self.activity.copies)

    def test_an_attach_that_fails_is_undone_and_tried_again_later(self) -> None:
        self.be_active()
        facts = {"agreed": ALONE, "peer": WELL, "follows": True}
        self.step(**facts)
        self.step(**facts, done=False)
        self.step(**facts, done=True)
        self.assertEqual([Order.ATTACH, Order.DETACH], self.orders)
        self.step(**facts)
        self.assertEqual(2, len(self.orders))
        self.now += activity.RETRY_S
        self.step(**facts)
        self.assertEqual(Order.ATTACH, self.orders[-1])

    def test_what_cannot_be_let_go_is_tried_until_it_can(self) -> None:
        self.be_together()
        self.step(agreed=BOTH)
        self.step(agreed=ALONE)
        self.step(agreed=ALONE, done=False)
        self.assertEqual([Order.DETACH] * 2, self.orders)
        self.assertEqual(ALONE, self.activity.eligible)


class LeaveTest(ActivityTestCase):
    def leave(self, is_forced: bool = False, **facts: Any) -> str | None:
        wanted = Facts(
            **{"now": self.now, "own": self.own, "holds": True, "agreed": BOTH, "peer": WELL, "follows": True, **facts}
        )
        self.activity, reason = activity.leave(self.activity, wanted, is_forced)
        return reason

    def test_the_lease_is_let_go_when_everything_has_stopped(self) -> None:
        self.be_together()
        self.assertIsNone(self.leave())
        self.step(agreed=BOTH, peer=WELL, follows=True)
        self.assertEqual((Phase.LEAVING, True, False), (self.activity.phase, self.activity.wants_lease, self.activity.is_active))
        self.step(agreed=BOTH, peer=WELL, follows=True, is_stopped=True)
        self.assertEqual((Phase.AWAY, False), (self.activity.phase, self.activity.wants_lease))
        self.step(holds=False, peer=WELL, is_peer_active=True)
        self.assertEqual((Phase.PASSIVE, f"{PEER} is active."), (self.activity.phase, self.activity.result))

    def test_the_activity_comes_back_when_nobody_takes_it(self) -> None:
        self.be_together()
        self.leave()
        self.step(agreed=BOTH, peer=WELL, follows=True, is_stopped=True)
        self.now += activity.AWAY_S
        self.step(holds=False, peer=WELL)
        self.assertEqual((Phase.PASSIVE, True), (self.activity.phase, self.activity.wants_lease))
        self.assertIn("did not become active", self.activity.result)

    def test_the_activity_stays_when_the_other_one_is_lost_or_services_do_not_stop(self) -> None:
        for facts, said in (({"peer": None}, "was lost"), ({"now": 1e9}, "did not stop within 120 s")):
            self.activity = Activity(OWN)
            self.be_together()
            self.leave()
            self.step(**{"agreed": BOTH, "peer": WELL, "follows": True, **facts})
            self.assertIn(said, self.activity.result)
            # What has stopped already begins as anybody does: alone, and only when the voters know.
            self.assertEqual((Phase.TAKING, ALONE), (self.activity.phase, self.activity.eligible))
            self.step(**{"agreed": ALONE, **facts, "peer": None})
            self.assertTrue(self.activity.is_active)
            self.assertEqual([Order.DETACH], self.orders)
            self.orders.clear()

    def test_what_speaks_against_it_is_told(self) -> None:
        self.assertIn("is not active", self.leave() or "")
        self.be_active()
        self.assertIn("There is no other controller", self.leave(peer=None) or "")
        self.assertIn("does not have all data", self.leave(peer=Side(PEER, True, False)) or "")
        self.assertIn("does not have all data", self.leave() or "")
        self.be_together()
        failed = Side(PEER, True, True, (Status.FAILED,))
        self.assertIn("have failed", self.leave(peer=failed) or "")
        self.assertIsNone(self.leave(peer=failed, is_forced=True))

    def test_force_hands_nothing_to_one_that_lacks_data(self) -> None:
        self.be_active()
        self.assertIn("does not have all data", self.leave(peer=Side(PEER, True, False), is_forced=True) or "")

    def test_a_controller_where_services_failed_hands_over_to_one_where_they_have_not(self) -> None:
        self.be_together()
        self.own = dataclasses.replace(self.own, groups=(Status.FAILED,))
        self.step(agreed=BOTH, peer=Side(PEER, True, True, (Status.FAILED,)), follows=True)
        self.assertTrue(self.activity.is_active)
        self.step(agreed=BOTH, peer=WELL, follows=True)
        self.assertEqual(Phase.LEAVING, self.activity.phase)

    def test_a_controller_that_lost_a_network_lets_go_at_once_where_the_other_one_has_it(self) -> None:
        self.be_together()
        self.own = dataclasses.replace(self.own, down=1)
        self.step(agreed=BOTH, peer=dataclasses.replace(WELL, down=1), follows=True)
        self.assertTrue(self.activity.is_active)
        self.step(agreed=BOTH, peer=WELL, follows=True)
        self.assertEqual((Phase.AWAY, False), (self.activity.phase, self.activity.wants_lease))


FACTS = st.builds(
    Facts,
    now=st.floats(0, 1000),
    own=st.builds(Side, st.just(OWN), st.booleans(), st.booleans(), st.lists(st.sampled_from(Status), max_size=2).map(tuple)),
    holds=st.booleans(),
    agreed=st.sampled_from([None, ALONE, BOTH, frozenset({PEER})]),
    peer=st.none() | st.builds(Side, st.just(PEER), st.booleans(), st.booleans()),
    follows=st.booleans(),
    is_peer_active=st.booleans(),
    is_standalone=st.booleans(),
    done=st.none() | st.booleans(),
    is_stopped=st.booleans(),
)


class AnyFactsTest(base.BaseTestCase):
    @given(st.lists(FACTS, max_size=30))
    def test_whatever_happens_nobody_goes_on_alone_before_that_is_agreed(self, history: list[Facts]) -> None:
        mine = Activity(OWN)
        needs_peer = False
        for facts in sorted(history, key=lambda each: each.now):
            before = mine
            mine, orders = activity.step(mine, facts)
            if mine.is_active and not before.is_active and before.phase is not Phase.LEAVING:
                self.assertEqual(ALONE, facts.agreed)
            if Order.DETACH in orders and needs_peer:
                # Either it never got so far that the other one was eligible, or the voters know better.
                self.assertTrue(before.copies in (Copies.ATTACHING, Copies.DETACHING) or facts.agreed == ALONE)
            needs_peer = mine.copies is Copies.TOGETHER or (needs_peer and mine.copies is Copies.PARTING)


class VotersTest(base.BaseTestCase):
    NAMES = st.sets(st.sampled_from([*(f"host-{number}" for number in range(9)), "spare-0", "spare-1"]))

    @given(NAMES, NAMES, st.booleans())
    def test_voters_are_odd_and_few_and_the_active_controller_is_one(
        self, others: set[str], current: set[str], has_peer: bool
    ) -> None:
        spares = {"spare-0", "spare-1"} & current
        found = quorum.wanted(OWN, PEER if has_peer else None, others, current | {OWN, PEER}, spares=spares)
        self.assertEqual(1, len(found) % 2)
        self.assertLessEqual(len(found), quorum.MOST_VOTERS)
        self.assertIn(OWN, found)
        self.assertLessEqual(found - {OWN, PEER}, others | spares)

    def test_two_controllers_need_a_third_voter_to_vote_both(self) -> None:
        self.assertEqual({OWN}, quorum.wanted(OWN, PEER, [], [OWN]))
        self.assertEqual({OWN, PEER, "host-1"}, quorum.wanted(OWN, PEER, ["host-1"], [OWN]))

    def test_a_host_out_of_service_votes_where_nobody_else_could_be_third(self) -> None:
        self.assertEqual({OWN, PEER, "host-1"}, quorum.wanted(OWN, PEER, [], [OWN], spares=["host-1", "host-2"]))
        self.assertEqual({OWN, PEER, "host-2"}, quorum.wanted(OWN, PEER, ["host-2"], [OWN], spares=["host-1"]))
        self.assertEqual({OWN, PEER, FENCING}, quorum.wanted(OWN, PEER, [], [OWN], True, ["host-1"]))
        self.assertEqual({OWN}, quorum.wanted(OWN, None, [], [OWN], spares=["host-1"]))

    def test_voters_stay_while_they_are_heard(self) -> None:
        self.assertEqual({OWN, PEER, "host-7"}, quorum.wanted(OWN, PEER, ["host-1", "host-7"], [OWN, PEER, "host-7"]))
