# SPDX-License-Identifier: Apache-2.0
"""A lab as a whole: brought up, looked at, taken down."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stxlab import boards, faultfile, registration, seeds
from stxlab.errors import LabError
from stxlab.groups import Group
from stxlab.image import Image
from stxlab.layout import Layout
from stxlab.machine import Machine
from stxlab.network import Switch
from stxlab.simulation import Simulation
from stxlab.topology import Host, Topology

Say = Callable[[str], None]

BOOT_DEADLINE_S = 120.0
SERVICES_DEADLINE_S = 120.0
_POLL_S = 0.1


class Lab:
    """:param say: told of each step that is done"""

    def __init__(self, layout: Layout, image: Image, say: Say) -> None:
        self.layout = layout
        self.image = image
        self.switch = Switch(layout)
        self.group = Group(layout.name)
        self.say = say

    def machine(self, host: Host) -> Machine:
        return Machine(self.layout, host, self.switch)

    def simulation(self) -> Simulation:
        return Simulation(self.layout, self.switch, self.machine(self.layout.load().hosts[0]), self.say)

    def machines(self) -> list[Machine]:
        return [self.machine(host) for host in self.layout.load().hosts]

    @contextlib.contextmanager
    def turn(self, command: str) -> Iterator[None]:
        """Only one command changes a lab at a time.

        :raises LabError: naming the one that is at work
        """
        self.layout.make()
        with self.layout.lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise LabError(f"`stx lab {lock.read().strip()}` is at work on this lab. Wait for it, or end it.") from None
            lock.truncate(0)
            lock.write(f"{command} (pid {os.getpid()})")
            lock.flush()
            yield

    def up(self, wanted: Topology, wait: bool = False) -> None:
        """Power everything on.

        :param wait: until the platform has all hosts; then the first controller is powered on first, and the others when it serves
        :raises LabError: when a lab of other hosts is there
        :raises RunError: when hosts are not there in time
        """
        if self.layout.description.exists() and self.layout.load() != wanted:
            raise LabError("There is a lab with other hosts already. Take it down first: stx lab down")
        if not self.layout.description.exists():
            self.layout.save(wanted, self.image.build())
        self._make_secrets()
        self.group.make()
        self.switch.start()
        self.say(f"networks are there: {', '.join(sorted({n for host in wanted.hosts for n in host.networks()}))}")
        for told in boards.start(self.layout, wanted.hosts, self.switch, self.layout.read_secrets()["board"]):
            self.say(told)
        first, others = self.machine(wanted.hosts[0]), [self.machine(host) for host in wanted.hosts[1:]]
        self._power_on(wanted, [first])
        if wait:
            self.say(f"{first.host.name} boots")
            registration.await_service(first)
            self.say(f"{first.host.name} serves")
        self._power_on(wanted, others)
        self.say(f"{len(wanted.hosts)} hosts are on")
        if wait and others:
            registration.await_online(first, wanted, self.say)

    def _power_on(self, wanted: Topology, machines: Iterable[Machine]) -> None:
        for machine in machines:
            if not machine.is_on:
                if not machine.files.disk.exists():
                    seeds.write(self.layout, wanted, machine.host, self.layout.read_secrets())
                machine.power_on(self.layout.layers())

    def await_running(self, machine: Machine, deadline_s: float = BOOT_DEADLINE_S) -> str:
        """Wait until a host has booted. Gives running, or degraded when a unit of it failed."""
        deadline = time.monotonic() + deadline_s
        while (state := machine.state()) not in ("running", "degraded"):
            if time.monotonic() > deadline:
                raise LabError(f"{machine.host.name} is {state} after {deadline_s:g} s. See: stx lab console {machine.host.name}")
            time.sleep(_POLL_S)
        return state

    def down(self) -> int:
        """End and remove everything, whatever state it is in. Gives how many processes there were."""
        ended = self.group.end()
        for path in ("hosts", "run", "log"):
            shutil.rmtree(self.layout.directory / path, ignore_errors=True)
        for file in (self.layout.secrets, self.layout.faults, self.layout.description):
            file.unlink(missing_ok=True)
        return ended

    def status(self) -> list[dict[str, Any]]:
        """What is told of each host."""
        rows = []
        book = faultfile.read(self.layout)
        for machine in self.machines():
            is_on = machine.is_on
            rows.append(
                {
                    "host": machine.host.name,
                    "state": machine.state(),
                    "memory_mib": round(machine.group.memory_bytes() / 2**20) if is_on else None,
                    "processes": len(machine.group.pids()) if is_on else None,
                    "mgmt_mac": machine.host.mac("mgmt"),
                    "board": machine.host.board_address,
                    "faults": "; ".join(book.texts(machine.host.name)) or None,
                }
            )
        simulation = self.simulation()
        if simulation.hosts:
            rows.append(
                {
                    "host": f"{simulation.hosts} simulated",
                    "state": "running",
                    "memory_mib": round(simulation.group.memory_bytes() / 2**20),
                    "processes": len(simulation.group.pids()),
                    "mgmt_mac": None,
                    "board": None,
                    "faults": None,
                }
            )
        return rows

    def _make_secrets(self) -> None:
        if not self.layout.secrets.exists():
            descriptor = os.open(self.layout.secrets, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                made = {name: secrets.token_urlsafe(24) for name in ("bus", "sm", "pulse", "master", "database", "files")}
                json.dump({**made, "board": secrets.token_urlsafe(12)}, file)
