# SPDX-License-Identifier: Apache-2.0
"""Breaks hosts and their networks on purpose, and mends them. All of it acts from outside, also on hosts that hang."""

import contextlib
import dataclasses
import os
import select
import signal
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stxlab import enter, faultfile, power, programs, topology
from stxlab.errors import LabError
from stxlab.faultbook import Book, Cable, OnHost
from stxlab.groups import GroupError
from stxlab.lab import Lab
from stxlab.machine import Machine, PowerError
from stxlab.verbs import Order

# Programs that wait for a disk stop, and end, when it has answered.
SETTLED_DEADLINE_S = 60.0
FILL_DEADLINE_S = 60.0
_POWER = {"power-on": "on", "power-off": "off", "reset": "reset", "shutdown": "shutdown"}
_FILLER = ".stxlab-fill"
_MEMORY = ("tmpfs", "ramfs")
# Takes all room there is, then gives back what shall be left: how much the file system keeps for itself is not told.
_FILL = """
import contextlib, os, sys
directory, leave = sys.argv[1], int(sys.argv[2])
path = os.path.join(directory, sys.argv[3])
with contextlib.suppress(FileNotFoundError):
    os.unlink(path)
file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
size = 0
piece = 1 << 40
while piece >= 4096:
    room = os.statvfs(directory)
    piece = min(piece, room.f_bfree * room.f_frsize)
    if not piece:
        break
    try:
        os.posix_fallocate(file, size, piece)
    except OSError:
        piece //= 2
    size = os.fstat(file).st_size
size = max(0, size - leave)
os.ftruncate(file, size)
print(size)
"""


class FaultError(LabError):
    """The fault cannot be brought about; the message says why."""


class Faults:
    """What can be broken in a lab. Each method returns when it has taken effect, and gives what there is to tell."""

    def __init__(self, lab: Lab) -> None:
        self._layout = lab.layout
        self._switch = lab.switch
        self._lab = lab

    def carry_out(self, order: Order) -> str:
        """:raises FaultError: and those of Machine, Group and enter.run, when it cannot be done"""
        if order.verb in _POWER:
            machine = self._machine(order.arguments["host"])
            power.change(self._layout, machine, _POWER[order.verb])
            return ""
        told = getattr(self, order.verb.replace("-", "_"))(**order.arguments)
        return told or ""

    def hang(self, host: str, answers: bool = False) -> None:
        machine = self._running(host)
        with self._change(host) as state:
            self._write(host, dataclasses.replace(state, is_hung=True, is_silent=not answers))
            machine.group.freeze()
        deadline = time.monotonic() + SETTLED_DEADLINE_S
        while not machine.group.is_settled():
            if time.monotonic() > deadline:
                raise FaultError(f"Programs of {host} do not stop within {SETTLED_DEADLINE_S:g} s: they wait for the kernel.")
            time.sleep(0.001)

    def thaw(self, host: str) -> None:
        with self._change(host) as state:
            self._running(host).group.thaw()
            self._write(host, dataclasses.replace(state, is_hung=False, is_silent=False))

    def cut(self, host: str, network: str, direction: str = "both") -> None:
        self._set_cable(host, network, cut=direction)

    def loss(self, host: str, network: str, percent: float) -> None:
        self._set_cable(host, network, loss_percent=percent)

    def delay(self, host: str, network: str, ms: float, jitter: float = 0.0) -> None:
        self._set_cable(host, network, delay_ms=ms, jitter_ms=jitter)

    def heal(self, host: str, network: str) -> None:
        self._set_cable(host, network, is_known=False, **dataclasses.asdict(Cable()))

    def partition(self, sets: Sequence[Sequence[str]], networks: Sequence[str] | None = None) -> None:
        hosts = self._layout.load()
        hosts.named([name for members in sets for name in members])
        with faultfile.changing(self._layout) as write:
            book = faultfile.read(self._layout).parted(networks or topology.NETWORKS, sets)
            self._switch.enforce(book)
            write(book)

    def join(self, networks: Sequence[str] | None = None) -> None:
        with faultfile.changing(self._layout) as write:
            book = faultfile.read(self._layout).joined(networks or topology.NETWORKS)
            self._switch.enforce(book)
            write(book)

    def heal_all(self) -> str:
        """It does not trust the book: what is not in there is mended too."""
        told = []
        with faultfile.changing(self._layout) as write:
            book = faultfile.read(self._layout)
            for machine in self._lab.machines():
                host = machine.host
                for path in book.on_host(host.name).filled:
                    try:
                        self._empty(machine, path)
                    except (enter.RunError, PowerError) as error:
                        told.append(f"{path} of {host.name} is still full ({error})")
                        continue
                self._set_clock(machine, 0.0)
                if machine.is_on:
                    machine.group.thaw()
                    with contextlib.suppress(GroupError):
                        machine.group.limit_processors(0)
            self._switch.restore()
            write(Book())
        return "; ".join(told)

    def kill(self, host: str, name: str, signal: signal.Signals = signal.SIGKILL) -> str:
        machine = self._running(host)
        leader = machine.leader
        if leader is None:
            raise FaultError(f"{host} has not begun to boot yet.")
        found = list(programs.find(machine.group.pids(), leader.pid, name))
        try:
            if not found:
                running = ", ".join(sorted(programs.names(machine.group.pids(), leader.pid)))
                raise FaultError(f"No unit or program {name} runs on {host}. Those that run: {running}")
            for program in found:
                program.send(signal)
            if signal == signal.SIGKILL:
                self._await_ended([program.descriptor for program in found], f"{name} of {host}")
            return ", ".join(f"{program.name} ({program.inner_pid})" for program in found)
        finally:
            for program in found:
                os.close(program.descriptor)

    def fill(self, host: str, path: str, leave: float = 0.0) -> str:
        machine = self._running(host)
        kind = machine.run(["stat", "--file-system", "--format", "%T", path]).strip()
        if kind in _MEMORY:
            raise FaultError(
                f"{path} of {host} is not on a disk but in the machine's memory, which others need. Name another one."
            )
        with self._change(host) as state:
            argv = ["python3", "-c", _FILL, path, str(round(leave * 2**20)), _FILLER]
            size = int(machine.run(argv, deadline_s=FILL_DEADLINE_S))
            self._write(host, dataclasses.replace(state, filled=tuple(dict.fromkeys((*state.filled, path)))))
        return f"{size / 2**20:.0f} MiB taken"

    def empty(self, host: str, path: str) -> None:
        machine = self._running(host)
        with self._change(host) as state:
            self._empty(machine, path)
            self._write(host, dataclasses.replace(state, filled=tuple(name for name in state.filled if name != path)))

    def steal(self, host: str, percent: float) -> None:
        machine = self._machine(host)
        with self._change(host) as state:
            if machine.is_on:
                machine.group.limit_processors(percent)
            self._write(host, dataclasses.replace(state, stolen_percent=percent))

    def clock(self, host: str, seconds: float) -> None:
        machine = self._machine(host)
        leader = machine.leader
        if leader is not None and not programs.maps(leader.pid, "/run/stxlab/clock"):
            raise FaultError(
                f"The programs of {host} read the machine's own clock: its image is too old. Begin anew: stx lab down"
            )
        with self._change(host) as state:
            self._set_clock(machine, seconds)
            self._write(host, dataclasses.replace(state, clock_s=seconds))

    def _machine(self, host: str) -> Machine:
        return self._lab.machine(self._layout.load().host(host))

    def _running(self, host: str) -> Machine:
        machine = self._machine(host)
        if not machine.is_on:
            raise PowerError(f"{host} is off. Power it on: stx lab power-on {host}")
        return machine

    @contextlib.contextmanager
    def _change(self, host: str) -> Iterator[OnHost]:
        """What is wrong with a host, to be changed with `_write`."""
        with faultfile.changing(self._layout) as self._store:
            yield faultfile.read(self._layout).on_host(host)

    def _write(self, host: str, state: OnHost) -> None:
        before = faultfile.read(self._layout)
        book = before.with_host(host, state)
        if before.on_host(host).is_silent != state.is_silent:
            self._switch.enforce(book)
        self._store(book)

    def _set_cable(self, host: str, network: str, is_known: bool = True, **changes: Any) -> None:
        """:param is_known: whether the cable is as the book says, so that only what changes needs to be done"""
        found = self._layout.load().host(host)
        if network not in found.networks():
            raise FaultError(f"{host} has no port on {network}. It has: {', '.join(found.networks())}")
        with faultfile.changing(self._layout) as write:
            before = faultfile.read(self._layout)
            cable = dataclasses.replace(before.cable(host, network), **changes)
            book = before.with_cable(host, network, cable)
            self._switch.enforce(book, before if is_known else None)
            if not is_known or cable.port() != before.cable(host, network).port():
                self._switch.set_cable(found, network, cable)
            write(book)

    def _set_clock(self, machine: Machine, seconds: float) -> None:
        path: Path = machine.files.clock
        if not path.exists():
            return
        with path.open("r+b", buffering=0) as file:
            # One write of one word: programs that read it meanwhile see the old one or the new one.
            os.pwrite(file.fileno(), struct.pack("=q", round(seconds * 1e9)), 0)

    def _empty(self, machine: Machine, path: str) -> None:
        machine.run(["rm", "--force", f"{path}/{_FILLER}"])

    def _await_ended(self, descriptors: Sequence[int], what: str) -> None:
        deadline = time.monotonic() + SETTLED_DEADLINE_S
        for descriptor in descriptors:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise FaultError(f"{what} does not end even when killed: it waits for the kernel, or its host hangs.")
