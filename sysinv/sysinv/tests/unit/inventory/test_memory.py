# SPDX-License-Identifier: Apache-2.0
"""Tests of memory and huge pages."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import memory
from sysinv.tests.unit.inventory import sample

MIB = 1024
GIB = 1024 * MIB


def _record(total_gib=64, free_gib=10, pages_2m=None, pages_1g=None, **amounts):
    pages = {memory.SIZE_2M_KIB: pages_2m, memory.SIZE_1G_KIB: pages_1g}
    meminfo = {"MemTotal": total_gib * GIB, "MemFree": free_gib * GIB, **amounts}
    return memory.record(0, meminfo, {size: had for size, had in pages.items() if had})


class MemoryTestCase(base.BaseTestCase):
    def test_amounts_of_the_whole_machine_are_read(self):
        amounts = memory.parse_meminfo(sample("meminfo"))
        self.assertEqual((1499404, 1225572), (amounts["MemTotal"], amounts["MemAvailable"]))

    def test_amounts_of_a_node_are_read(self):
        amounts = memory.parse_meminfo(sample("node1-meminfo"))
        self.assertEqual((727464, 6784), (amounts["MemTotal"], amounts["Active(file)"]))

    def test_a_node_without_a_figure_for_available_memory_adds_what_can_be_reclaimed(self):
        node = memory.record(1, memory.parse_meminfo(sample("node1-meminfo")), {})
        self.assertEqual((640656 + 6784 + 11040 + 3212) // MIB, node["memavail_mib"])

    def test_free_huge_pages_are_available(self):
        node = _record(free_gib=10, MemAvailable=12 * GIB, pages_2m=memory.Pages(2048, 1024))
        self.assertEqual(14 * 1024, node["memavail_mib"])

    def test_4k_pages_are_what_huge_pages_leave(self):
        node = _record(64, pages_2m=memory.Pages(512, 0), pages_1g=memory.Pages(3, 3))
        self.assertEqual((64 - 1 - 3) * GIB // 4, node["vm_hugepages_nr_4K"])
        self.assertEqual((512, 0), (node["vm_hugepages_nr_2M"], node["vm_hugepages_avail_2M"]))
        self.assertEqual((3, 3), (node["vm_hugepages_nr_1G"], node["vm_hugepages_avail_1G"]))
        self.assertIs(True, node["hugepages_configured"])

    def test_pages_of_a_size_that_the_cpu_lacks_are_impossible(self):
        node = _record(64, pages_2m=memory.Pages(0, 0))
        self.assertEqual((32 * 1024, 0), (node["vm_hugepages_possible_2M"], node["vm_hugepages_possible_1G"]))
        self.assertEqual((False, False), (node["vm_hugepages_use_1G"], node["hugepages_configured"]))

    def test_a_node_without_memory_has_nothing(self):
        node = _record(0, 0, pages_2m=memory.Pages(0, 0), pages_1g=memory.Pages(0, 0))
        self.assertEqual((0, 0), (node["memtotal_mib"], node["vm_hugepages_possible_1G"]))

    def test_one_unreadable_count_leaves_the_others(self):
        node = _record(64, pages_2m=memory.Pages(None, 5), pages_1g=memory.Pages(1, 1))
        unknown = {name for name, value in node.items() if value is None}
        wanted = {
            "vm_hugepages_nr_2M",
            "vm_hugepages_nr_4K",
            "hugepages_configured",
            "vswitch_hugepages_reqd",
        }
        self.assertEqual(wanted, unknown)

    def test_nothing_readable_gives_a_record_of_the_node_alone(self):
        node = memory.record(3, {}, {})
        self.assertEqual((3, None, None), (node["numa_node"], node["memtotal_mib"], node["memavail_mib"]))

    def test_page_sizes_stand_in_the_names_of_their_folders(self):
        self.assertEqual(2048, memory.page_size_kib("hugepages-2048kB"))
        self.assertIsNone(memory.page_size_kib("hugepages"))

    @given(st.one_of(st.text(), st.from_regex(r"(Node 0 )?[A-Za-z()]+: +[0-9]+ kB\n?")))
    def test_junk_never_raises(self, output):
        memory.record(0, memory.parse_meminfo(output), {})
        memory.page_size_kib(output)
