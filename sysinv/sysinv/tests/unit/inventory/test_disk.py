# SPDX-License-Identifier: Apache-2.0
"""Tests of disks and partitions."""

import json

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import disk
from sysinv.tests.unit.inventory import sample

MIB = 1024 * 1024
SECTORS = 2048  # in a MiB
PATHS = disk.by_node(
    [
        ("pci-0000:00:1f.2-ata-6.0", "../../sda"),
        ("pci-0000:00:1f.2-ata-6", "../../sda"),
        ("pci-0000:21:00.0-nvme-1", "../../nvme0n1"),
        ("pci-0000:21:00.0-nvme-1-part1", "../../nvme0n1p1"),
    ]
)
IDENTIFIERS = disk.by_node(
    [
        ("wwn-0x5000c50015ea71aa", "../../sda"),
        ("ata-QEMU_HARDDISK_HD0001", "../../sda"),
        ("nvme-eui.0025385b71b0b1c4", "../../nvme0n1"),
    ]
)


def _entry(**attributes):
    common = {"kname": "sda", "path": "/dev/sda", "type": "disk", "size": 100 * MIB, "rota": True}
    return {**common, "mountpoints": [None], **attributes}


def _part(number, start_mib, size_mib, **attributes):
    place = {"start": start_mib * SECTORS, "size": size_mib * MIB}
    return _entry(kname=f"sda{number}", path=f"/dev/sda{number}", type="part", **place, **attributes)


def _record(hardware=None, **attributes):
    return disk.disk_record(_entry(**attributes), hardware or disk.Hardware(), {}, {})


def _rotation(rate):
    return disk.Hardware(rotation=bytes([0, 0xB1, 0, 0x3C]) + rate.to_bytes(2, "big"))


class SampleTestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        disks = disk.parse_tree(sample("lsblk.json"))
        self.disks = {found["path"]: disk.disk_record(found, disk.Hardware(), PATHS, IDENTIFIERS) for found in disks}
        self.partitions = [part for found in disks for part in disk.partition_records(found, PATHS)]

    def test_disks_are_in_the_order_of_their_nodes(self):
        self.assertEqual(["/dev/nvme0n1", "/dev/sda", "/dev/sdb", "/dev/vda"], list(self.disks))

    def test_a_disk_has_the_attributes_of_the_wire(self):
        self.assertEqual(
            {
                "device_node": "/dev/sda",
                "device_num": 0x800,
                "device_type": "HDD",
                "device_path": "/dev/disk/by-path/pci-0000:00:1f.2-ata-6",
                "device_id": "ata-QEMU_HARDDISK_HD0001",
                "device_wwn": "0x5000c50015ea71aa",
                "size_mib": 4096,
                "available_mib": 4094,
                "serial_id": "HD0001",
                "rpm": "Undetermined",
                "capabilities": {"model_num": "QEMU HARDDISK"},
            },
            self.disks["/dev/sda"],
        )

    def test_an_nvme_disk_has_what_its_partitions_leave(self):
        nvme = self.disks["/dev/nvme0n1"]
        self.assertEqual(("NVME", "N/A", None), (nvme["device_type"], nvme["rpm"], nvme["device_id"]))
        self.assertEqual(8192 - 5633 - 1, nvme["available_mib"])

    def test_a_file_system_on_the_whole_disk_leaves_nothing(self):
        self.assertEqual(
            ("SSD", 0),
            (self.disks["/dev/sdb"]["device_type"], self.disks["/dev/sdb"]["available_mib"]),
        )

    def test_partitions_are_in_the_order_of_disk_and_place(self):
        self.assertEqual(
            [("/dev/nvme0n1p1", 1, 513, 512), ("/dev/nvme0n1p2", 513, 4609, 4096)]
            + [("/dev/nvme0n1p3", 4609, 5633, 1024), ("/dev/vda1", 1, 101, 100)],
            [(part["device_node"], part["start_mib"], part["end_mib"], part["size_mib"]) for part in self.partitions],
        )

    def test_a_partition_has_the_attributes_of_the_wire(self):
        self.assertEqual(
            {
                "device_node": "/dev/nvme0n1p1",
                "device_path": "/dev/disk/by-path/pci-0000:21:00.0-nvme-1-part1",
                "disk_node": "/dev/nvme0n1",
                "start_mib": 1,
                "end_mib": 513,
                "size_mib": 512,
                "type_guid": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
                "type_name": "EFI System",
                "uuid": "0a0a0a0a-0000-4000-8000-000000000001",
            },
            self.partitions[0],
        )

    def test_the_partition_type_of_the_platform_has_its_name(self):
        self.assertEqual("LVM Physical Volume", self.partitions[2]["type_name"])

    def test_without_links_a_device_is_known_by_its_node(self):
        self.assertEqual("/dev/vda1", self.partitions[3]["device_path"])
        self.assertEqual("/dev/vda", self.disks["/dev/vda"]["device_path"])


class DiskTestCase(base.BaseTestCase):
    def test_only_disks_of_some_size_count(self):
        entries = [_entry(type=kind) for kind in ("loop", "rom", "lvm")] + [
            _entry(size=0),
            _entry(size="5"),
        ]
        found = disk.parse_tree(json.dumps({"blockdevices": entries}))
        self.assertEqual(["5"], [entry["size"] for entry in found])

    def test_the_disk_below_the_root_file_system_says_so(self):
        volume = _entry(kname="dm-0", path="/dev/mapper/root", type="lvm", mountpoints=["/"])
        record = _record(children=[_part(1, 1, 50, children=[volume])])
        self.assertEqual("rootfs", record["capabilities"]["stor_function"])

    def test_a_mount_elsewhere_is_not_the_root_file_system(self):
        self.assertNotIn("stor_function", _record(mountpoints=["/boot"])["capabilities"])

    def test_a_rotation_rate_is_the_rpm(self):
        record = _record(_rotation(7200))
        self.assertEqual(("HDD", "7200"), (record["device_type"], record["rpm"]))

    def test_the_rotation_rate_of_an_ssd_is_believed_before_the_queue(self):
        record = _record(_rotation(1))
        self.assertEqual(("SSD", "N/A"), (record["device_type"], record["rpm"]))

    def test_what_the_kernel_only_assumes_of_a_virtio_disk_is_undetermined(self):
        virtio = disk.Hardware(is_virtio=True)
        self.assertEqual("Undetermined", _record(virtio)["device_type"])
        self.assertEqual("SSD", _record(virtio, rota=False)["device_type"])
        self.assertEqual("Undetermined", _record(rota=None)["device_type"])

    def test_old_tools_say_rotating_in_digits(self):
        self.assertEqual(["HDD", "SSD"], [_record(rota=value)["device_type"] for value in ("1", "0")])

    def test_the_serial_number_of_the_kernel_fills_the_gap(self):
        hardware = disk.Hardware(serial="FROM-SYSFS")
        self.assertEqual("FROM-SYSFS", _record(hardware)["serial_id"])
        self.assertEqual("FROM-LSBLK", _record(hardware, serial="FROM-LSBLK")["serial_id"])

    def test_an_empty_disk_keeps_room_for_its_partition_table(self):
        self.assertEqual(98, _record(size=100 * MIB)["available_mib"])
        self.assertEqual(0, _record(size=MIB)["available_mib"])

    def test_room_between_partitions_is_not_available(self):
        parts = [_part(2, 60, 10), _part(1, 1, 10)]
        self.assertEqual(29, _record(children=parts)["available_mib"])

    def test_the_next_partition_begins_at_a_whole_mib(self):
        part = _part(1, 1, 10)
        part["size"] += 512
        self.assertEqual(100 - 12 - 1, _record(children=[part])["available_mib"])

    def test_a_disk_in_use_as_a_whole_has_nothing_available(self):
        volume = _entry(kname="dm-0", path="/dev/dm-0", type="lvm")
        for used in (
            {"mountpoints": ["/data"]},
            {"fstype": "LVM2_member"},
            {"children": [volume]},
            {"ro": True},
        ):
            self.assertEqual(0, _record(**used)["available_mib"], used)

    def test_a_partition_of_unknown_place_makes_the_room_unknown(self):
        part = _part(1, 1, 10) | {"start": None}
        self.assertIsNone(_record(children=[part])["available_mib"])
        (record,) = disk.partition_records(_entry(children=[part]), {})
        self.assertEqual((None, None, 10), (record["start_mib"], record["end_mib"], record["size_mib"]))

    @given(st.text())
    def test_junk_is_no_disk(self, output):
        self.assertEqual([], disk.parse_tree(output))

    @given(st.data())
    def test_junk_in_the_attributes_never_raises(self, data):
        junk = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=2),
            max_leaves=3,
        )
        row = st.fixed_dictionaries(
            {"kname": st.text(), "path": st.text(), "type": st.sampled_from(["disk", "part"])},
            optional={name.lower(): junk for name in disk.COLUMNS.split(",") if name not in ("KNAME", "PATH", "TYPE")},
        )
        tree = [
            {**whole, "type": "disk", "size": 9, "children": data.draw(st.lists(row, max_size=2))}
            for whole in data.draw(st.lists(row, min_size=1, max_size=2))
        ]
        found = disk.parse_tree(json.dumps({"blockdevices": [*tree, 7, None]}))
        self.assertEqual(len(tree), len(found))
        rotation = disk.Hardware(rotation=data.draw(st.binary(max_size=8)))
        for whole in found:
            json.dumps([disk.disk_record(whole, rotation, {}, {}), disk.partition_records(whole, {})])
