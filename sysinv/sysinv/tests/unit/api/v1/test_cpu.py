# SPDX-License-Identifier: Apache-2.0
"""/v1/icpus by requests (spec sysinv.md 1.7.3)."""

from sysinv.tests.unit.api.v1 import resources


class CpuTest(resources.ResourceTest):
    collection = "icpus"
    kind = "cpu"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_cpu_has_the_published_fields(self) -> None:
        self.assert_shown(
            {
                "cpu",
                "core",
                "thread",
                "cpu_family",
                "cpu_model",
                "numa_node",
                "allocated_function",
                "capabilities",
                "ihost_uuid",
                "inode_uuid",
                "forihostid",
            },
            {
                "cpu": 0,
                "core": 0,
                "thread": 0,
                "cpu_family": "6",
                "cpu_model": "Xeon",
                "numa_node": 0,
                "allocated_function": "Platform",
                "capabilities": {},
                "inode_uuid": self.items(collection="inodes")[0]["uuid"],
            },
        )

    def test_cpus_are_sorted_as_asked(self) -> None:
        found = self.listed("/v1/ihosts/1/icpus", sort_key="cpu", sort_dir="desc")
        self.assertEqual([3, 2, 1, 0], [item["cpu"] for item in found])
