# SPDX-License-Identifier: Apache-2.0
"""The platform in a lab: its `system` command as its operators call it, and the hosts that it knows."""

import functools
import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3

from stxlab import hardware, hostagent, hoststates, network, seeds, topology
from tests.lab import base

FIRST = "controller-0"
# For an installation and two boots, on a machine that is busy.
REGISTER_S = 180.0
# After this time without a report a host is offline (option report_timeout of mtce), on a machine that is busy.
SILENCE_S = 60.0
# An address in the lab that no host has.
_OWN_ADDRESS = str(topology.SUBNETS["mgmt"][-3])
ADDED = "02:4c:ab:77:77:77"

Row = Mapping[str, Any]
Inventory = dict[str, set[tuple[Any, ...]]]


class PlatformTestCase(base.LabTestCase):
    wanted = topology.make("standard", computes=3, storages=1)
    has_services = True
    # What a test that failed has made of these is not known.
    suspects: ClassVar[set[str]] = set()

    def setUp(self) -> None:
        super().setUp()
        self.addOnException(lambda _: self.suspects.update(host.name for host in self.wanted.hosts[1:]))

    def system(self, *words: str) -> Any:
        """What a command prints as JSON."""
        done = self.call(*words, "--format", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *words: str) -> str:
        """Why a command is refused; it must have changed no host."""
        before = self.rows()
        done = self.call(*words)
        self.assertNotEqual(0, done.returncode, done.stdout)
        self.assertEqual(_identities(before), _identities(self.rows()))
        return done.stderr.strip()

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A `system` command, as an operator calls it on the first controller."""
        argv = self.machine(FIRST).argv(["bash", "-c", '. /root/openrc; exec system "$@"', "system", *words])
        return subprocess.run(argv, capture_output=True, text=True, timeout=180, check=False)

    def rows(self) -> list[Row]:
        """All hosts that the platform knows."""
        credentials = tuple(sorted(hoststates.credentials(self.lab.layout).items()))
        rows: list[Row] = self.inside(_rows, credentials)
        return rows

    def row(self, name: str) -> Row | None:
        """What the platform knows of a host of the lab, whatever it calls it."""
        found = [row for row in self.rows() if row["mgmt_mac"] == self.wanted.host(name).mac("mgmt")]
        self.assertLessEqual(len(found), 1, found)
        return found[0] if found else None

    def ask(self, names: Sequence[str], action: str) -> list[int]:
        """Ask for an action on hosts, one after another; gives the status of each answer."""
        credentials = tuple(sorted(hoststates.credentials(self.lab.layout).items()))
        statuses: list[int] = self.inside(ask, credentials, tuple(names), action, deadline_s=180.0)
        return statuses

    def is_discovered(self, name: str) -> bool:
        row = self.row(name)
        return row is not None and row["personality"] is None

    def has_availability(self, name: str, availability: str) -> bool:
        row = self.row(name)
        return row is not None and row["availability"] == availability

    def blank(self, name: str) -> None:
        """Make a host one that is off, was never installed, and that the platform does not know."""
        machine = self.machine(name)
        if machine.is_on:
            machine.power_off()
        self.wait_for(f"{name} is forgotten", lambda: not self.has_availability(name, "online"), SILENCE_S)
        # What it said last may still be on its way.
        while self.row(name) is not None:
            self.delete(name)
        self.wipe(name)
        self.suspects.discard(name)

    def delete(self, name: str) -> None:
        row = self.row(name)
        assert row is not None
        done = self.call("host-delete", str(row["id"]))
        self.assertEqual(0, done.returncode, done.stderr)

    def wipe(self, name: str) -> None:
        """Give a host that is off an empty disk."""
        machine = self.machine(name)
        for path in (machine.files.disk, machine.files.hardware):
            path.unlink(missing_ok=True)
        seeds.write(self.lab.layout, self.wanted, machine.host, self.lab.layout.read_secrets())

    def power_on(self, *names: str) -> None:
        """All in one moment."""
        self.assertEqual(0, self.command("power-on", *names)[0])

    def discovered(self, name: str) -> Row:
        """A host that is on and waits for somebody to name it."""
        if name in self.suspects or not (self.machine(name).is_on and self.is_discovered(name)):
            self.blank(name)
            self.power_on(name)
            self.wait_for(f"{name} is discovered", lambda: self.is_discovered(name), REGISTER_S)
        row = self.row(name)
        assert row is not None
        return row

    def name(self, name: str) -> Row:
        """Tell the platform which of the lab's hosts one that it has discovered is."""
        row = self.row(name)
        assert row is not None
        personality = self.wanted.host(name).personality
        named: Row = self.system("host-update", str(row["id"]), f"personality={personality}", f"hostname={name}")
        return named

    def online(self, name: str) -> Row:
        """A host that is registered and on, and its inventory is that of the server that it was first."""
        machine, row = self.machine(name), self.row(name)
        if name in self.suspects or row is None or row["hostname"] is None:
            self.discovered(name)
            self.name(name)
        elif machine.files.server() is not None and machine.is_on:
            machine.power_off()
        machine.files.hardware.unlink(missing_ok=True)
        if not machine.is_on:
            self.power_on(name)
        self.wait_for(f"{name} is online", lambda: self.has_availability(name, "online"), REGISTER_S)
        self.wait_for(f"{name} has its inventory", lambda: self.inventory(name) == self.made_up(name), REGISTER_S, 0.5)
        row = self.row(name)
        assert row is not None
        return row

    def add(self, *words: str, mac: str = ADDED) -> Row:
        """A host that is added, and never powered on; it is deleted when the test ends."""
        row: Row = self.system("host-add", "-m", mac, *words)
        self.addCleanup(self.call, "host-delete", row["uuid"])
        return row

    def inventory(self, name: str) -> Inventory:
        """Ports, disks and processors of a host, as the platform knows them."""
        return {
            "ports": {
                (port["name"], port["mac address"], port["pci address"], port["device type"])
                for port in self.system("host-ethernet-port-list", name)
            },
            "disks": {(disk["device_node"], disk["serial_id"], disk["size_gib"]) for disk in self.system("host-disk-list", name)},
            "processors": {
                (cpu["log_core"], cpu["processor"], cpu["phy_core"], cpu["thread"], cpu["processor_model"])
                for cpu in self.system("host-cpu-list", name)
            },
        }

    def made_up(self, name: str, server: int | None = None) -> Inventory:
        """The same of a made-up server (by default the host's own) that has the host's ports."""
        host = self.wanted.host(name)
        networks = [network for network in ("mgmt", "cluster", "oam") if network in host.networks()]
        ports = [{"name": network, "mac": host.mac(network), "mtu": 1500} for network in networks]
        number = host.number if server is None else server
        return in_short(hostagent.with_ports(hardware.server(number, host.mac("mgmt")), ports))


def in_short(server: Mapping[str, list[hardware.Record]]) -> Inventory:
    """What `inventory` gives of a server."""
    return {
        "ports": {(port["name"], port["mac"], port["pciaddr"], port["pdevice"]) for port in server["port"]},
        "disks": {(disk["device_node"], disk["serial_id"], disk["size_mib"] / 1024) for disk in server["disk"]},
        "processors": {(cpu["cpu"], cpu["numa_node"], cpu["core"], cpu["thread"], cpu["cpu_model"]) for cpu in server["cpu"]},
    }


def _identities(rows: list[Row]) -> list[tuple[Any, ...]]:
    return sorted((row["uuid"], str(row["hostname"]), str(row["personality"]), str(row["mgmt_mac"])) for row in rows)


def _rows(credentials: tuple[tuple[str, str], ...]) -> list[Row]:
    found = _session(credentials).get("/ihosts", endpoint_filter={"service_type": "platform", "interface": "public"})
    rows: list[Row] = found.json()["ihosts"]
    return rows


def ask(credentials: tuple[tuple[str, str], ...], names: tuple[str, ...], action: str) -> list[int]:
    """Ask for an action on hosts, one after another, from where the lab's networks are; gives the status of each answer."""
    platform = {"service_type": "platform", "interface": "public"}
    patch = [{"op": "replace", "path": "/action", "value": action}]
    session = _session(credentials)
    return [session.patch(f"/ihosts/{name}", json=patch, endpoint_filter=platform, raise_exc=False).status_code for name in names]


@functools.cache
def _session(credentials: tuple[tuple[str, str], ...]) -> keystone_session.Session:
    """Of the process where the lab's networks are, with an address there."""
    prefix = topology.SUBNETS["mgmt"].prefixlen
    argv = ["ip", "address", "replace", f"{_OWN_ADDRESS}/{prefix}", "dev", network.bridge("mgmt")]
    subprocess.run(argv, capture_output=True, check=True)
    known = dict(credentials)
    user = v3.Password(
        known["OS_AUTH_URL"],
        username=known["OS_USERNAME"],
        password=known["OS_PASSWORD"],
        user_domain_name=known["OS_USER_DOMAIN_NAME"],
        project_name=known["OS_PROJECT_NAME"],
        project_domain_name=known["OS_PROJECT_DOMAIN_NAME"],
    )
    return keystone_session.Session(user, additional_headers={"Accept": "application/json"}, timeout=60)
