# SPDX-License-Identifier: Apache-2.0
"""Which management address a host gets, and which one it cannot have."""

import ipaddress
from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import addressing, rules

PLAN = addressing.plan("192.168.204.0/24", 10)


def host(hostname: str | None, personality: str | None = "worker", mgmt_ip: str | None = None) -> dict[str, Any]:
    return {"hostname": hostname, "personality": personality, "mgmt_ip": mgmt_ip}


CONTROLLER = host("controller-0", "controller", "192.168.204.3")


def reasons(plan: addressing.Plan, wanted: dict[str, Any]) -> list[str]:
    return [refusal.reason for refusal in addressing.give(plan, wanted, [CONTROLLER])[1]]


@ddt.ddt
class GiveTest(testing.TestCase):
    @ddt.data(
        ("controller-0", "controller", "192.168.204.3"),
        ("controller-1", "controller", "192.168.204.4"),
        ("compute-0", "worker", "192.168.204.10"),
        ("storage-0", "storage", "192.168.204.10"),
    )
    @ddt.unpack
    def test_controllers_have_their_own_addresses_and_others_begin_at_the_tenth(
        self, hostname: str, personality: str, expected: str
    ) -> None:
        self.assertEqual((expected, []), addressing.give(PLAN, host(hostname, personality), []))

    def test_the_lowest_free_address_is_given(self) -> None:
        others = [CONTROLLER, *(host(f"compute-{number}", mgmt_ip=f"192.168.204.{number}") for number in (10, 11, 13))]
        self.assertEqual("192.168.204.12", addressing.give(PLAN, host("edge"), others)[0])

    def test_what_a_host_has_it_keeps(self) -> None:
        self.assertEqual(("192.168.204.99", []), addressing.give(PLAN, host("edge", mgmt_ip="192.168.204.99"), []))

    def test_a_controller_has_its_own_address_also_when_it_says_so(self) -> None:
        for wanted in (CONTROLLER, host("controller-1", "controller", "192.168.204.4")):
            self.assertEqual((wanted["mgmt_ip"], []), addressing.give(PLAN, wanted, []))

    @ddt.data("10.0.0.9", "192.168.205.1", "192.168.204.0", "192.168.204.255", "fd00::9", "", "x", "192.168.204.1\n")
    def test_an_address_of_elsewhere_is_refused(self, address: str) -> None:
        wanted = host("edge", mgmt_ip=address)
        expected = [f"{address} is not an address for hosts of the management network 192.168.204.0/24."] if address else []
        self.assertEqual(expected, reasons(PLAN, wanted))

    @ddt.data(
        ("edge", "192.168.204.2", "the active controller"),
        ("controller-0", "192.168.204.2", "the active controller"),
        ("edge", "192.168.204.3", "controller-0"),
        ("controller-0", "192.168.204.4", "controller-1"),
        (None, "192.168.204.4", "controller-1"),
    )
    @ddt.unpack
    def test_a_controllers_address_is_refused_to_all_others(self, hostname: str, address: str, owner: str) -> None:
        expected = rules.Refusal(f"The management address {address} is kept for {owner}.", conflict=True)
        self.assertEqual([expected], addressing.give(PLAN, host(hostname, mgmt_ip=address), [])[1])

    def test_a_network_that_is_full_is_a_conflict(self) -> None:
        small = addressing.plan("10.0.0.0/28", 10)
        others = [host(f"compute-{number}", mgmt_ip=f"10.0.0.{number}") for number in range(10, 15)]
        self.assertEqual("10.0.0.14", addressing.give(small, host("edge"), others[:4])[0])
        expected = [rules.Refusal("The management network 10.0.0.0/28 has no free address for it.", conflict=True)]
        self.assertEqual((None, expected), addressing.give(small, host("edge"), others))

    def test_a_network_of_version_6_has_more_than_enough(self) -> None:
        wide = addressing.plan("fd00::/64", 10)
        self.assertEqual("fd00::3", addressing.give(wide, host("controller-0", "controller"), [])[0])
        self.assertEqual("fd00::b", addressing.give(wide, host("edge"), [host("compute-0", mgmt_ip="fd00::a")])[0])
        self.assertEqual(("fd00::99", []), addressing.give(wide, host("edge", mgmt_ip="FD00:0::99"), []))


@ddt.ddt
class PlanTest(testing.TestCase):
    @ddt.data(
        ("192.168.204.1/24", 10, "has host bits set. A subnet is written like 192.168.204.0/24."),
        ("somewhere", 10, "A subnet is written like 192.168.204.0/24."),
        ("10.0.0.0/30", 10, "10.0.0.0/30 has no room for two controllers and their common address"),
        ("10.0.0.0/28", 15, "10.0.0.0/28 has no room for hosts from its address number 15 on"),
    )
    @ddt.unpack
    def test_what_is_no_subnet_for_hosts_is_told(self, subnet: str, start: int, expected: str) -> None:
        error = self.assertRaises(ValueError, addressing.plan, subnet, start)
        self.assertIn(expected, str(error))

    def test_the_smallest_has_room_for_one(self) -> None:
        self.assertEqual("10.0.0.6", addressing.give(addressing.plan("10.0.0.0/29", 6), host("edge"), [])[0])


class AnyOrderTest(testing.TestCase):
    """Whatever comes and goes, every host has an address of its own, in the network."""

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(["10.0.0.0/28", "10.9.0.0/16", "fd00::/64"]), st.lists(st.integers(0, 7), max_size=30))
    def test_no_two_hosts_share_an_address(self, subnet: str, steps: list[int]) -> None:
        plan = addressing.plan(subnet, 5)
        hosts: dict[int, dict[str, Any]] = {}
        for step in steps:
            if step in hosts:
                del hosts[step]
                continue
            wanted = host(f"controller-{step}", "controller") if step < 2 else host(f"compute-{step}")
            address, refusals = addressing.give(plan, wanted, list(hosts.values()))
            self.assertEqual([], refusals)
            hosts[step] = {**wanted, "mgmt_ip": address}
            found = [ipaddress.ip_address(each["mgmt_ip"]) for each in hosts.values()]
            self.assertEqual(len(found), len(set(found)))
            self.assertTrue(all(each in plan.subnet for each in found))
            # Each could have been chosen by an operator too.
            self.assertEqual((address, []), addressing.give(plan, hosts[step], []))

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=20), st.sampled_from([None, "edge", "controller-0"]))
    def test_any_text_for_an_address_gets_an_answer(self, address: str, hostname: str | None) -> None:
        _, refusals = addressing.give(PLAN, host(hostname, mgmt_ip=address), [])
        for refusal in refusals:
            self.assertTrue(refusal.reason.endswith("."))
