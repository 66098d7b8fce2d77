# SPDX-License-Identifier: Apache-2.0
"""The inventory of the machine that the tests run on, beside what its own commands say of it."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

from tests.functional import base, commands


def _output(*argv: str) -> str:
    return subprocess.run(
        argv, capture_output=True, text=True, check=True, timeout=30, env={"LC_ALL": "C", "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
    ).stdout


class Inventory:
    def listed(self, command: str) -> list:
        ran = commands.called(self.platform.environment(), "system", command, "controller-0", "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        return ran.json

    def test_the_host_is_unlocked_enabled_and_available(self) -> None:
        self.platform.await_in_service()
        ran = self.platform.run("system", "host-list", "-f", "json")
        [host] = ran.json
        shown = [host[name] for name in ("hostname", "personality", "administrative", "operational", "availability")]
        self.assertEqual(["controller-0", "controller", "unlocked", "enabled", "available"], shown)

    def test_processors_agree_with_lscpu(self) -> None:
        rows = [line.split(",") for line in _output("lscpu", "-p=CPU,SOCKET,NODE").splitlines() if not line.startswith("#")]
        cpus = self.listed("host-cpu-list")
        self.assertEqual(sorted(int(row[0]) for row in rows), sorted(cpu["log_core"] for cpu in cpus))
        nodes = {int(row[0]): int(row[2] or 0) for row in rows}
        self.assertEqual(nodes, {cpu["log_core"]: cpu["processor"] for cpu in cpus})
        model = next(line.split(":", 1)[1].strip() for line in _output("lscpu").splitlines() if line.startswith("Model name"))
        self.assertEqual({model}, {cpu["processor_model"] for cpu in cpus})

    def test_memory_agrees_with_meminfo(self) -> None:
        total_kib = int(re.search(r"MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text()).group(1))
        nodes = self.platform.request("platform", "GET", "/v1/ihosts/controller-0/imemorys", token=self.token).json["imemorys"]
        # Nodes count what the firmware and the kernel's own pages keep from MemTotal, or leave it out; a tenth covers that.
        self.assertAlmostEqual(total_kib / 1024, sum(node["node_memtotal_mib"] for node in nodes), delta=total_kib / 10240)
        self.assertEqual(len(nodes), len(self.listed("host-memory-list")))

    def test_disks_agree_with_lsblk(self) -> None:
        devices = json.loads(_output("lsblk", "-J", "-b", "-d", "-o", "PATH,TYPE,SIZE"))["blockdevices"]
        real = {
            device["path"]: round(device["size"] / 2**30, 1)
            for device in devices
            if device["type"] == "disk" and device["size"] and not re.match(r"/dev/(zram|ram|loop)", device["path"])
        }
        shown = {disk["device_node"]: disk["size_gib"] for disk in self.listed("host-disk-list")}
        self.assertEqual(real.keys(), shown.keys())
        for path, size_gib in real.items():
            self.assertAlmostEqual(size_gib, shown[path], delta=0.1)

    def test_partitions_agree_with_lsblk(self) -> None:
        devices = json.loads(_output("lsblk", "-J", "-b", "-l", "-o", "PATH,TYPE,SIZE"))["blockdevices"]
        real = {device["path"] for device in devices if device["type"] == "part"}
        self.assertEqual(real, {partition["device_node"] for partition in self.listed("host-disk-partition-list")})

    def test_ports_agree_with_ip_link(self) -> None:
        links = json.loads(_output("ip", "-j", "link"))
        real = {
            link["ifname"]: link["address"]
            for link in links
            if link["link_type"] == "ether" and pathlib.Path("/sys/class/net", link["ifname"], "device").exists()
        }
        shown = {port["name"]: port["mac address"] for port in self.listed("host-ethernet-port-list")}
        self.assertEqual(real, shown)
        self.assertEqual(real.keys(), {port["name"] for port in self.listed("host-port-list")})

    def test_devices_agree_with_lspci(self) -> None:
        if not shutil.which("lspci"):
            raise unittest.SkipTest("lspci is not installed (Debian package pciutils)")
        known = {}
        for line in _output("lspci", "-Dmmn").splitlines():
            address, class_id, vendor_id, device_id = re.match(r'(\S+) "(\w+)" "(\w+)" "(\w+)"', line).groups()
            known[address] = (class_id, vendor_id, device_id)
        shown = self.listed("host-device-list")
        for device in shown:
            class_id, vendor_id, device_id = known[device["address"]]
            # The last two digits of our class are the programming interface, which lspci leaves out here.
            self.assertTrue(device["class id"].lower().startswith(class_id), device)
            self.assertEqual((vendor_id, device_id), (device["vendor id"], device["device id"]))
        # Network cards (class 02) and bridges (06) are no devices that a VM could be given.
        expected = {address for address, (class_id, _, _) in known.items() if class_id[:2] in ("03", "12", "0b")}
        self.assertLessEqual(expected, {device["address"] for device in shown})

    def test_what_a_machine_lacks_is_an_empty_list_not_an_error(self) -> None:
        for command in ("host-lldp-agent-list", "host-lldp-neighbor-list", "host-device-list", "host-node-list"):
            self.assertIsInstance(self.listed(command), list)


EmbeddedInventory, StandardInventory = base.on_both(Inventory)
