# SPDX-License-Identifier: Apache-2.0
"""Many hosts that stop answering together, and few."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from mtce.heartbeat.avoidance import Avoidance, Effect, Step

HOSTS = ("compute-0", "compute-1", "compute-2")


def effect(step: Step, *hosts: str) -> Effect:
    return Effect(step, frozenset(hosts))


class AvoidanceTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.avoidance = Avoidance(2, 100.0)

    def test_one_host_on_each_of_two_networks_is_not_many(self) -> None:
        self.assertEqual([], self.avoidance.step({"mgmt": ["compute-0"], "cluster": ["compute-1"]}, 0.0))

    def test_many_enter_others_join_and_leave_and_the_last_one_is_a_case_of_its_own(self) -> None:
        steps = [
            self.avoidance.step({"mgmt": hosts}, now)
            for now, hosts in enumerate((HOSTS[:2], HOSTS[:2], HOSTS, HOSTS[1:], HOSTS[2:], ()))
        ]
        self.assertEqual(
            [
                [effect(Step.ENTER, *HOSTS[:2])],
                [],
                [effect(Step.JOIN, "compute-2")],
                [effect(Step.LEAVE, "compute-0")],
                [effect(Step.LEAVE, "compute-1"), effect(Step.EXIT, "compute-2")],
                [],
            ],
            steps,
        )

    def test_what_lasts_too_long_is_a_failure_of_all_that_are_left(self) -> None:
        self.avoidance.step({"mgmt": HOSTS}, 0.0)
        self.assertEqual([], self.avoidance.step({"mgmt": HOSTS}, 99.9))
        self.assertEqual([effect(Step.EXPIRE, *HOSTS)], self.avoidance.step({"mgmt": HOSTS}, 100.0))
        self.assertFalse(self.avoidance.is_active)

    def test_without_a_limit_it_lasts_as_long_as_they_do_not_answer(self) -> None:
        self.avoidance.timeout_s = 0.0
        self.avoidance.step({"mgmt": HOSTS}, 0.0)
        self.assertEqual([], self.avoidance.step({"mgmt": HOSTS}, 1e9))

    def test_it_can_be_cancelled(self) -> None:
        self.avoidance.step({"mgmt": HOSTS}, 0.0)
        self.assertEqual(frozenset(HOSTS), self.avoidance.cancel())
        self.assertEqual([], self.avoidance.step({"mgmt": HOSTS[:1]}, 1.0))

    @given(
        st.lists(
            st.tuples(st.dictionaries(st.sampled_from(("mgmt", "cluster")), st.sets(st.sampled_from(HOSTS))), st.floats(0, 60))
        )
    )
    def test_whoever_enters_leaves_or_is_told_of_at_the_end(self, history: list[tuple[dict[str, set[str]], float]]) -> None:
        avoidance, now, within = Avoidance(2, 100.0), 0.0, set[str]()
        for ailing, passed in history:
            now += passed
            for each in avoidance.step(ailing, now):
                if each.step in (Step.ENTER, Step.JOIN):
                    self.assertFalse(within & each.hosts)
                    within |= each.hosts
                elif each.step is Step.LEAVE:
                    self.assertLessEqual(each.hosts, within)
                    within -= each.hosts
                else:
                    self.assertEqual(within, each.hosts)
                    within.clear()
            self.assertEqual(within, avoidance.pool)
            if avoidance.is_active:
                self.assertGreaterEqual(max(map(len, ailing.values())), 2)
