# SPDX-License-Identifier: Apache-2.0
"""Made-up servers."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab import hardware

KINDS = {"numa", "cpu", "memory", "disk", "partition", "port", "pci", "lldp_agent", "lldp_neighbour"}


class ServerTest(base.BaseTestCase):
    @given(st.integers(0, 10_000))
    def test_a_server_is_whole_and_the_same_for_the_same_seed(self, seed: int) -> None:
        server = hardware.server(seed, "02:4c:ac:00:00:01")
        self.assertEqual(server, hardware.server(seed, "02:4c:ac:00:00:01"))
        self.assertEqual(KINDS, set(server))
        nodes = {node["numa_node"] for node in server["numa"]}
        for kind in ("cpu", "memory", "port", "pci"):
            self.assertLessEqual({record["numa_node"] for record in server[kind]}, nodes)
        self.assertEqual("02:4c:ac:00:00:01", server["port"][0]["mac"])
        for kind, key in (("cpu", "cpu"), ("disk", "device_path"), ("port", "name"), ("port", "mac"), ("pci", "pciaddr")):
            self.assertEqual(len(server[kind]), len({record[key] for record in server[kind]}), (kind, key))

    def test_servers_differ(self) -> None:
        serials = {hardware.server(seed, "02:4c:ac:00:00:01")["disk"][0]["serial_id"] for seed in range(50)}
        self.assertEqual(50, len(serials))
