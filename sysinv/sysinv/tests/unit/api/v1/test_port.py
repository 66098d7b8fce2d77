# SPDX-License-Identifier: Apache-2.0
"""/v1/ports and /v1/ethernet_ports by requests (spec sysinv.md 1.7.4)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources

_FIELDS = {
    "type",
    "name",
    "namedisplay",
    "pciaddr",
    "dev_id",
    "pclass",
    "pvendor",
    "pdevice",
    "psvendor",
    "psdevice",
    "numa_node",
    "sriov_totalvfs",
    "sriov_numvfs",
    "sriov_vfs_pci_address",
    "driver",
    "dpdksupport",
    "capabilities",
    "host_id",
    "interface_id",
    "host_uuid",
    "interface_uuid",
    "node_uuid",
    "lldp_agents",
    "lldp_neighbours",
}
_ETHERNET_ONLY = {"mac", "mtu", "speed", "link_mode", "duplex", "autoneg", "bootp", "bootif"}


class PortTest(resources.ResourceTest):
    collection = "ports"
    kind = "port"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_port_has_the_published_fields(self) -> None:
        known = {name: value for name, value in base.INVENTORY["port"][0].items() if name not in _ETHERNET_ONLY}
        node = self.items(collection="inodes")[0]["uuid"]
        ours = {"node_uuid": node, "host_id": self.controller["id"], "interface_id": None, "interface_uuid": None}
        shown = self.assert_shown(_FIELDS, {**known, **ours, "namedisplay": None})
        for name in ("lldp_agents", "lldp_neighbours"):
            self.assert_links(f"ports/{shown['uuid']}/{name}", shown[name])

    def test_a_port_has_what_lldp_says(self) -> None:
        first, second = [item["uuid"] for item in self.items()]
        for name in ("lldp_agents", "lldp_neighbours"):
            self.assertEqual(self.items(collection=name), self.listed(f"/v1/ports/{first}/{name}"))
            self.assertEqual([], self.listed(f"/v1/ports/{second}/{name}"))
            self.assert_refused(403, f"/v1/{name}/x", self.rest.get(f"/v1/ports/{first}/{name}/x"))


class EthernetPortTest(resources.ResourceTest):
    collection = "ethernet_ports"
    kind = "port"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_an_ethernet_port_has_the_published_fields(self) -> None:
        self.assert_shown(_FIELDS | _ETHERNET_ONLY, {**base.INVENTORY["port"][0], "bootif": None})

    def test_it_is_the_port_with_more(self) -> None:
        for port, ethernet in zip(self.items(collection="ports"), self.items(), strict=True):
            plain = {name: value for name, value in port.items() if name != "links"}
            self.assertEqual(plain, {name: ethernet[name] for name in plain})
