# SPDX-License-Identifier: Apache-2.0
"""The networks of a lab: bridges in a name space that only the lab sees, and cables from there to each host's ports.

The name space lives as long as a process that does nothing else, so nothing of it stays when the lab's processes are gone.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stxembedded import process
from stxlab import enter, faultfile, topology, wire
from stxlab.faultbook import BOTH, Book, Cable
from stxlab.groups import Group
from stxlab.layout import Layout
from stxlab.topology import Host

# Lets LLDP through, which bridges otherwise keep to themselves.
_FORWARD_LLDP = 1 << 14
# Bridges answer ARP for what is theirs alone, and are otherwise quiet.
_QUIET = "cd /proc/sys/net; echo 1 > ipv4/conf/all/arp_ignore; for n in all default; do echo 1 > ipv6/conf/$n/disable_ipv6; done"
WIRE_DEADLINE_S = 5.0
# Until a program has begun, on a machine that is busy.
START_DEADLINE_S = 60.0
_POLL_S = 0.002


class Switch:
    """All the networks of one lab."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._pid_file = layout.run / "switch.pid"
        self._log = layout.logs / "switch.log"
        self._group = Group(f"{layout.name}/switch")

    @property
    def pid(self) -> int | None:
        """A process inside, None when the switch is off."""
        known = process.read_pid_file(self._pid_file)
        return known.pid if known else None

    def start(self) -> None:
        """:raises RunError: when the machine does not let networks be made"""
        if self.pid is not None:
            return
        self._group.make()
        started = enter.start(self._group.entrances, ["unshare", "--net", "sleep", "infinity"], self._log)
        enter.await_namespace(started.pid)
        process.write_pid_file(self._pid_file, started.pid)
        enter.run([*enter.into(started.pid, "net"), "/bin/sh", "-c", _QUIET])
        commands = ["link set lo up"]
        for name in topology.NETWORKS:
            # An address of its own: one that it takes from its ports would change with them.
            address = f"02:4c:ab:fe:{topology.NETWORKS.index(name):02x}:00"
            commands += [
                f"link add {bridge(name)} address {address} type bridge mcast_snooping 0 group_fwd_mask {_FORWARD_LLDP}",
                f"link set {bridge(name)} up",
            ]
        self.ip(commands)
        # Faults outlive the machine's own boot.
        self.enforce(faultfile.read(self._layout))

    def ip(self, commands: Iterable[str]) -> None:
        """Carry out commands of ip(8) inside, all in one go."""
        if self.pid is None:
            raise enter.RunError("The lab's networks are not there. Start them: stx lab up")
        enter.run([*enter.into(self.pid, "net"), "ip", "-batch", "-"], "".join(f"{command}\n" for command in commands))

    def start_inside(
        self,
        argv: Sequence[str],
        log: Path,
        group: Group | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> int:
        """Start a program that is reached over the lab's networks. Gives its pid.

        :param group: that it is in; by default the switch's own
        """
        if self.pid is None:
            raise enter.RunError("The lab's networks are not there. Start them: stx lab up")
        group = group or self._group
        group.make()
        return enter.start(group.entrances, [*enter.into(self.pid, "net"), *argv], log, environment, stdin).pid

    def plug(self, host: Host, pid: int, book: Book) -> None:
        """Connect the ports of a host that is being powered on.

        :param pid: a process in the host's network name space
        :param book: what is wrong with its cables
        """
        commands = []
        for network in host.networks():
            cable, is_cut = port(host, network), book.cable(host.name, network).cut == BOTH
            commands += [
                f"link add {cable} type veth peer name {network} address {host.mac(network)} netns {pid}",
                f"link set {cable} master {bridge(network)} {'down' if is_cut else 'up'}",
            ]
        self._remove_ports(host)
        self.ip(commands)
        for network in host.networks():
            # It would go on holding the port of the host's last life.
            self._end_wire(port(host, network))
        for network in book.cables.get(host.name, {}):
            self.set_cable(host, network, book.cable(host.name, network))

    def _remove_ports(self, host: Host) -> None:
        """What the host's last life left: the kernel takes its time to clear a name space away, longer while somebody looks in."""
        mine = {port(host, network) for network in host.networks()}
        left = mine.intersection(self.devices())
        if left and self.pid is not None:
            commands = "".join(f"link delete {name}\n" for name in sorted(left))
            # They may go by themselves meanwhile.
            with contextlib.suppress(enter.RunError):
                enter.run([*enter.into(self.pid, "net"), "ip", "-force", "-batch", "-"], commands)

    def devices(self) -> set[str]:
        """The names of all bridges, ports and other devices."""
        if self.pid is None:
            return set()
        lines = Path(f"/proc/{self.pid}/net/dev").read_text().splitlines()
        return {line.partition(":")[0].strip() for line in lines if ":" in line}

    def unplug(self, host: Host) -> None:
        """Take all cables of a host away, so that its death looks like a power cut: no goodbye reaches anybody."""
        self._change_ports({port(host, network): ["down"] for network in host.networks()})

    def _change_ports(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Change ports of hosts, each by what ip(8) is told of its link. One that goes meanwhile, with its host, needs nothing."""
        while True:
            there = wanted.keys() & self.devices()
            try:
                self.ip(f"link set {name} {change}" for name in sorted(there) for change in wanted[name])
            except enter.RunError:
                if there <= self.devices():
                    raise
            else:
                return

    def enforce(self, book: Book, before: Book | None = None) -> None:
        """Drop from now on what the faults that are in force say, and nothing else.

        :param before: what is enforced already, where that is known
        """
        if self.pid is None:
            return
        hosts = self._layout.load().hosts
        names = {
            (host.name, network): (port(host, network), _tap(host, network)) for host in hosts for network in host.networks()
        }
        rules = book.rules(names)
        if before is None or before.rules(names) != rules:
            enter.run([*enter.into(self.pid, "net"), "nft", "--file", "-"], rules)

    def set_cable(self, host: Host, network: str, cable: Cable) -> None:
        """Make a cable of a host as it shall be, but for what `enforce` does. A host that is off gets it so when it is on again."""
        name = port(host, network)
        if name not in self.devices():
            return
        state = "down" if cable.cut == BOTH else "up"
        if cable.delay_ms or cable.jitter_ms:
            self._put_wire(host, network, cable)
            self._change_ports({name: [state, "nomaster"], _tap(host, network): [f"master {bridge(network)} up"]})
        else:
            self._change_ports({name: [state, f"master {bridge(network)}"]})
            self._end_wire(name)

    def restore(self) -> None:
        """Make all cables whole."""
        self.enforce(Book())
        hosts = self._layout.load().hosts
        self._change_ports(
            {port(host, network): [f"master {bridge(network)} up"] for host in hosts for network in host.networks()}
        )
        for path in self._layout.run.glob("wire-*.pid"):
            self._end_wire(path.stem.removeprefix("wire-"))

    def _put_wire(self, host: Host, network: str, cable: Cable) -> None:
        """Have a process that holds frames back, or tell the one that does how long it shall."""
        name, tap = port(host, network), _tap(host, network)
        settings = self._layout.run / f"wire-{name}.json"
        new = settings.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(cable)))
        new.replace(settings)
        known = process.read_pid_file(self._wire_pid_file(name))
        if known is not None and tap in self.devices():
            os.kill(known.pid, signal.SIGHUP)
            return
        self._end_wire(name)
        argv = [sys.executable, "-I", "-S", str(wire.__file__), name, tap, str(settings)]
        process.write_pid_file(self._wire_pid_file(name), self.start_inside(argv, self._layout.logs / "wire.log"))
        deadline = time.monotonic() + START_DEADLINE_S
        while tap not in self.devices():
            if time.monotonic() > deadline or process.read_pid_file(self._wire_pid_file(name)) is None:
                raise enter.RunError(f"No slow cable could be made for {host.name}. See {self._layout.logs / 'wire.log'}.")
            time.sleep(_POLL_S)

    def _end_wire(self, name: str) -> None:
        known = process.read_pid_file(self._wire_pid_file(name))
        if known is not None:
            process.end(known, WIRE_DEADLINE_S)
        self._wire_pid_file(name).unlink(missing_ok=True)

    def _wire_pid_file(self, name: str) -> Path:
        return self._layout.run / f"wire-{name}.pid"


def bridge(network: str) -> str:
    return f"br-{network}"


def port(host: Host, network: str) -> str:
    """The switch's end of a cable."""
    return f"p{host.number}-{network}"


def _tap(host: Host, network: str) -> str:
    """What is on the bridge instead of the port while its cable is slow."""
    return f"w{host.number}-{network}"
