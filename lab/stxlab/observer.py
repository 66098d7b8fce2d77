# SPDX-License-Identifier: Apache-2.0
"""Watches a lab from outside its hosts: `python -m stxlab.observer LAB BEGUN`, inside the name space of the switch.

Ten times a second it asks each host on each network for its hardware address, from the switch: a host that runs answers at once, by
itself, and nothing has to be known or remembered for it. Besides, each port of a host calls the others, from a socket that the observer
has there, so that one sees who hears whom. What has changed is printed, as events of a timeline (timeline.py), a line of JSON each.

BEGUN is the moment of the machine's monotonic clock from which times are counted. It ends with its standard input.
"""

import contextlib
import ctypes
import dataclasses
import json
import math
import os
import re
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from stxembedded import process
from stxlab import hoststates, timeline, topology
from stxlab.layout import Layout
from stxlab.machine import Machine
from stxlab.network import Switch, bridge
from stxlab.reach import ANSWERS, IS_OFF, NO_ADDRESS, Hearing, Reach, Rounds, fresh_s
from stxlab.topology import NETWORKS, SUBNETS, Host

PERIOD_S = 0.1
# In large labs, hosts are asked less often.
MOST_PROBES = 800
# Calls from host to host that all sockets together may get in a second.
MOST_CALLS = 1500
# Beyond this, who hears whom would be known too late to be of use.
LONGEST_CALL_PERIOD_S = 5.0
_POWER_PERIOD_S = 0.1
_BOOTING_PERIOD_S, _SETTLED_PERIOD_S = 0.5, 3.0
_ADDRESS_PERIOD_S = 1.0
_SETTLED = ("running", "degraded")
# What systemctl says before systemd is ready to answer.
_BOOTING = dict.fromkeys(("offline", "unknown", "initializing"), "starting")

_ARP, _CALL = 0x0806, 0x88B5  # The second is for local experiments.
_REQUEST, _REPLY = 1, 2
_EVERYBODY = b"\xff" * 6
# Hardware addresses to which answers go: which one tells to which probe it is the answer.
_PROBES = 64
_PROBER = bytes.fromhex("024cabfd00")
_HEADER = struct.Struct("!6s6sH")
_BODY = struct.Struct("!HHBBH6s4s6s4s")
_MOMENT = struct.Struct("!d")
_PACKET_IGNORE_OUTGOING, _SOL_PACKET, _SO_TIMESTAMPNS = 23, 263, 35
_TIMESPEC = struct.Struct("@qq")
_EXTRA_BYTES = 64
_NEW_NETWORK = 0x40000000
_OWN_ADDRESS = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")

Emit = Callable[[float, str, str, str, str], None]


def packet(target: bytes, source: bytes, asker: bytes, address: str) -> bytes:
    """A question who has an address, from nobody's: the answer tells only the asker, and nobody remembers it."""
    body = _BODY.pack(1, 0x0800, 6, 4, _REQUEST, asker, bytes(4), bytes(6), ip_address(address).packed)
    return _HEADER.pack(target, source, _ARP) + body


def answer(frame: bytes) -> tuple[str, int] | None:
    """Whose answer to which probe a frame is: address and number; None for all others."""
    if len(frame) < _HEADER.size + _BODY.size or frame[12:14] != b"\x08\x06":
        return None
    _, _, _, _, kind, _, sender, asker, _ = _BODY.unpack_from(frame, _HEADER.size)
    if kind != _REPLY or asker[:5] != _PROBER or asker[5] >= _PROBES:
        return None
    return socket.inet_ntoa(sender), asker[5]


def addresses(trie: str) -> dict[str, str]:
    """The address of a host on each network, from /proc/PID/net/fib_trie; a floating one counts only where there is no other."""
    found: dict[str, str] = {}
    for text in dict.fromkeys(_OWN_ADDRESS.findall(trie)):
        for network, subnet in SUBNETS.items():
            if ip_address(text) in subnet and (network not in found or found[network] == topology.floating_address(network)):
                found[network] = text
    return found


@dataclasses.dataclass
class _Port:
    """:ivar called: when the switch heard it last
    :ivar sent: when the probe of each number was sent
    """

    host: Host
    network: str
    mac: bytes
    hearing: Hearing
    called: float = -math.inf
    reach: Reach = dataclasses.field(default_factory=Reach)
    address: str | None = None
    caller: socket.socket | None = None
    what: str = ""
    sent: dict[int, float] = dataclasses.field(default_factory=dict)


class Observer:
    def __init__(self, layout: Layout, emit: Emit) -> None:
        self._emit = emit
        self._layout = layout
        hosts = layout.load().hosts
        self._hosts = {host.name: host for host in hosts}
        listeners = sum(sum(network in host.networks() for host in hosts) ** 2 for network in NETWORKS)
        self._call_period_s = max(PERIOD_S, listeners / MOST_CALLS)
        self._probe_period_s = max(PERIOD_S, sum(len(host.networks()) for host in hosts) / MOST_PROBES)
        now = time.monotonic()
        self._ports = {
            (host.name, network): _Port(
                host, network, bytes.fromhex(host.mac(network).replace(":", "")), Hearing(self._call_period_s, now)
            )
            for host in hosts
            for network in host.networks()
        }
        self._selector = selectors.DefaultSelector()
        self._bridges = {network: self._open_bridge(network) for network in NETWORKS}
        self._by_address: dict[tuple[str, str], _Port] = {}
        self._holders: dict[str, int | None] = {}
        self._number = 0
        self._rounds = Rounds()

    def run(self) -> None:
        """Until the standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        next_probe = next_call = next_address = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_address:
                self._look_for_hosts()
                next_address = now + _ADDRESS_PERIOD_S / 2
            if now >= next_call and self._call_period_s <= LONGEST_CALL_PERIOD_S:
                self._call()
                next_call = max(next_call + self._call_period_s, now)
            if now >= next_probe:
                self._probe()
                self._look()
                next_probe = max(next_probe + self._probe_period_s, now)
            for key, _ in self._selector.select(max(0.0, min(next_probe, next_call) - time.monotonic())):
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _open_bridge(self, network: str) -> socket.socket:
        name = bridge(network)
        # Answers go to addresses that are the bridge's own: to others, they would go to all ports.
        commands = [f"fdb replace {(_PROBER + bytes([number])).hex(':')} dev {name} self local" for number in range(_PROBES)]
        subprocess.run(["bridge", "-batch", "-"], input="\n".join(commands), text=True, check=True, capture_output=True)
        made = _open(name, _ARP)
        self._selector.register(made, selectors.EVENT_READ, lambda ready: self._answered(network, ready))
        calls = _open(name, _CALL)
        self._selector.register(calls, selectors.EVENT_READ, lambda ready: self._overheard(network, ready))
        return made

    def _look_for_hosts(self) -> None:
        """Hosts that were powered on or off, and what addresses they have."""
        for name, host in self._hosts.items():
            holder = process.read_pid_file(self._layout.host(host).holder)
            pid = holder.pid if holder else None
            if pid != self._holders.get(name):
                self._holders[name] = pid
                self._close_callers(host)
            if pid is not None:
                self._open_callers(host, pid)
                self._learn_addresses(host, pid)

    def _learn_addresses(self, host: Host, pid: int) -> None:
        try:
            found = addresses(Path(f"/proc/{pid}/net/fib_trie").read_text())
        except OSError:
            return
        for network in host.networks():
            port = self._ports[host.name, network]
            if found.get(network) == port.address:
                continue
            self._by_address.pop((network, port.address or ""), None)
            if (address := found.get(network)) is not None:
                self._by_address[network, address] = port
            if (address is None) != (port.address is None):
                port.reach, port.sent = Reach(), {}
            port.address = address

    def _close_callers(self, host: Host) -> None:
        for network in host.networks():
            port = self._ports[host.name, network]
            if port.caller is not None:
                self._selector.unregister(port.caller)
                port.caller.close()
                port.caller = None
                self._emit(time.monotonic(), "hears", host.name, network, IS_OFF)

    def _open_callers(self, host: Host, pid: int) -> None:
        """Those that are not open: a host gets its ports a moment after it is powered on."""
        closed = [port for network in host.networks() if (port := self._ports[host.name, network]).caller is None]
        if not closed:
            return
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            for port in closed:
                port.hearing = Hearing(self._call_period_s, time.monotonic())
                port.caller = self._open_caller(port, pid)
        finally:
            _enter(own)
            os.close(own)

    def _open_caller(self, port: _Port, pid: int) -> socket.socket | None:
        try:
            there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            try:
                _enter(there)
                made = _open(port.network, _CALL)
            finally:
                os.close(there)
        except OSError:
            # It was powered off meanwhile, or has no port yet.
            return None
        self._selector.register(made, selectors.EVENT_READ, lambda ready: self._heard(port, ready))
        return made

    def _call(self) -> None:
        for port in self._ports.values():
            now = time.monotonic()
            if port.address is None:
                # There is nothing to ask it. Whether the switch hears its calls says as much of its cable, in one direction.
                port.reach.sent(now)
            if port.caller is not None:
                _send(
                    port.caller,
                    _HEADER.pack(_EVERYBODY, port.mac, _CALL) + _MOMENT.pack(now) + port.host.name.encode().ljust(46, b"\0"),
                )

    def _heard(self, port: _Port, ready: socket.socket) -> None:
        for at, frame in _received(ready):
            port.hearing.heard(_called(frame)[0], at)

    def _overheard(self, network: str, ready: socket.socket) -> None:
        for at, frame in _received(ready):
            caller, sent = _called(frame)
            if (port := self._ports.get((caller, network))) is not None:
                port.called = at
                if port.address is None:
                    port.reach.answered(sent, at)

    def _probe(self) -> None:
        self._number = (self._number + 1) % _PROBES
        asker = _PROBER + bytes([self._number])
        begun = time.monotonic()
        for port in self._ports.values():
            if port.address is not None:
                now = port.sent[self._number] = time.monotonic()
                port.reach.sent(now)
                _send(self._bridges[port.network], packet(port.mac, asker, asker, port.address))
        self._rounds.add(begun, time.monotonic())

    def _answered(self, network: str, ready: socket.socket) -> None:
        for at, frame in _received(ready):
            told = answer(frame)
            port = self._by_address.get((network, told[0])) if told else None
            if told and port is not None and (sent := port.sent.pop(told[1], None)) is not None:
                port.reach.answered(sent, at)

    def _look(self) -> None:
        now = time.monotonic()
        fresh = now - fresh_s(self._call_period_s)
        for port in self._ports.values():
            told = port.reach.look(now)
            if told is None:
                continue
            what = NO_ADDRESS if port.address is None and told[1] == ANSWERS else told[1]
            if what != port.what:
                port.what = what
                self._emit(told[0], "reach", port.host.name, port.network, what)
        callers = [port for port in self._ports.values() if port.caller is not None]
        for port in callers:
            name, network = port.host.name, port.network
            # A host that nobody can hear is no news of each of the others.
            others = [
                other.host.name for other in callers if other.network == network and other is not port and other.called > fresh
            ]
            if (heard := port.hearing.look(others, now)) is not None:
                self._emit(heard[0], "hears", name, network, heard[1])
        if (until := self._rounds.certain(now)) is not None:
            self._emit(until, timeline.LOOKED, "", "", timeline.NETWORK)


def watch_power(layout: Layout, emit: Emit) -> None:
    """Tell when hosts are powered on and off, hang, and boot. Never returns."""
    machines = [Machine(layout, host, Switch(layout)) for host in layout.load().hosts]
    told: dict[str, str] = {}
    due: dict[str, float] = {}
    holders: dict[str, process.Process | None] = {}

    def tell(name: str, state: str) -> None:
        if state != told.get(name):
            told[name] = state
            emit(time.monotonic(), "power", name, "", state)

    while True:
        begun = time.monotonic()
        for machine in machines:
            name, holder = machine.host.name, process.read_pid_file(machine.files.holder)
            if holder != holders.get(name):
                # It was off, if only for a moment.
                if name in holders:
                    tell(name, "off")
                holders[name], due[name] = holder, 0.0
            if holder is None:
                tell(name, "off")
            elif machine.hangs:
                tell(name, "frozen")
            elif time.monotonic() >= due.get(name, 0.0) or told[name] == "frozen":
                state = _state(machine, holder)
                due[name] = time.monotonic() + (_SETTLED_PERIOD_S if state in _SETTLED else _BOOTING_PERIOD_S)
                tell(name, state)
        emit(begun, timeline.LOOKED, "", "", timeline.POWER)
        time.sleep(max(0.0, begun + _POWER_PERIOD_S - time.monotonic()))


def _state(machine: Machine, holder: process.Process) -> str:
    """What a host is that is on. One whose power changed while it was asked was off, if only for a moment."""
    state = machine.state()
    return _BOOTING.get(state, state) if process.read_pid_file(machine.files.holder) == holder else "off"


def _open(device: str, protocol: int) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.bind((device, protocol))
    made.setblocking(False)
    return made


def _called(frame: bytes) -> tuple[str, float]:
    """Who called, and when."""
    (sent,) = _MOMENT.unpack_from(frame, _HEADER.size)
    return frame[_HEADER.size + _MOMENT.size :].rstrip(b"\0").decode(errors="replace"), sent


def _send(target: socket.socket, frame: bytes) -> None:
    try:
        target.send(frame)
    except OSError:
        # A port that is down, or full: nobody hears it, which is what is measured.
        return


def _received(ready: socket.socket) -> list[tuple[float, bytes]]:
    """Frames, and when they arrived: the kernel knows it better than a process that had to wait for its turn."""
    clocks_apart_s = time.time() - time.monotonic()
    frames = []
    try:
        while True:
            frame, extra, _, _ = ready.recvmsg(2048, _EXTRA_BYTES)
            at = time.monotonic()
            for level, kind, content in extra:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, nanoseconds = _TIMESPEC.unpack(content)
                    at = seconds + nanoseconds / 1e9 - clocks_apart_s
            frames.append((at, frame))
    except OSError:
        return frames


def _enter(descriptor: int) -> None:
    """Have this thread in another network name space."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


def main() -> None:
    layout, begun = Layout(Path(sys.argv[1])), float(sys.argv[2])
    turn = threading.Lock()

    def emit(at: float, kind: str, host: str, network: str, what: str) -> None:
        line = json.dumps({"time_s": round(at - begun, 3), "kind": kind, "host": host, "network": network, "what": what})
        with turn:
            print(line, flush=True)

    observer = Observer(layout, emit)
    for watch in (watch_power, hoststates.watch):
        threading.Thread(target=watch, args=(layout, emit), daemon=True).start()
    with contextlib.suppress(OSError):
        # Of this thread alone: one that waits for the processor would find hosts slow that are not.
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    observer.run()


if __name__ == "__main__":
    main()
