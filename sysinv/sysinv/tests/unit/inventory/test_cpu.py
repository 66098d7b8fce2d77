# SPDX-License-Identifier: Apache-2.0
"""Tests of the processors."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import cpu
from sysinv.tests.unit.inventory import sample


def _places(table):
    records = cpu.records(cpu.parse_table(table), None, None)
    return [(record["cpu"], record["numa_node"], record["core"], record["thread"]) for record in records]


class CpuTestCase(base.BaseTestCase):
    def test_cores_are_numbered_within_their_socket_and_threads_within_their_core(self):
        self.assertEqual(
            [(0, 0, 0, 0), (1, 0, 0, 1), (2, 0, 1, 0), (3, 0, 1, 1)] + [(4, 1, 0, 0), (5, 1, 0, 1), (6, 1, 1, 0), (7, 1, 1, 1)],
            _places(sample("lscpu.csv")),
        )

    def test_siblings_need_not_be_neighbours_nor_sockets_contiguous(self):
        table = "0,0,0,0\n1,1,1,1\n2,2,0,0\n3,3,1,1\n4,0,0,0\n5,1,1,1\n6,2,0,0\n7,3,1,1\n"
        self.assertEqual(
            [(0, 0, 0, 0), (1, 1, 0, 0), (2, 0, 1, 0), (3, 1, 1, 0)] + [(4, 0, 0, 1), (5, 1, 0, 1), (6, 0, 1, 1), (7, 1, 1, 1)],
            _places(table),
        )

    def test_a_socket_of_several_nodes_counts_its_cores_through(self):
        self.assertEqual([(0, 0, 0, 0), (1, 0, 1, 0), (2, 1, 2, 0)], _places("0,0,0,0\n1,1,0,0\n2,2,0,1"))

    def test_columns_that_the_platform_leaves_empty_have_defaults(self):
        self.assertEqual([(0, 0, 0, 0), (1, 0, 1, 0)], _places("# CPU,Core,Socket,Node\n0,,,\n1,,,\n"))

    def test_the_order_of_the_rows_does_not_matter(self):
        rows = sample("lscpu.csv").splitlines()
        self.assertEqual(_places("\n".join(rows)), _places("\n".join(reversed(rows))))

    def test_family_and_model_are_those_of_the_cpu_not_of_its_firmware(self):
        self.assertEqual(("6", "Intel Xeon Processor (Skylake)"), cpu.parse_identity(sample("lscpu.json")))

    def test_family_and_model_are_found_in_a_hierarchy(self):
        output = """{"lscpu": [{"field": "Vendor ID:", "data": "ARM", "children": [
            {"field": "Model name:", "data": "Neoverse-N1"}]}]}"""
        self.assertEqual((None, "Neoverse-N1"), cpu.parse_identity(output))

    def test_a_record_has_the_keys_of_the_wire(self):
        (record,) = cpu.records(cpu.parse_table("0,0,0,0"), "6", "Xeon")
        self.assertEqual(
            {
                "cpu": 0,
                "numa_node": 0,
                "core": 0,
                "thread": 0,
                "cpu_family": "6",
                "cpu_model": "Xeon",
                "capabilities": {},
            },
            record,
        )

    @given(st.one_of(st.text(), st.text("0123456789,-#\n")))
    def test_junk_never_raises(self, output):
        cpu.records(cpu.parse_table(output), *cpu.parse_identity(output))
        cpu.parse_identity('{"lscpu": [{"field": 7}, {"field": "x", "children": [null]}, []]}')
