# SPDX-License-Identifier: Apache-2.0
"""/v1/inodes by requests (spec sysinv.md 1.7.3)."""

from sysinv.tests.unit.api.v1 import resources


class NodeTest(resources.ResourceTest):
    collection = "inodes"
    kind = "numa"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_node_has_the_published_fields(self) -> None:
        shown = self.assert_shown(
            {"numa_node", "capabilities", "ihost_uuid", "forihostid", "icpus", "imemorys", "ports"},
            {"numa_node": 0, "capabilities": {}, "forihostid": self.controller["id"]},
        )
        for name in ("icpus", "imemorys", "ports"):
            self.assert_links(f"inodes/{shown['uuid']}/{name}", shown[name])

    def test_a_node_has_its_cpus_memory_and_ports(self) -> None:
        first, second = [item["uuid"] for item in self.items()]
        for name, counts in (("icpus", (3, 1)), ("imemorys", (1, 1)), ("ports", (1, 1))):
            found = [self.listed(f"/v1/inodes/{node}/{name}") for node in (first, second)]
            self.assertEqual(counts, tuple(len(items) for items in found), name)
            self.assertEqual(self.items(collection=name), sorted(found[0] + found[1], key=self.items(collection=name).index))

    def test_a_node_that_is_not_there_has_no_parts(self) -> None:
        for name in ("icpus", "imemorys", "ports"):
            self.assert_refused(404, "nothing", self.rest.get(f"/v1/inodes/nothing/{name}"))
            self.assert_refused(403, f"/v1/{name}/x", self.rest.get(f"/v1/inodes/{self.items()[0]['uuid']}/{name}/x"))
