# SPDX-License-Identifier: Apache-2.0
"""/v1/imemorys by requests (spec sysinv.md 1.7.3)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class MemoryTest(resources.ResourceTest):
    collection = "imemorys"
    kind = "memory"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_memory_has_the_published_fields(self) -> None:
        self.assert_shown(
            {
                "numa_node",
                "memtotal_mib",
                "memavail_mib",
                "node_memtotal_mib",
                "platform_reserved_mib",
                "minimum_platform_reserved_mib",
                "hugepages_configured",
                "vswitch_hugepages_size_mib",
                "vswitch_hugepages_reqd",
                "vswitch_hugepages_nr",
                "vswitch_hugepages_avail",
                "vm_hugepages_nr_4K",
                "vm_hugepages_nr_2M",
                "vm_hugepages_avail_2M",
                "vm_hugepages_nr_2M_pending",
                "vm_hugepages_possible_2M",
                "vm_hugepages_nr_1G",
                "vm_hugepages_avail_1G",
                "vm_hugepages_nr_1G_pending",
                "vm_hugepages_possible_1G",
                "vm_hugepages_use_1G",
                "capabilities",
                "ihost_uuid",
                "inode_uuid",
                "forihostid",
            },
            {
                "memtotal_mib": 32000,
                "platform_reserved_mib": 0,
                "minimum_platform_reserved_mib": 2000,
                "vm_hugepages_nr_2M": 100,
                "vm_hugepages_nr_2M_pending": None,
            },
        )

    def test_booleans_are_texts(self) -> None:
        shown = self.items()[0]
        self.assertEqual(("True", "True"), (shown["hugepages_configured"], shown["vm_hugepages_use_1G"]))


class WithoutWorkerTest(base.RestTest):
    bootstrap = {"system_type": "Standard"}

    def test_a_host_that_carries_no_vms_reserves_nothing(self) -> None:
        self.report(self.host()["uuid"])
        self.assertEqual([0, 0], [item["minimum_platform_reserved_mib"] for item in self.listed("/v1/ihosts/1/imemorys")])
