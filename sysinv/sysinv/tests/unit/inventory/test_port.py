# SPDX-License-Identifier: Apache-2.0
"""Tests of Ethernet ports."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import pci, port

MAC = "52:54:00:aa:00:01"


class PortTestCase(base.BaseTestCase):
    def test_a_port_is_ethernet(self):
        self.assertTrue(port.is_port("1\n", None))
        self.assertFalse(port.is_port("32", None))
        self.assertFalse(port.is_port(None, None))

    def test_a_virtual_function_is_no_port(self):
        vf = pci.Device("0000:5e:02.0", "020000", "8086", "154c", is_vf=True)
        self.assertFalse(port.is_port("1", vf))

    def test_the_speed_of_a_link_that_is_down_is_unknown(self):
        self.assertEqual([None, None, None, 25000], [port.known_speed(v) for v in (None, -1, 0xFFFFFFFF, 25000)])

    def test_the_boot_port_stands_on_the_command_line(self):
        self.assertEqual(MAC, port.boot_mac("quiet BOOTIF=01-52-54-00-AA-00-01 panic=1"))
        self.assertEqual(MAC, port.boot_mac(f"BOOTIF={MAC}\n"))
        self.assertIsNone(port.boot_mac("root=/dev/sda1"))
        self.assertIsNone(port.boot_mac(None))

    def test_a_record_has_the_attributes_of_the_wire(self):
        card = pci.Device(
            "0000:5e:00.0",
            "020000",
            "8086",
            "158b",
            revision="02",
            total_vfs=64,
            num_vfs=2,
            vfs=("0000:5e:02.0", "0000:5e:02.1"),
            vf_driver="iavf",
            vf_device_id="154c",
        )
        link = port.Link(
            "ens1f0",
            "0000:5e:00.0",
            mac=MAC,
            mtu=9000,
            speed=25000,
            duplex="full",
            autoneg=True,
            link_mode=0,
            dev_id=0,
            driver="i40e",
            numa_node=1,
        )
        names = pci.Names("Ethernet controller", "Intel", "XXV710", "Intel", "Adapter")
        self.assertEqual(
            {
                "type": "ethernet",
                "name": "ens1f0",
                "pciaddr": "0000:5e:00.0",
                "dev_id": 0,
                "pclass": "Ethernet controller",
                "pvendor": "Intel",
                "pdevice": "XXV710",
                "psvendor": "Intel",
                "psdevice": "Adapter",
                "prevision": "02",
                "numa_node": 1,
                "sriov_totalvfs": 64,
                "sriov_numvfs": 2,
                "sriov_vfs_pci_address": "0000:5e:02.0,0000:5e:02.1",
                "sriov_vf_driver": "iavf",
                "sriov_vf_pdevice_id": "154c",
                "driver": "i40e",
                "dpdksupport": True,
                "mac": MAC,
                "mtu": 9000,
                "speed": 25000,
                "link_mode": 0,
                "duplex": "full",
                "autoneg": "Yes",
                "bootp": "True",
                "capabilities": {},
            },
            port.record(link, card, names, MAC),
        )

    def test_a_port_of_another_bus_has_no_pci_attributes(self):
        record = port.record(port.Link("usb0", "1-1:1.0", driver="cdc_ether"), None, None, None)
        self.assertEqual(
            ("1-1:1.0", None, None),
            (record["pciaddr"], record["pclass"], record["sriov_totalvfs"]),
        )
        self.assertEqual((False, None, "False"), (record["dpdksupport"], record["autoneg"], record["bootp"]))

    @given(st.one_of(st.text(), st.text("BOOTIF=01-: af")))
    def test_junk_never_raises(self, output):
        port.boot_mac(output), port.is_port(output, None)
