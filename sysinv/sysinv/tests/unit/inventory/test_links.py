# SPDX-License-Identifier: Apache-2.0
"""Tests of what netlink says, on the running machine."""

import json
import subprocess

from oslotest import base

from sysinv.inventory import links, port


class LinksTestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.told = self.tell()

    def tell(self):
        try:
            output = subprocess.check_output(["ip", "-j", "link"], timeout=60)
        except FileNotFoundError:
            self.skipTest("ip is not installed")
        return [link for link in json.loads(output) if "address" in link]

    def test_netlink_knows_address_and_mtu_of_every_device(self):
        found = links.refine([port.Link(link["ifname"], "", link["ifindex"]) for link in self.told])
        # Devices come and go: what others do on this machine may be at it.
        still = self.tell()
        steady = [(link, seen) for link, seen in zip(self.told, found, strict=True) if link in still]
        self.assertIn("lo", [link["ifname"] for link, _ in steady])
        self.assertEqual(
            [(link.get("permaddr", link["address"]), link["mtu"]) for link, _ in steady],
            [(seen.mac, seen.mtu) for _, seen in steady],
        )

    def test_an_equal_name_in_another_namespace_is_another_device(self):
        stranger = port.Link(self.told[0]["ifname"], "", 999999, mac="52:54:00:00:00:01")
        (found,) = links.refine([stranger])
        self.assertEqual("52:54:00:00:00:01", found.mac)

    def test_a_device_that_is_gone_keeps_what_sysfs_said(self):
        gone = port.Link("gone0", "", 7, mac="52:54:00:00:00:01", mtu=1400, speed=10, autoneg=True)
        self.assertEqual([gone], links.refine([gone]))
