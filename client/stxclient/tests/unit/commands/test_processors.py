# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about processors, NUMA nodes and memory."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class CpuTest(cli.CliTest):
    def test_processors_are_listed_by_number(self) -> None:
        found = self.done(self.system("host-cpu-list", "controller-0", "-f", "json")).json
        self.assertEqual([0, 2, 10], [cpu["log_core"] for cpu in found])
        self.assertEqual(
            {
                "uuid": data.CPUS[1]["uuid"],
                "log_core": 0,
                "processor": 0,
                "phy_core": 0,
                "thread": 0,
                "processor_model": "Xeon",
                "assigned_function": "Platform",
            },
            found[0],
        )

    def test_processor_is_shown_by_number_or_uuid(self) -> None:
        for wanted in ("10", data.CPUS[0]["uuid"]):
            shown = self.done(self.system("host-cpu-show", "controller-0", wanted, "-f", "json")).json
            self.assertEqual(
                [
                    "logical_core",
                    "processor",
                    "physical_core",
                    "thread",
                    "assigned_function",
                    "processor_model",
                    "processor_family",
                    "capabilities",
                    "uuid",
                    "ihost_uuid",
                    "inode_uuid",
                    "created_at",
                    "updated_at",
                ],
                list(shown),
            )
            self.assertEqual((10, "6", {}), (shown["logical_core"], shown["processor_family"], shown["capabilities"]))

    def test_missing_host_and_missing_processor_are_failures(self) -> None:
        self.fails(self.system("host-cpu-list", "compute-9"), 1, "compute-9")
        self.fails(self.system("host-cpu-show", "controller-0", "99"), 1, "controller-0", "99")


class NodeTest(cli.CliTest):
    def test_nodes_are_listed(self) -> None:
        found = self.done(self.system("host-node-list", "1", "-f", "json")).json
        self.assertEqual([{"uuid": data.NODES[0]["uuid"], "numa_node": 0, "capabilities": {}}], found)

    def test_node_is_shown(self) -> None:
        shown = self.done(self.system("host-node-show", "1", data.NODES[0]["uuid"], "-f", "json")).json
        self.assertEqual((0, data.HOST_UUID), (shown["numa_node"], shown["ihost_uuid"]))


class MemoryTest(cli.CliTest):
    def test_memory_has_the_published_columns(self) -> None:
        found = self.done(self.system("host-memory-list", "1", "-f", "json")).json
        self.assertEqual(
            [
                {
                    "processor": 0,
                    "mem_total(MiB)": 60000,
                    "mem_platform(MiB)": 8000,
                    "mem_avail(MiB)": 58000,
                    "hugepages(hp)_configured": True,
                    "vs_hp_size(MiB)": 1024,
                    "vs_hp_total": 1,
                    "vs_hp_avail": 0,
                    "vm_total_4K": 1000,
                    "vm_hp_total_2M": 20000,
                    "vm_hp_avail_2M": 19999,
                    "vm_hp_pending_2M": None,
                    "vm_hp_total_1G": 4,
                    "vm_hp_avail_1G": 4,
                    "vm_hp_pending_1G": 6,
                    "vm_hp_use_1G": False,
                }
            ],
            found,
        )

    def test_memory_is_shown_by_its_numa_node(self) -> None:
        shown = self.done(self.system("host-memory-show", "1", "0", "-f", "json")).json
        self.assertEqual((26000, 50), (shown["vm_hp_possible_2M"], shown["vm_hp_possible_1G"]))
        self.assertEqual(7000, shown["mem_platform_min(MiB)"])
