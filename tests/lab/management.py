# SPDX-License-Identifier: Apache-2.0
"""Hosts that the platform has in service, for tests of what becomes of them."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions

from stx.boards import Kind
from stxlab import board_files
from stxlab.errors import LabError
from tests.lab import base, platform

COMPUTES = ("compute-0", "compute-1", "compute-2")
ALONE, BOARDED, THIRD = COMPUTES
# A reboot, tests, services and a soak of 11 s, on a machine that is busy.
SERVICE_S = 120.0
# What takes a few seconds, on a machine that is busy.
SOON_S = 60.0
BOARD_S = 60.0


class Seen:
    """What the platform has published of one host, each time that it changed."""

    def __init__(self, test: "ManagedTestCase", name: str) -> None:
        self._test, self._name = test, name
        self._states: list[tuple[float, tuple[Any, ...]]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        test.addCleanup(self.end)

    def end(self) -> None:
        self._is_over.set()
        self._thread.join(30)

    def states(self) -> list[tuple[Any, ...]]:
        return [state for _, state in self._states]

    def changed_at(self, begun: float) -> float:
        """When something else was published first, from a moment on."""
        return next(moment for moment, _ in self._states if moment >= begun)

    def at(self, availability: str) -> float:
        """When this was published first, by the monotonic clock."""
        return next(moment for moment, state in self._states if state[2] == availability)

    def has(self, availability: str) -> bool:
        return any(state[2] == availability for _, state in tuple(self._states))

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            try:
                row = self._test.row(self._name)
            except (keystone_exceptions.ClientException, multiprocessing.TimeoutError):
                # The platform may be away.
                continue
            if row is None:
                continue
            state = tuple(row[name] for name in ("administrative", "operational", "availability", "task"))
            if not self._states or self._states[-1][1] != state:
                self._states.append((time.monotonic(), state))


class ManagedTestCase(platform.PlatformTestCase):
    """Three computes, of which one has a board that the platform knows."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.command, "heal-all")
        self.addCleanup(self.command, "join")

    def reboots(self, name: str, *words: str) -> None:
        """Have a command end a host's boot, and wait until it is online in another one."""
        before = self.boot_id(name)
        self.system(*words)

        def is_back() -> bool:
            return self.has_booted(name, before) and self.has_availability(name, "online") and not self.ihost_action(name)

        self.wait_for(f"{name} is back", is_back, SERVICE_S, 0.5)

    def in_service(self, *names: str) -> None:
        """Have hosts in service; they are locked again when the test ends, as others want them."""
        for name in names:
            if not self.is_in_service(name):
                if self.state(name)[0] != "locked":
                    self.locked(name)
                self.online(name)
                self.system("host-unlock", name)
            self.addCleanup(self.locked, name)
        for name in names:
            self.await_service(name)

    def await_service(self, name: str) -> None:
        self.wait_for(f"{name} is in service", lambda: self.is_in_service(name), SERVICE_S)

    def is_in_service(self, name: str) -> bool:
        return self.state(name) == ("unlocked", "enabled", "available")

    def state(self, name: str) -> tuple[str, str, str]:
        row = self.row(name)
        if row is None:
            return "locked", "disabled", "offline"
        return row["administrative"], row["operational"], row["availability"]

    def locked(self, name: str) -> None:
        if self.state(name)[0] == "locked":
            return
        self.command("heal-all")
        done = self.call("host-lock", "-f", name)
        self.assertEqual(0, done.returncode, done.stderr)
        self.wait_for(f"{name} is locked", lambda: self.state(name)[0] == "locked" and not self.ihost_action(name), SERVICE_S)
        if not self.machine(name).is_on:
            self.power_on(name)

    def ihost_action(self, name: str) -> Any:
        row = self.row(name)
        return row["ihost_action"] if row is not None else None

    def voters(self) -> set[str]:
        """Whose votes make a controller the active one."""
        return set(json.loads(self.machine(platform.FIRST).run(["sm-dump", "--lease", "-f", "json"]))["voters"])

    def boot_id(self, name: str) -> str:
        """:raises LabError: when it boots"""
        return base.boot_id(self.machine(name))

    def has_booted(self, name: str, before: str = "") -> bool:
        """Whether a host is in a boot, and another one than before."""
        try:
            return self.boot_id(name) != before
        except LabError:
            return False

    def to_test(self, name: str, command: str) -> str:
        """Have a host run one more test before it comes into service; gives where that is."""
        script = "/etc/goenabled.d/more.sh"
        self.machine(name).run(["sh", "-c", f"printf '#!/bin/sh\\n{command}\\n' > {script}; chmod 700 {script}"])
        self.addCleanup(self.no_more_test, name, script)
        return script

    def no_more_test(self, name: str, script: str) -> None:
        def is_gone() -> bool:
            try:
                return self.machine(name).run(["rm", "-f", script]) == ""
            except LabError:
                # Locked a moment ago, it boots.
                return False

        self.wait_for(f"{name} has no such test", is_gone, SERVICE_S)

    def with_board(self, name: str, kind: Kind = Kind.IPMI) -> None:
        """Have the platform know a host's board."""
        words = [f"bm_ip={self.wanted.host(name).board_address}", f"bm_username={board_files.USER}"]
        secret = self.lab.layout.read_secrets()["board"]
        self.system("host-update", name, f"bm_type={kind}", *words, f"bm_password={secret}")
        self.addCleanup(self.call, "host-update", name, "bm_type=none")

    def configure(self, options: str) -> None:
        """Have mtce-agent run with other options, those that may change meanwhile, until the test ends."""
        first, path = self.machine(platform.FIRST), "/etc/starlingx/starlingx.conf"
        before = first.run(["cat", path])
        again = "systemctl kill -s HUP --kill-whom=main mtce-agent"
        write = f'umask 077; printf %s "$1" > {path}; {again}'
        self.addCleanup(first.run, ["sh", "-c", write, "sh", before])
        first.run(["sh", "-c", write, "sh", f"{before}\n{options}"])

    def alarms(self, name: str) -> dict[str, str]:
        """Severity by id of the alarms of a host."""
        argv = ["bash", "-c", ". /root/openrc; fm alarm-list -f json"]
        found = json.loads(self.machine(platform.FIRST).run(argv, 60.0))
        return {each["Alarm ID"]: each["Severity"] for each in found if each["Entity ID"].split(".")[0] == f"host={name}"}

    def await_alarms(self, name: str, *ids: str) -> None:
        seen: list[dict[str, str]] = [{}]

        def is_so() -> bool:
            seen[0] = self.alarms(name)
            return set(seen[0]) == set(ids)

        try:
            self.wait_for(f"alarms {ids} of {name}", is_so, SOON_S, 0.5)
        except AssertionError as error:
            self.fail(f"{error}; there are {seen[0]}")

    def after(self, name: str, do: Callable[[], Any]) -> tuple[Seen, float]:
        """Have something happen; gives what is published of a host from before on, and when it was begun."""
        seen = Seen(self, name)
        self.wait_for("it is seen", lambda: bool(seen.states()), SOON_S)
        begun = time.monotonic()
        do()
        return seen, begun
