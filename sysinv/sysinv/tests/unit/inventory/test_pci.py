# SPDX-License-Identifier: Apache-2.0
"""Tests of PCI devices and their names."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import pci
from sysinv.tests.unit.inventory import sample

PCI_IDS = """\
# A comment, then a vendor

10de  NVIDIA Corporation
\t1eb8  TU104GL [Tesla T4]
\t\t10de 12a2  A subsystem of the vendor's own
8086  Intel Corporation
\t158b  Ethernet Controller XXV710 for 25GbE SFP28
# A comment among devices
\t\t8086 0001  Ethernet Network Adapter XXV710
\t37c8  C62x Chipset QuickAssist Technology

C 02  Network controller
\t00  Ethernet controller
C 03  Display controller
\t02  3D controller
C 0b  Processor
\t40  Co-processor
"""


def _device(class_id="030200", vendor="10de", device="1eb8", **attributes):
    return pci.Device("0000:3b:00.0", class_id, vendor, device, **attributes)


def _names(device, pci_ids=PCI_IDS):
    return pci.names_from_ids([device], pci_ids)[device.address]


class NamesTestCase(base.BaseTestCase):
    def test_lspci_names_every_function(self):
        names = pci.parse_lspci(sample("lspci.txt"))
        self.assertEqual(
            pci.Names(
                "Ethernet controller",
                "Intel Corporation",
                "82574L Gigabit Network Connection",
                "Intel Corporation",
                "82574L Gigabit Network Connection",
            ),
            names["0000:01:00.0"],
        )
        self.assertEqual(20, len(names))

    def test_a_device_of_lspci_may_have_no_subsystem(self):
        names = pci.parse_lspci("Slot:\t0000:00:00.0\nClass:\tHost bridge\nVendor:\tIntel\nDevice:\tDevice 0d57\n")
        self.assertEqual(pci.Names("Host bridge", "Intel", "Device 0d57"), names["0000:00:00.0"])

    def test_pci_ids_names_class_vendor_device_and_subsystem(self):
        card = _device("020000", "8086", "158b", subvendor_id="8086", subdevice_id="0001")
        self.assertEqual(
            pci.Names(
                "Ethernet controller",
                "Intel Corporation",
                "Ethernet Controller XXV710 for 25GbE SFP28",
                "Intel Corporation",
                "Ethernet Network Adapter XXV710",
            ),
            _names(card),
        )

    def test_a_subsystem_that_is_the_device_itself_has_its_name(self):
        card = _device(subvendor_id="10de", subdevice_id="1eb8")
        self.assertEqual("TU104GL [Tesla T4]", _names(card).psdevice)

    def test_unknown_things_are_called_by_their_numbers(self):
        card = _device("ff0100", "abcd", "0123", subvendor_id="10de", subdevice_id="0007")
        self.assertEqual(
            pci.Names("Class ff01", "Vendor abcd", "Device 0123", "NVIDIA Corporation", "Device 0007"),
            _names(card),
        )
        self.assertEqual("Display controller [0380]", _names(_device("038000")).pclass)

    def test_a_device_without_subsystem_has_no_names_for_it(self):
        names = _names(_device(subvendor_id="0000", subdevice_id="0000"))
        self.assertEqual((None, None), (names.psvendor, names.psdevice))

    def test_without_pci_ids_all_is_numbers(self):
        self.assertEqual(pci.Names("Class 0302", "Vendor 10de", "Device 1eb8"), _names(_device(), ""))

    @given(st.one_of(st.text(), st.text("\t 10deC#\n")))
    def test_junk_never_raises(self, output):
        pci.parse_lspci(output)
        pci.parse_lspci(f"Slot: {output}\nClass: {output}\nVendor: {output}\nDevice: {output}")
        pci.names_from_ids([_device()], output)
        pci.hexadecimal(output, 4)


class DeviceTestCase(base.BaseTestCase):
    def test_identifiers_are_bare_hexadecimal_digits(self):
        values = (("0x8086\n", 4), ("0x020000", 6), ("0x1", 2), ("1572", 4))
        self.assertEqual(["8086", "020000", "01", "1572"], [pci.hexadecimal(*value) for value in values])
        self.assertIsNone(pci.hexadecimal(None, 4))

    def test_nics_bridges_peripherals_counters_and_vfs_are_not_reported(self):
        for class_id in ("020000", "028000", "060400", "080600", "088000", "110100"):
            self.assertFalse(pci.is_reported(_device(class_id)), class_id)
        self.assertFalse(pci.is_reported(_device(is_vf=True)))

    def test_other_devices_are_reported(self):
        for class_id in ("010802", "030000", "030200", "0b4000", "0c0330", "110000", "120000"):
            self.assertTrue(pci.is_reported(_device(class_id)), class_id)

    def test_gpus_and_qat_accelerators_are_enabled(self):
        qat = _device("0b4000", "8086", "37c8")
        self.assertTrue(pci.is_enabled(_device("030000")) and pci.is_enabled(_device()) and pci.is_enabled(qat))

    def test_other_devices_are_not_enabled(self):
        for device in (
            _device("010802"),
            _device("0b4000", "8086", "1234"),
            _device("0b4000", "10de", "37c8"),
        ):
            self.assertFalse(pci.is_enabled(device))

    def test_a_record_has_the_attributes_of_the_wire(self):
        qat = _device(
            "0b4000",
            "8086",
            "37c8",
            revision="04",
            numa_node=1,
            driver="c6xx",
            total_vfs=16,
            num_vfs=2,
            vfs=("0000:3b:01.0", "0000:3b:01.1"),
        )
        self.assertEqual(
            [
                {
                    "name": "pci_0000_3b_00_0",
                    "pciaddr": "0000:3b:00.0",
                    "pclass_id": "0b4000",
                    "pvendor_id": "8086",
                    "pdevice_id": "37c8",
                    "pclass": "Co-processor",
                    "pvendor": "Intel Corporation",
                    "pdevice": "C62x Chipset QuickAssist Technology",
                    "psvendor": None,
                    "psdevice": None,
                    "prevision": "04",
                    "numa_node": 1,
                    "sriov_totalvfs": 16,
                    "sriov_numvfs": 2,
                    "sriov_vfs_pci_address": "0000:3b:01.0,0000:3b:01.1",
                    "driver": "c6xx",
                    "enabled": True,
                    "extra_info": None,
                }
            ],
            pci.records([qat], pci.names_from_ids([qat], PCI_IDS)),
        )

    def test_devices_are_in_the_order_of_their_addresses(self):
        devices = [pci.Device(address, "030000", "10de", "1eb8") for address in ("0000:af:00.0", "0000:3b:00.0")]
        self.assertEqual(
            ["0000:3b:00.0", "0000:af:00.0"],
            [record["pciaddr"] for record in pci.records(devices, {})],
        )
