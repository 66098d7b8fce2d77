# SPDX-License-Identifier: Apache-2.0
"""Tests of the readers on machines built from files, with the real tools where those can look."""

import pathlib

import fixtures
from oslotest import base

from sysinv import inventory
from sysinv.inventory import machine, source
from sysinv.tests.unit.inventory import SAMPLES, sample, saved

NODES = "sys/devices/system/node"


class MachineTestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.built = saved.SavedMachine(self.root)

    def read(self, kind):
        return inventory.collect([kind], self.root)[kind]

    def whole_tools(self, **scripts):
        """Put only these commands on the PATH."""
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(folder)))


class TwoSocketsTestCase(MachineTestCase):
    """Two sockets, each a node with two cores of two threads."""

    def setUp(self):
        super().setUp()
        places = [(socket, socket, core) for socket in (0, 1) for core in (0, 1) for _ in (0, 1)]
        self.built.cpus(places)
        self.built.file(f"{NODES}/online", "0-1\n")
        for node in (0, 1):
            self.built.file(
                f"{NODES}/node{node}/meminfo",
                sample("node1-meminfo").replace("Node 1", f"Node {node}"),
            )
            self.built.huge_pages(f"{NODES}/node{node}/hugepages", 2048, 16 >> node, 8 >> node)
            self.built.huge_pages(f"{NODES}/node{node}/hugepages", 1048576, 0, 0)
        self.built.file("proc/meminfo", sample("meminfo"))

    def test_every_thread_is_found_by_lscpu(self):
        places = [(cpu["numa_node"], cpu["core"], cpu["thread"]) for cpu in self.read("cpu")]
        self.assertEqual(
            [(node, core, thread) for node in (0, 1) for core in (0, 1) for thread in (0, 1)],
            places,
        )

    def test_lscpu_names_the_model(self):
        self.assertEqual("Intel Xeon Processor (Skylake)", self.read("cpu")[0]["cpu_model"])

    def test_each_node_is_listed(self):
        self.assertEqual(
            [{"numa_node": 0, "capabilities": {}}, {"numa_node": 1, "capabilities": {}}],
            self.read("numa"),
        )

    def test_each_node_has_its_own_memory_and_pages(self):
        self.assertEqual(
            [(0, 710, 16, 8, 0, True), (1, 710, 8, 4, 0, True)],
            [
                (
                    node["numa_node"],
                    node["memtotal_mib"],
                    node["vm_hugepages_nr_2M"],
                    node["vm_hugepages_avail_2M"],
                    node["vm_hugepages_nr_1G"],
                    node["vm_hugepages_use_1G"],
                )
                for node in self.read("memory")
            ],
        )

    def test_an_unreadable_count_is_unknown(self):
        (self.root / f"{NODES}/node0/hugepages/hugepages-2048kB/free_hugepages").unlink()
        self.assertEqual([None, 4], [node["vm_hugepages_avail_2M"] for node in self.read("memory")])

    def test_a_device_without_a_node_is_near_to_none(self):
        self.built.pci("0000:3b:00.0", "030200 10de 1eb8 10de 12a2", numa_node="1")
        self.built.pci("0000:00:02.0", "030000 8086 0102 8086 0102")
        self.assertEqual([None, 1], [device["numa_node"] for device in self.read("pci")])


class OneNodeTestCase(MachineTestCase):
    def test_memory_of_the_only_node_is_that_of_the_machine(self):
        self.built.file(f"{NODES}/online", "0\n")
        self.built.file("proc/meminfo", sample("meminfo"))
        self.built.huge_pages(f"{NODES}/node0/hugepages", 2048, 24, 24)
        (node,) = self.read("memory")
        self.assertEqual((0, 1464, 24), (node["numa_node"], node["memtotal_mib"], node["vm_hugepages_nr_2M"]))
        self.assertEqual((1225572 + 24 * 2048) // 1024, node["memavail_mib"])

    def test_a_kernel_without_nodes_has_one(self):
        self.built.cpus([(None, 0, 0)])
        self.built.file("proc/meminfo", sample("meminfo"))
        self.built.huge_pages("sys/kernel/mm/hugepages", 2048, 24, 24)
        (node,) = self.read("memory")
        self.assertEqual((0, 24), (node["numa_node"], node["vm_hugepages_nr_2M"]))
        self.assertEqual([{"numa_node": 0, "capabilities": {}}], self.read("numa"))
        self.assertEqual([0], [cpu["numa_node"] for cpu in self.read("cpu")])

    def test_a_device_without_a_node_is_near_to_the_only_one(self):
        self.built.file(f"{NODES}/online", "0\n")
        self.built.pci("0000:00:02.0", "030000 8086 0102 8086 0102")
        self.assertEqual([0], [device["numa_node"] for device in self.read("pci")])


class SriovTestCase(MachineTestCase):
    """A card with two ports; the first has eleven virtual functions, one a device of the host."""

    VFS = [f"0000:5e:02.{function}" for function in range(8)] + [f"0000:5e:03.{function}" for function in range(3)]

    def setUp(self):
        super().setUp()
        card = "020000 8086 158b 8086 0001"
        counts = {"sriov_totalvfs": "64", "sriov_numvfs": "11", "sriov_vf_device": "154c"}
        first = self.built.pci("0000:5e:00.0", card, "i40e", **counts)
        second = self.built.pci("0000:5e:00.1", card, "i40e", sriov_totalvfs="64", sriov_numvfs="0")
        for number, address in enumerate(self.VFS):
            function = self.built.pci(address, "020000 8086 154c 8086 0000", "iavf")
            self.built.link(f"{function}/physfn", first)
            self.built.link(f"{first}/virtfn{number}", function)
        self.built.net("ens1f0", first, address="3c:fd:fe:00:00:01", speed="25000", duplex="full")
        self.built.net("ens1f1", second, address="3c:fd:fe:00:00:02", speed="-1", duplex="unknown", mtu="9000")
        self.built.net("ens1f0v0", f"sys/devices/pci0000:5e/{self.VFS[0]}", address="3c:fd:fe:00:01:01")
        self.built.net("bond0", None, address="3c:fd:fe:00:00:01")
        self.built.net("lo", None, type="772", address="00:00:00:00:00:00")
        self.built.net("ib0", self.built.pci("0000:af:00.0", "020700 15b3 1017 15b3 0020"), type="32")

    def test_the_physical_functions_are_the_ports(self):
        self.assertEqual(["ens1f0", "ens1f1"], [port["name"] for port in self.read("port")])

    def test_virtual_functions_are_listed_by_number(self):
        first, second = self.read("port")
        self.assertEqual(",".join(self.VFS), first["sriov_vfs_pci_address"])
        self.assertEqual((64, 11), (first["sriov_totalvfs"], first["sriov_numvfs"]))
        self.assertEqual(("iavf", "154c"), (first["sriov_vf_driver"], first["sriov_vf_pdevice_id"]))
        self.assertEqual(("", None), (second["sriov_vfs_pci_address"], second["sriov_vf_driver"]))

    def test_a_link_that_is_down_has_no_speed(self):
        self.assertEqual(
            [(25000, "full", 1500), (None, None, 9000)],
            [(port["speed"], port["duplex"], port["mtu"]) for port in self.read("port")],
        )

    def test_a_port_in_a_bond_keeps_its_own_address(self):
        self.built.file("sys/class/net/ens1f1/bonding_slave/perm_hwaddr", "3c:fd:fe:00:00:99\n")
        self.assertEqual(["3c:fd:fe:00:00:01", "3c:fd:fe:00:00:99"], [port["mac"] for port in self.read("port")])

    def test_the_boot_port_is_marked(self):
        self.built.file("proc/cmdline", "quiet BOOTIF=01-3c-fd-fe-00-00-02\n")
        self.assertEqual(["False", "True"], [port["bootp"] for port in self.read("port")])

    def test_ports_of_one_function_are_told_apart(self):
        (self.root / "sys/class/net/ens1f1/dev_port").write_text("1\n")
        self.assertEqual([0, 1], [port["dev_id"] for port in self.read("port")])

    def test_neither_the_card_nor_its_functions_are_other_devices(self):
        self.built.pci("0000:3b:00.0", "0b4000 8086 37c8 8086 0000")
        self.assertEqual([("0000:3b:00.0", True)], [(d["pciaddr"], d["enabled"]) for d in self.read("pci")])

    def test_names_come_from_pci_ids(self):
        self.built.file("usr/share/hwdata/pci.ids", "8086  Intel Corporation\n\t158b  XXV710\n")
        port = self.read("port")[0]
        self.assertEqual(("Intel Corporation", "XXV710"), (port["pvendor"], port["pdevice"]))

    def test_a_virtio_port_has_the_address_of_its_carrier(self):
        carrier = self.built.pci("0000:22:00.0", "020000 1af4 1041 1af4 1041", "virtio-pci")
        self.built.net("ens3", self.built.virtio(carrier, "virtio4", "virtio_net"))
        port = self.read("port")[-1]
        self.assertEqual(("0000:22:00.0", "virtio_net"), (port["pciaddr"], port["driver"]))
        self.assertEqual("Device 1041", port["pdevice"])

    def test_a_usb_port_has_its_place_on_the_bus(self):
        controller = self.built.pci("0000:00:14.0", "0c0330 1b36 000d 1af4 1100", "xhci_hcd")
        usb = f"{controller}/usb1/1-1/1-1:1.0"
        self.built.link(f"{usb}/subsystem", "sys/bus/usb")
        self.built.net("enx0", usb)
        port = self.read("port")[-1]
        self.assertEqual(("1-1:1.0", None), (port["pciaddr"], port["pclass"]))

    def test_an_unreadable_attribute_is_unknown(self):
        (self.root / "sys/class/net/ens1f0/mtu").unlink()
        self.assertEqual([None, 9000], [port["mtu"] for port in self.read("port")])


class DiskTestCase(MachineTestCase):
    def setUp(self):
        super().setUp()
        self.whole_tools(lsblk=f"exec /bin/cat {SAMPLES}/lsblk.json")
        controller = self.built.pci("0000:21:00.0", "010802 1b36 0010 1af4 1100", "nvme")
        self.built.disk("nvme0n1", f"{controller}/nvme/nvme0")
        disk = f"{controller}/ata6/host5/target5:0:0/5:0:0:0"
        self.built.disk("sda", disk)
        self.built.file(f"{disk}/vpd_pgb1", bytes([0, 0xB1, 0, 0x3C, 0x1C, 0x20]) + bytes(58))
        carrier = self.built.pci("0000:00:06.0", "010000 1af4 1001 1af4 0002", "virtio-pci")
        self.built.disk("vda", self.built.virtio(carrier, "virtio3", "virtio_blk"))
        self.built.disk("sdb", None)
        self.built.link("dev/disk/by-path/pci-0000:21:00.0-nvme-1", "dev/nvme0n1")
        self.built.link("dev/disk/by-path/pci-0000:21:00.0-nvme-1-part2", "dev/nvme0n1p2")
        self.built.link("dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_NVME0001", "dev/nvme0n1")

    def test_disks_have_hardware_behind_them(self):
        self.assertEqual(
            [
                ("/dev/nvme0n1", "NVME", "N/A"),
                ("/dev/sda", "HDD", "7200"),
                ("/dev/vda", "Undetermined", "Undetermined"),
            ],
            [(disk["device_node"], disk["device_type"], disk["rpm"]) for disk in self.read("disk")],
        )

    def test_disks_and_partitions_are_known_by_their_place(self):
        disk, partition = self.read("disk")[0], self.read("partition")[1]
        self.assertEqual("/dev/disk/by-path/pci-0000:21:00.0-nvme-1", disk["device_path"])
        self.assertEqual("nvme-QEMU_NVMe_Ctrl_NVME0001", disk["device_id"])
        self.assertEqual("/dev/disk/by-path/pci-0000:21:00.0-nvme-1-part2", partition["device_path"])

    def test_partitions_of_what_is_no_disk_are_not_reported(self):
        self.assertEqual({"/dev/nvme0n1", "/dev/vda"}, {part["disk_node"] for part in self.read("partition")})

    def test_of_disks_that_nobody_can_tell_nothing_is_said(self):
        self.whole_tools(lsblk="echo broken >&2; exit 1")
        self.assertEqual({"numa"}, set(inventory.collect(["disk", "partition", "numa"], self.root)))


class NothingTestCase(MachineTestCase):
    """A machine, or a container, that lacks everything."""

    def test_every_kind_is_empty_and_the_log_says_why(self):
        self.whole_tools()
        # What was told before is not told again.
        self.useFixture(fixtures.MonkeyPatch("sysinv.inventory._complaints", {}))
        log = self.useFixture(fixtures.FakeLogger("sysinv.inventory"))
        self.assertEqual({kind: [] for kind in inventory.KINDS}, inventory.collect(root=self.root))
        lines = log.output.splitlines()
        for kind, line in zip(inventory.KINDS, lines, strict=True):
            self.assertIn(f" {kind}: ", line)

    def test_a_tool_with_nothing_to_look_at_is_not_asked(self):
        self.whole_tools(lsblk="exit 1")
        self.assertEqual([], self.read("disk"))

    def test_a_virtual_machine_without_anything_has_a_processor_and_memory(self):
        self.built.cpus([(0, 0, 0)])
        self.built.file("proc/meminfo", sample("meminfo"))
        found = inventory.collect(root=self.root)
        self.assertEqual({"numa", "cpu", "memory"}, {kind for kind, records in found.items() if records})


class LldpTestCase(MachineTestCase):
    """The running machine with an lldpcli that has something to say."""

    def test_what_lldpcli_says_is_read(self):
        interfaces = f"*interfaces*) exec /bin/cat {SAMPLES}/lldp-interfaces.json;;"
        neighbours = f"*neighbors*) exec /bin/cat {SAMPLES}/lldp-neighbours.json;;"
        self.whole_tools(lldpcli=f'case "$*" in {interfaces} {neighbours} esac')
        found = inventory.collect(["lldp_agent", "lldp_neighbour"])
        self.assertEqual(["eth1"], [agent["port_name"] for agent in found["lldp_agent"]])
        self.assertEqual(["eth0", "eth1"], [heard["port_name"] for heard in found["lldp_neighbour"]])

    def test_a_stopped_lldpd_is_a_missing_one(self):
        self.whole_tools(lldpcli="echo unable to connect to socket >&2; exit 1")
        running = machine.Machine(source.Source(pathlib.Path("/")))
        self.assertRaisesRegex(source.Missing, "unable to connect", running.read_lldp_agent)
