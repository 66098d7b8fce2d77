# SPDX-License-Identifier: Apache-2.0
"""Which alarms ports and interfaces have."""

from oslotest import base

from mtce.resources import links
from mtce.resources.levels import Severity
from mtce.resources.links import Link


def alarms(networks: dict[str, str], *found: Link) -> dict[tuple[str, str], str]:
    """Those that are on: their severity by id and part of the host."""
    readings = links.readings("compute-0", networks, {link.name: link for link in found})
    return {
        (reading.subject.alarm_id, reading.subject.entity.removeprefix("host=compute-0.")): reading.severity.word
        for reading in readings
        if reading.severity is not Severity.CLEAR
    }


class LinksTest(base.BaseTestCase):
    def test_a_port_without_a_link_takes_its_interface_along(self) -> None:
        expected = {("100.106", "port=eth1"): "major", ("100.107", "interface=eth1"): "critical"}
        self.assertEqual(expected, alarms({"mgmt": "eth0", "oam": "eth1"}, Link("eth0", True), Link("eth1", False)))

    def test_a_device_that_is_not_there_has_no_link(self) -> None:
        expected = {("100.110", "port=eth0"): "major", ("100.111", "interface=eth0"): "critical"}
        self.assertEqual(expected, alarms({"cluster": "eth0"}))

    def test_a_bond_that_has_a_port_left_is_degraded(self) -> None:
        found = (Link("bond0", True), Link("eth0", False, above="bond0"), Link("eth1", True, above="bond0"))
        expected = {("100.108", "port=eth0"): "major", ("100.109", "interface=bond0"): "major"}
        self.assertEqual(expected, alarms({"mgmt": "bond0"}, *found))

    def test_a_bond_without_ports_left_is_lost(self) -> None:
        found = (Link("bond0", True), Link("eth0", False, above="bond0"), Link("eth1", False, above="bond0"))
        self.assertEqual("critical", alarms({"mgmt": "bond0"}, *found)["100.109", "interface=bond0"])

    def test_a_vlan_has_the_ports_of_what_it_is_on(self) -> None:
        found = {
            link.name: link
            for link in (Link("vlan5", True, below="bond0"), Link("bond0", True), Link("eth0", True, above="bond0"))
        }
        self.assertEqual(["eth0"], links.ports("vlan5", found))

    def test_devices_that_are_on_each_other_are_no_trap(self) -> None:
        found = {link.name: link for link in (Link("a", True, below="b"), Link("b", True, below="a"))}
        self.assertEqual(1, len(links.ports("a", found)))

    def test_two_networks_of_one_port_have_alarms_of_their_own(self) -> None:
        found = (Link("vlan5", False, below="eth0"), Link("vlan6", False, below="eth0"), Link("eth0", False))
        self.assertEqual(
            {"100.106", "100.107", "100.108", "100.109"}, {key[0] for key in alarms({"oam": "vlan5", "mgmt": "vlan6"}, *found)}
        )

    def test_all_is_well_where_there_are_links(self) -> None:
        self.assertEqual({}, alarms({"mgmt": "eth0"}, Link("eth0", True)))
