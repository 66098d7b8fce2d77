# SPDX-License-Identifier: Apache-2.0
"""Which hosts a lab has, and where they are."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab import topology

NUMBERS = st.integers(0, topology.MOST_HOSTS // 2)


class MakeTest(base.BaseTestCase):
    def test_a_simplex_is_one_controller(self) -> None:
        self.assertEqual(["controller-0"], [host.name for host in topology.make("simplex").hosts])

    def test_others_have_two_controllers_and_the_hosts_that_are_asked_for(self) -> None:
        names = [host.name for host in topology.make("standard", computes=2, storages=1).hosts]
        self.assertEqual(["controller-0", "controller-1", "compute-0", "compute-1", "storage-0"], names)

    def test_what_a_shape_cannot_have_is_refused(self) -> None:
        for arguments, text in (
            (("simplex", 1), "one host only"),
            (("duplex", 1, 1), "no storage hosts"),
            (("standard", -1), "cannot be negative"),
            (("standard", 1000), "`stx lab simulate`"),
            (("ring",), "choose from simplex, duplex, standard"),
        ):
            refused = self.assertRaises(topology.TopologyError, topology.make, *arguments)
            self.assertIn(text, str(refused))

    def test_an_unknown_host_is_told_with_those_that_there_are(self) -> None:
        refused = self.assertRaises(topology.UnknownHostError, topology.make("simplex").host, "controller-9")
        self.assertIn("There are: controller-0.", str(refused))

    @given(NUMBERS, NUMBERS)
    def test_no_two_ports_or_boards_share_an_address(self, computes: int, storages: int) -> None:
        hosts = topology.make("standard", computes, storages).hosts
        for network in topology.NETWORKS:
            here = [host for host in hosts if network in host.networks()]
            addresses = {topology.floating_address(network), *(host.address(network) for host in here)}
            if network == "oam":
                addresses |= {host.board_address for host in hosts}
                self.assertEqual(1 + len(here) + len(hosts), len(addresses))
            else:
                self.assertEqual(1 + len(here), len(addresses))
            self.assertTrue(all(ipaddress.ip_address(address) in topology.SUBNETS[network] for address in addresses))
            self.assertEqual(len(here), len({host.mac(network) for host in here}))

    def test_a_host_is_installed_over_the_card_that_it_is_managed_over(self) -> None:
        host = topology.make("simplex").hosts[0]
        self.assertEqual(host.mac("mgmt"), host.mac("pxeboot"))
        self.assertNotEqual(host.mac("mgmt"), host.mac("cluster"))
