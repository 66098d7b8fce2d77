# SPDX-License-Identifier: Apache-2.0
"""What the agent of a lab's host reports: a made-up server around the host's own ports."""

import json
import pathlib

import fixtures
from oslotest import base

from stxlab import hardware, hostagent

MAC, OTHER_MAC = "02:4c:ab:00:00:02", "02:4c:ab:01:00:02"
SERVER = 3


class CollectTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.settings, self.devices = directory / "hardware.json", directory / "net"
        self.settings.write_text(json.dumps({"server": SERVER}))
        # As in a container, whose kernel knows many devices that are no ports of the host.
        for name, mac, mtu in (("cluster", OTHER_MAC, 9000), ("lo", "00:00:00:00:00:00", 65536), ("mgmt", MAC, 1500)):
            (self.devices / name).mkdir(parents=True)
            (self.devices / name / "address").write_text(f"{mac}\n")
            (self.devices / name / "mtu").write_text(f"{mtu}\n")

    def collect(self) -> dict[str, list[hardware.Record]]:
        return hostagent.collect(self.settings, self.devices)

    def test_the_first_ports_are_the_hosts_own_the_managed_one_first(self) -> None:
        found = [(port["name"], port["mac"], port["mtu"]) for port in self.collect()["port"]]
        self.assertEqual([("mgmt", MAC, 1500), ("cluster", OTHER_MAC, 9000)], found[:2])
        self.assertEqual(len(hardware.server(SERVER, MAC)["port"]), len(found))

    def test_all_but_the_ports_is_the_server_that_the_host_is_said_to_be(self) -> None:
        found, server = self.collect(), hardware.server(SERVER, MAC)
        self.assertEqual({**server, "port": []}, {**found, "port": []})

    def test_it_is_looked_at_anew_each_time(self) -> None:
        before = self.collect()
        self.settings.write_text(json.dumps({"server": SERVER + 1}))
        self.assertNotEqual(before["disk"], self.collect()["disk"])

    def test_a_port_that_is_not_there_is_not_reported(self) -> None:
        (self.devices / "cluster" / "address").unlink()
        (self.devices / "cluster" / "mtu").unlink()
        (self.devices / "cluster").rmdir()
        self.assertNotIn("cluster", [port["name"] for port in self.collect()["port"]])


class WithPortsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = hardware.server(SERVER, MAC)

    def test_a_port_keeps_its_card_and_gets_what_the_host_knows_better(self) -> None:
        made = hostagent.with_ports(self.server, [{"name": "mgmt", "mac": OTHER_MAC, "mtu": 1400}])
        card = self.server["port"][0]
        self.assertEqual({**card, "name": "mgmt", "mac": OTHER_MAC, "mtu": 1400}, made["port"][0])
        self.assertEqual(self.server["port"][1:], made["port"][1:])

    def test_a_server_has_no_more_ports_than_it_has_cards(self) -> None:
        cards = len(self.server["port"])
        ports = [{"name": f"port{number}", "mac": MAC} for number in range(cards + 2)]
        self.assertEqual([f"port{number}" for number in range(cards)], names(hostagent.with_ports(self.server, ports)))

    def test_the_server_itself_is_not_changed(self) -> None:
        before = names(self.server)
        hostagent.with_ports(self.server, [{"name": "mgmt"}])
        self.assertEqual(before, names(self.server))


def names(server: dict[str, list[hardware.Record]]) -> list[str]:
    return [port["name"] for port in server["port"]]
