# SPDX-License-Identifier: Apache-2.0
"""The lease among real processes, networks and kernels: two controllers and a host that votes."""

import os
import signal

from sm.tests.functional import network, node
from sm.tests.functional.network import wait_for

FLOATING = node.FLOATING


class TakeoverTest(network.NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, host in self.there.hosts.items():
            if host.process is None:
                self.there.power_on(name)
        wait_for("somebody who is active", lambda: self.there.answers(FLOATING))

    def active(self) -> str:
        found = [name for name in node.CONTROLLERS if self.there.has_floating(name, FLOATING)]
        self.assertEqual(1, len(found), found)
        return found[0]

    def await_other(self, before: str) -> None:
        wait_for("somebody else", lambda: self.there.has_floating(other(before), FLOATING))
        wait_for("an answer", lambda: self.there.answers(FLOATING))

    def assert_answers(self) -> None:
        self.assertTrue(self.there.answers(FLOATING, network.IN_ANY_CASE_S))

    def signal(self, name: str, number: signal.Signals) -> None:
        process = self.there.hosts[name].process
        assert process is not None
        os.kill(process.pid, number)

    def test_the_other_controller_takes_over_when_one_loses_its_power(self) -> None:
        before = self.active()
        self.there.power_off(before)
        wait_for("the other one", lambda: self.there.answers(FLOATING))
        self.assertEqual(other(before), self.active())

    def test_a_process_that_freezes_is_shut_off_by_its_kernel_and_stays_so_when_it_thaws(self) -> None:
        before = self.active()
        self.signal(before, signal.SIGSTOP)
        try:
            self.await_other(before)
            # Its address is there still, and nothing gets to it.
            self.assertTrue(self.there.has_floating(before, FLOATING))
            self.there.cut(other(before), "mgmt")
            self.there.forget("mgmt")
            self.assertFalse(self.there.answers(FLOATING, network.IN_ANY_CASE_S))
            self.there.cut(other(before), "mgmt", is_up=True)
        finally:
            self.signal(before, signal.SIGCONT)
        wait_for("the address taken off", lambda: not self.there.has_floating(before, FLOATING))
        wait_for("an answer", lambda: self.there.answers(FLOATING))

    def test_one_that_is_told_to_stop_hands_over_at_once(self) -> None:
        before = self.active()
        self.signal(before, signal.SIGTERM)
        wait_for("the other one", lambda: self.there.has_floating(other(before), FLOATING))
        self.there.power_off(before)
        # Neighbours are told a moment after the address is there.
        wait_for("an answer", lambda: self.there.answers(FLOATING))

    def test_one_network_of_two_is_enough(self) -> None:
        before = self.active()
        for name in node.CONTROLLERS:
            self.there.cut(name, "cluster")
        try:
            for _ in range(100):
                self.assert_answers()
            self.assertEqual(before, self.active())
        finally:
            for name in node.CONTROLLERS:
                self.there.cut(name, "cluster", is_up=True)

    def test_one_that_is_cut_off_is_passive_and_the_other_one_active(self) -> None:
        before = self.active()
        for name in network.NETWORKS:
            self.there.cut(before, name)
        try:
            wait_for("the other one", lambda: self.there.has_floating(other(before), FLOATING))
            wait_for("the address taken off", lambda: not self.there.has_floating(before, FLOATING))
        finally:
            for name in network.NETWORKS:
                self.there.cut(before, name, is_up=True)

    def test_without_a_majority_nobody_is_active(self) -> None:
        before = self.active()
        for name in ("compute-0", other(before)):
            self.there.power_off(name)
        wait_for("an end", lambda: not self.there.answers(FLOATING))
        wait_for("the address taken off", lambda: not self.there.has_floating(before, FLOATING))
        self.there.power_on("compute-0")
        wait_for("somebody who is active", lambda: self.there.answers(FLOATING))


def other(name: str) -> str:
    return next(found for found in sorted(node.CONTROLLERS) if found != name)
