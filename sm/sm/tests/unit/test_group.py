# SPDX-License-Identifier: Apache-2.0
"""What services make of their group, and groups of where the activity is."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sm import group
from sm.group import GroupState, Impact, Member, Side
from sm.service import Action, Conf, State, Status, Verb

WEB = Conf("web", {Verb.ENABLE: Action(1)})
DATABASE = Conf("database", {Verb.ENABLE: Action(1), Verb.GO_ACTIVE: Action(1), Verb.GO_STANDBY: Action(1)})


def member(impact: Impact, status: Status = Status.NONE, failed_at: float | None = None) -> Member:
    return Member(WEB, impact, State.ACTIVE, status, failed_at)


class StatusTest(base.BaseTestCase):
    def test_a_failure_counts_as_far_as_its_impact_goes(self) -> None:
        expected = {Impact.NONE: "", Impact.MINOR: "warn", Impact.MAJOR: "degraded", Impact.CRITICAL: "failed"}
        for impact, status in expected.items():
            self.assertEqual(status, group.status([member(impact, Status.FAILED)], 0, 100))

    def test_what_is_less_than_a_failure_stays_less(self) -> None:
        self.assertEqual(Status.WARN, group.status([member(Impact.CRITICAL, Status.WARN)], 0, 100))

    def test_the_worst_member_counts(self) -> None:
        members = [member(Impact.MINOR, Status.FAILED), member(Impact.MAJOR, Status.FAILED), member(Impact.CRITICAL)]
        self.assertEqual(Status.DEGRADED, group.status(members, 0, 100))

    def test_a_failure_is_remembered_for_a_while(self) -> None:
        members = [member(Impact.CRITICAL, failed_at=10.0)]
        self.assertEqual(Status.FAILED, group.status(members, 300, 309))
        self.assertEqual(Status.NONE, group.status(members, 300, 310))


class StateTest(base.BaseTestCase):
    def state(self, desired: State, *states: State) -> GroupState:
        confs = (WEB, DATABASE)
        members = [Member(conf, Impact.CRITICAL, state, Status.NONE) for conf, state in zip(confs, states, strict=True)]
        return group.state(members, desired)

    def test_a_group_is_there_when_all_of_it_is(self) -> None:
        self.assertEqual(GroupState.ACTIVE, self.state(State.ACTIVE, State.ACTIVE, State.ACTIVE))
        self.assertEqual(GroupState.GO_ACTIVE, self.state(State.ACTIVE, State.ACTIVE, State.GO_ACTIVE))
        self.assertEqual(GroupState.DISABLED, self.state(State.DISABLED, State.DISABLED, State.DISABLED))
        self.assertEqual(GroupState.DISABLING, self.state(State.DISABLED, State.DISABLED, State.STANDBY))
        self.assertEqual(GroupState.INITIAL, self.state(State.ACTIVE, State.ACTIVE, State.INITIAL))

    def test_on_standby_what_has_none_is_disabled(self) -> None:
        self.assertEqual(GroupState.STANDBY, self.state(State.STANDBY, State.DISABLED, State.STANDBY))
        self.assertEqual(GroupState.GO_STANDBY, self.state(State.STANDBY, State.ACTIVE, State.STANDBY))


WELL, FAILED = (Status.NONE, Status.NONE), (Status.FAILED, Status.NONE)
SIDES = st.builds(
    Side,
    st.just("controller-1"),
    st.booleans(),
    st.booleans(),
    st.tuples(st.sampled_from(Status), st.sampled_from(Status)),
)


class HandOverTest(base.BaseTestCase):
    def test_a_failed_group_moves_to_a_healthier_controller(self) -> None:
        own = Side("controller-0", True, True, FAILED)
        self.assertTrue(group.should_hand_over(own, Side("controller-1", True, True, WELL)))
        self.assertFalse(group.should_hand_over(own, Side("controller-1", True, True, FAILED)))
        self.assertFalse(group.should_hand_over(own, None))

    def test_a_degraded_group_stays(self) -> None:
        own = Side("controller-0", True, True, (Status.DEGRADED, Status.WARN))
        self.assertFalse(group.should_hand_over(own, Side("controller-1", True, True, WELL)))

    def test_why_a_controller_cannot_have_it_is_told(self) -> None:
        for peer, reason in (
            (None, "no other controller"),
            (Side("controller-1", False, True, WELL), "locked, or not ready"),
            (Side("controller-1", True, False, WELL), "does not have all data"),
            (Side("controller-1", True, True, FAILED), "have failed"),
        ):
            self.assertIn(reason, group.why_not(peer) or "")
        self.assertIsNone(group.why_not(Side("controller-1", True, True, WELL)))

    @given(SIDES, SIDES)
    def test_the_activity_is_not_tossed_back(self, one: Side, other: Side) -> None:
        self.assertFalse(group.should_hand_over(one, other) and group.should_hand_over(other, one))
