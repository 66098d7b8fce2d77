# SPDX-License-Identifier: Apache-2.0
"""Hosts in network name spaces of their own, on bridges in another one that nobody else sees; all goes with its processes."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable

import pyroute2
from oslotest import base

NETWORKS = {"mgmt": 201, "cluster": 202}
NUMBERS = {"controller-0": 3, "controller-1": 4, "compute-0": 10}
DEADLINE_S = 60.0
# Whoever is there answers at once. The kernel may be late on a busy machine, but asks again only after a second.
SOON_S, IN_ANY_CASE_S = 0.03, 0.9


def missing() -> str | None:
    """Why this cannot be done here; None when it can."""
    if os.getuid() != 0:
        return "network name spaces need root"
    absent = [program for program in ("ip", "unshare", "nsenter") if not shutil.which(program)]
    return f"it needs {', '.join(absent)}" if absent else None


def address(name: str, network: str) -> str:
    return f"10.{NETWORKS[network]}.0.{NUMBERS[name]}"


class Host:
    """:ivar process: of the lease; None while it is off"""

    def __init__(self, name: str, directory: pathlib.Path) -> None:
        self.name = name
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None
        self.holder: subprocess.Popen[bytes] | None = None


class Network:
    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        self.hosts = {name: Host(name, directory / name) for name in NUMBERS}
        self._switch = _name_space()
        lines = []
        for network, number in NETWORKS.items():
            lines += [f"link add br-{network} type bridge", f"link set br-{network} up"]
            lines += [f"addr add 10.{number}.0.200/24 dev br-{network}"]
        self._ip(self._switch, lines)

    def power_on(self, name: str) -> None:
        host = self.hosts[name]
        host.holder = _name_space()
        number, inside = NUMBERS[name], ["link set lo up"]
        self._unplug(name)
        outside = []
        for network, place in NETWORKS.items():
            # It has the card that it had before.
            port, card = f"p{number}-{network}", f"02:00:00:00:{place:02x}:{number:02x}"
            outside += [
                f"link add {port} type veth peer name {network} address {card} netns {host.holder.pid}",
                f"link set {port} master br-{network} up",
            ]
            inside += [f"addr add {address(name, network)}/24 dev {network}", f"link set {network} up"]
        self._ip(self._switch, outside)
        self._ip(host.holder, inside)
        self._await_ports(name)
        known = {other: {network: address(other, network) for network in NETWORKS} for other in NUMBERS}
        argv = ["nsenter", "--target", str(host.holder.pid), "--net", sys.executable, "-m", "sm.tests.functional.node"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        host.process = subprocess.Popen(
            [*argv, name, str(host.directory), json.dumps(known)], stdout=subprocess.DEVNULL, text=True, env=environment
        )

    def power_off(self, name: str) -> None:
        """The cables first: no goodbye reaches anybody."""
        self._unplug(name)
        host = self.hosts[name]
        for process in (host.process, host.holder):
            if process is not None:
                process.kill()
                process.wait(DEADLINE_S)
        host.process = host.holder = None

    def _unplug(self, name: str) -> None:
        there = self._run(self._switch, ["ip", "-brief", "link"])
        ports = [f"p{NUMBERS[name]}-{network}" for network in NETWORKS]
        self._ip(self._switch, [f"link delete {port}" for port in ports if f"{port}@" in there])

    def replug(self, name: str, network: str) -> None:
        """Take a host's card out and put another one in, of the same name."""
        number, holder = NUMBERS[name], self.hosts[name].holder
        assert holder is not None
        port = f"p{number}-{network}"
        self._ip(
            self._switch,
            [
                f"link delete {port}",
                f"link add {port} type veth peer name {network} netns {holder.pid}",
                f"link set {port} master br-{network} up",
            ],
        )
        self._ip(holder, [f"addr add {address(name, network)}/24 dev {network}", f"link set {network} up"])
        self._await_ports(name)

    def _await_ports(self, name: str) -> None:
        """A bridge hears a moment later that a port has a link, and passes nothing before."""

        def forwards(port: str) -> bool:
            return "state forwarding" in self._run(self._switch, ["ip", "-details", "link", "show", port])

        for network in NETWORKS:
            wait_for(f"{name} on {network}", lambda port=f"p{NUMBERS[name]}-{network}": forwards(port))

    def cut(self, name: str, network: str, is_up: bool = False) -> None:
        self._ip(self._switch, [f"link set p{NUMBERS[name]}-{network} {'up' if is_up else 'down'}"])

    def forget(self, network: str) -> None:
        """Whoever knocks asks anew who has an address."""
        self._ip(self._switch, [f"neighbour flush dev br-{network}"])

    def has_floating(self, name: str, floating: str) -> bool:
        holder = self.hosts[name].holder
        return holder is not None and f"{floating}/" in self._run(holder, ["ip", "-brief", "address", "show", "dev", "mgmt"])

    def answers(self, floating: str, patience_s: float = SOON_S) -> bool:
        """Whether whoever has the address answers: nobody listens on the port, which a host says at once."""
        found: list[bool] = []

        # A thread of its own is taken there: the test itself stays where it is.
        def knock() -> None:
            pyroute2.netns.setns(f"/proc/{self._switch.pid}/ns/net")
            found.append(_knock(floating, patience_s))

        thread = threading.Thread(target=knock)
        thread.start()
        thread.join(DEADLINE_S)
        return found == [True]

    def remove(self) -> None:
        for name in self.hosts:
            self.power_off(name)
        self._switch.kill()
        self._switch.wait(DEADLINE_S)

    def _ip(self, where: subprocess.Popen[bytes], lines: list[str]) -> None:
        self._run(where, ["ip", "-batch", "-"], "".join(f"{line}\n" for line in lines))

    @staticmethod
    def _run(where: subprocess.Popen[bytes], argv: list[str], text: str = "") -> str:
        inside = ["nsenter", "--target", str(where.pid), "--net", *argv]
        done = subprocess.run(inside, input=text, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        if done.returncode:
            raise AssertionError(f"{argv} failed: {done.stderr}")
        return done.stdout


class NetworkTestCase(base.BaseTestCase):
    """Tests that share a network, on which all is off at first."""

    there: Network

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := missing():
            raise unittest.SkipTest(reason)
        directory = pathlib.Path(tempfile.mkdtemp(prefix="stx-sm-"))
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.there = Network(directory)
        cls.addClassCleanup(cls.there.remove)


def _knock(address: str, patience_s: float) -> bool:
    with socket.socket() as made:
        made.settimeout(patience_s)
        try:
            made.connect((address, 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True


def _name_space() -> subprocess.Popen[bytes]:
    """A process that does nothing, in a network name space of its own."""
    own = os.readlink("/proc/self/ns/net")
    made = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    wait_for("a network name space", lambda: os.readlink(f"/proc/{made.pid}/ns/net") != own)
    return made


def wait_for(what: str, is_so: Callable[[], bool], deadline_s: float = DEADLINE_S) -> float:
    """Wait until something holds; gives the seconds that it took."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > deadline_s:
            raise AssertionError(f"{what}: not within {deadline_s:g} s")
        time.sleep(0.002)
    return time.monotonic() - begun
