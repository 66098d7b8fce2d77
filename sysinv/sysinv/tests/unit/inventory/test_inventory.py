# SPDX-License-Identifier: Apache-2.0
"""Tests of collect on the running machine, against what its tools print."""

import json
import os
import pathlib
import shutil
import subprocess

import fixtures
from oslotest import base

from sysinv import inventory
from sysinv.inventory import source

NOBODY = 65534
STEADY = [kind for kind in inventory.KINDS if kind != "memory"]


def _output(*argv):
    try:
        return subprocess.check_output(argv, timeout=60, text=True, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        return None


class RunningMachineTestCase(base.BaseTestCase):
    def told(self, *argv):
        output = _output(*argv)
        if output is None:
            self.skipTest(f"{argv[0]} is not installed")
        return json.loads(output)

    def only_tools(self, *names):
        """Put only these commands on the PATH, as far as they are installed."""
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in names:
            if program := shutil.which(name):
                (folder / name).symlink_to(program)
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(folder)))

    def test_processors_are_those_of_lscpu(self):
        told = self.told("lscpu", "-J", "-e=CPU,CORE,SOCKET,NODE")["cpus"]
        found = inventory.collect(["cpu"])["cpu"]
        self.assertEqual(
            [(int(cpu["cpu"]), int(cpu["node"] or 0)) for cpu in told],
            [(cpu["cpu"], cpu["numa_node"]) for cpu in found],
        )
        cores = {(cpu["socket"], cpu["core"]) for cpu in told}
        self.assertEqual(len(cores), sum(cpu["thread"] == 0 for cpu in found))

    def test_threads_share_their_core_with_their_siblings(self):
        topology = pathlib.Path("/sys/devices/system/cpu")
        by_siblings: dict[str, set[int]] = {}
        for cpu in inventory.collect(["cpu"])["cpu"]:
            siblings = (topology / f"cpu{cpu['cpu']}/topology/thread_siblings_list").read_text()
            by_siblings.setdefault(siblings, set()).add(cpu["thread"])
        for siblings, threads in by_siblings.items():
            self.assertEqual(set(range(len(threads))), threads, siblings)

    def test_memory_is_that_of_proc_meminfo(self):
        lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
        told = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        nodes = inventory.collect(["memory"])["memory"]
        if len(nodes) == 1:
            self.assertEqual(told["MemTotal"] // 1024, nodes[0]["node_memtotal_mib"])
            self.assertEqual(told["HugePages_Total"] > 0, nodes[0]["hugepages_configured"])
        for node in nodes:
            self.assertLess(0, node["memavail_mib"])
            self.assertLessEqual(node["memavail_mib"], node["node_memtotal_mib"])

    def test_disks_are_those_of_lsblk(self):
        told = self.told("lsblk", "-J", "-b", "-d", "-e", "1,7,11", "-o", "PATH,TYPE,SIZE,KNAME")
        wanted = {
            disk["path"]: int(disk["size"]) // 1024**2
            for disk in told["blockdevices"]
            if disk["type"] == "disk" and int(disk["size"]) and "zram" not in disk["kname"]
        }
        found = inventory.collect(["disk"])["disk"]
        self.assertEqual(wanted, {disk["device_node"]: disk["size_mib"] for disk in found})

    def test_partitions_are_those_of_lsblk(self):
        told = self.told("lsblk", "-J", "-b", "-l", "-o", "PATH,TYPE,SIZE,PKNAME")["blockdevices"]
        disks = {disk["device_node"] for disk in inventory.collect(["disk"])["disk"]}
        wanted = {
            part["path"]: int(part["size"]) // 1024**2
            for part in told
            if part["type"] == "part" and f"/dev/{part['pkname']}" in disks
        }
        found = inventory.collect(["partition"])["partition"]
        self.assertEqual(wanted, {part["device_node"]: part["size_mib"] for part in found})

    def test_ports_are_the_hardware_among_the_links_of_ip(self):
        told = {
            link["ifname"]: (link.get("permaddr", link["address"]), link["mtu"])
            for link in self.told("ip", "-j", "link")
            if link["link_type"] == "ether"
        }
        hardware = {name: link for name, link in told.items() if os.path.exists(f"/sys/class/net/{name}/device")}
        found = inventory.collect(["port"])["port"]
        self.assertEqual(hardware, {port["name"]: (port["mac"], port["mtu"]) for port in found})

    def test_a_port_has_the_address_that_lspci_knows(self):
        output = _output("lspci", "-D", "-d", "::0200")
        if not output:
            self.skipTest("lspci is not installed, or there is no Ethernet on PCI")
        addresses = {line.split()[0] for line in output.splitlines()}
        on_pci = {port["pciaddr"] for port in inventory.collect(["port"])["port"] if port["pclass"]}
        self.assertLessEqual(on_pci, addresses)

    def test_devices_have_the_same_names_without_lspci(self):
        if not os.path.exists("/usr/share/misc/pci.ids") or not shutil.which("lspci"):
            self.skipTest("this machine lacks lspci or pci.ids")
        kinds = ["pci", "port"]
        told = inventory.collect(kinds)
        self.only_tools("lscpu", "lsblk")
        self.assertEqual(told, inventory.collect(kinds))

    def test_a_machine_without_any_tool_still_tells_what_its_kernel_does(self):
        told = inventory.collect(["numa", "port"])
        self.only_tools()
        found = inventory.collect()
        self.assertEqual(told["numa"], found["numa"])
        self.assertEqual([port["mac"] for port in told["port"]], [port["mac"] for port in found["port"]])
        self.assertEqual(([], [], []), (found["cpu"], found["disk"], found["lldp_agent"]))

    def test_the_same_machine_gives_the_same_bytes(self):
        first, second = (
            json.dumps(inventory.collect(STEADY)),
            json.dumps(inventory.collect(STEADY)),
        )
        self.assertEqual(first, second)

    def test_an_ordinary_user_can_collect(self):
        if os.geteuid() != 0:
            self.skipTest("all these tests run as an ordinary user already")
        told = inventory.collect(STEADY)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                with os.fdopen(writer, "w") as stream:
                    json.dump(inventory.collect(STEADY), stream)
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as stream:
            found = json.loads(stream.read() or "{}")
        os.waitpid(child, 0)
        for kind in ("numa", "cpu", "port", "pci"):
            self.assertEqual(told[kind], found[kind])
        self.assertEqual(
            [disk["device_node"] for disk in told["disk"]],
            [disk["device_node"] for disk in found["disk"]],
        )


class CollectTestCase(base.BaseTestCase):
    def test_only_the_kinds_that_are_asked_for_are_read(self):
        self.assertEqual(["numa", "memory"], list(inventory.collect(["memory", "numa"])))

    def test_an_unknown_kind_is_refused(self):
        self.assertRaisesRegex(ValueError, "kinds of inventory: gpu", inventory.collect, ["cpu", "gpu"])


class DigestTestCase(base.BaseTestCase):
    def test_the_order_of_the_keys_does_not_matter(self):
        self.assertEqual(inventory.digest([{"a": 1, "b": None}]), inventory.digest([{"b": None, "a": 1}]))

    def test_any_change_shows(self):
        records = ([], [{"a": 1}], [{"a": "1"}], [{"a": 1}, {"a": 1}], [{"a": None}])
        self.assertEqual(len(records), len({inventory.digest(record) for record in records}))

    def test_it_is_the_sha256_of_canonical_json(self):
        self.assertEqual(
            "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
            inventory.digest([]),
        )


class ComplaintTest(base.BaseTestCase):
    def test_what_a_machine_lacks_is_logged_once_for_as_long_as_it_lacks_it(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("sysinv.inventory._complaints", {}))
        logged = self.useFixture(fixtures.FakeLogger("sysinv.inventory"))
        for output in (None, None, "{}", None):
            self.useFixture(fixtures.MonkeyPatch("sysinv.inventory.machine.Machine._lldp", _answering(output)))
            inventory.collect(["lldp_agent"])
        self.assertEqual(2, logged.output.count("no inventory of the kind lldp_agent: lldpd does not run"))


def _answering(output):
    def ask(machine, what):
        if output is None:
            raise source.Missing("lldpd does not run")
        return output

    return ask
