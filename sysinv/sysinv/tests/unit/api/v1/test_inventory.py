# SPDX-License-Identifier: Apache-2.0
"""What the resources of a host's inventory have in common, where it is not shown with each of them."""

from sysinv.api.v1 import host
from sysinv.db import api as db_api
from sysinv.tests.unit import base


class InventoryTest(base.RestTest):
    def test_a_host_that_has_not_reported_has_empty_lists(self) -> None:
        shown = self.rest.get("/v1/ihosts/controller-0").json
        for name in host._SUBRESOURCES:
            self.assertEqual([], self.listed(f"/v1/ihosts/controller-0/{name}"))
            self.assert_links(f"ihosts/{shown['uuid']}/{name}", shown[name])

    def test_every_kind_of_inventory_has_its_path(self) -> None:
        self.report(self.host()["uuid"])
        self.store_sensors(self.host()["uuid"])
        counts = {name: len(self.listed(f"/v1/{name}")) for name in host._SUBRESOURCES}
        expected = {
            "inodes": 2,
            "icpus": 4,
            "imemorys": 2,
            "idisks": 2,
            "partitions": 2,
            "ports": 2,
            "ethernet_ports": 2,
            "pci_devices": 1,
            "lldp_agents": 1,
            "lldp_neighbours": 1,
            "isensors": 3,
            "isensorgroups": 2,
        }
        self.assertEqual(expected, counts)
        self.assertEqual(len(db_api.TABLES), len(set(expected) - {"ethernet_ports"}))

    def test_the_inventory_goes_with_the_host(self) -> None:
        made = self.create()
        self.report(made["uuid"])
        self.rest.request("DELETE", "/v1/ihosts/compute-0")
        for name in host._SUBRESOURCES:
            self.assertEqual([], self.listed(f"/v1/{name}"))
            self.assert_refused(404, "There is no host compute-0.", self.rest.get(f"/v1/ihosts/compute-0/{name}"))
