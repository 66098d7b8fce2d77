# SPDX-License-Identifier: Apache-2.0
"""/v1/pci_devices by requests (spec sysinv.md 1.7.4)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class PciDeviceTest(resources.ResourceTest):
    collection = "pci_devices"
    kind = "pci"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_device_has_the_published_fields(self) -> None:
        self.assert_shown(
            {
                "type",
                "name",
                "pciaddr",
                "pclass_id",
                "pvendor_id",
                "pdevice_id",
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
                "enabled",
                "extra_info",
                "host_id",
                "host_uuid",
            },
            {**base.INVENTORY["pci"][0], "name": "pci_0000_09_00_0", "enabled": False, "type": "pci-sriov"},
        )

    def test_a_device_without_virtual_functions_is_passed_through(self) -> None:
        self.report(self.controller["uuid"], {"pci": [{"pciaddr": "0000:09:00.0", "sriov_totalvfs": None}]})
        self.assertEqual("pci-passthrough", self.items()[0]["type"])
