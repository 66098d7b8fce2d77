# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about ports and PCI devices."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class PortTest(cli.CliTest):
    def test_ports_have_the_published_columns(self) -> None:
        (port,) = self.done(self.system("host-port-list", "1", "-f", "json")).json
        self.assertEqual(
            {
                "uuid": data.PORTS[0]["uuid"],
                "name": "enp0s3",
                "type": "ethernet",
                "pci address": "0000:00:03.0",
                "device": 0,
                "processor": 0,
                "accelerated": True,
                "device type": "82540EM [100e]",
            },
            port,
        )

    def test_port_is_shown(self) -> None:
        shown = self.done(self.system("host-port-show", "1", "enp0s3", "-f", "json")).json
        self.assertEqual(("enp0s3", True, data.HOST_UUID), tuple(shown[name] for name in ("name", "accelerated", "host_uuid")))


class EthernetPortTest(cli.CliTest):
    def test_ports_have_the_published_columns_and_their_display_name(self) -> None:
        (port,) = self.done(self.system("host-ethernet-port-list", "1", "-f", "json")).json
        self.assertEqual(
            {
                "uuid": data.PORTS[0]["uuid"],
                "name": "eth-front",
                "mac address": "52:54:00:00:00:01",
                "pci address": "0000:00:03.0",
                "processor": 0,
                "auto neg": "Yes",
                "device type": "82540EM [100e]",
                "boot i/f": True,
            },
            port,
        )

    def test_port_is_shown_by_either_name(self) -> None:
        for name in ("enp0s3", "eth-front"):
            shown = self.done(self.system("host-ethernet-port-show", "1", name, "-f", "json")).json
            self.assertEqual((1500, "52:54:00:00:00:01"), (shown["mtu"], shown["mac address"]))


class DeviceTest(cli.CliTest):
    def addresses(self, *options: str) -> list[str]:
        found = self.done(self.system("host-device-list", "1", *options, "-f", "json")).json
        return [device["address"] for device in found]

    def test_only_enabled_devices_are_listed_unless_all_are_wanted(self) -> None:
        self.assertEqual(["0000:00:08.0"], self.addresses())
        for option in ("-a", "--all"):
            self.assertEqual(["0000:00:08.0", "0000:00:09.0"], self.addresses(option))

    def test_devices_have_the_published_columns(self) -> None:
        self.assertEqual(
            [
                "name",
                "address",
                "class id",
                "vendor id",
                "device id",
                "class name",
                "vendor name",
                "device name",
                "numa_node",
                "enabled",
            ],
            self.done(self.system("host-device-list", "1")).rows[0],
        )

    def test_device_is_shown_by_name_or_address(self) -> None:
        for name in ("0000:00:09.0", data.DEVICES[1]["name"]):
            shown = self.done(self.system("host-device-show", "1", name, "-f", "json")).json
            self.assertEqual(("0000:00:09.0", False), (shown["address"], shown["enabled"]))
