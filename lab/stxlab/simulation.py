# SPDX-License-Identifier: Apache-2.0
"""A lab's simulated hosts: added to the platform, started as one process, waited for."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stxembedded import process
from stxlab import topology
from stxlab.errors import LabError
from stxlab.groups import Group
from stxlab.layout import Layout
from stxlab.machine import Machine
from stxlab.network import Switch, bridge
from stxlab.registration import PYTHON
from stxlab.topology import FLEET_ADDRESS, MOST_SIMULATED, SUBNETS, Simulated

Say = Callable[[str], None]

DEADLINE_S = 1800.0
STOP_DEADLINE_S = 20.0
_POLL_S = 0.5


class SimulationError(LabError):
    """The simulated hosts are not what was asked for; the message says what to do."""


class Simulation:
    """:param first: the first controller, which the hosts are added at"""

    def __init__(self, layout: Layout, switch: Switch, first: Machine, say: Say) -> None:
        self.group = Group(f"{layout.name}/fleet")
        self.log = layout.logs / "fleet.log"
        self._layout = layout
        self._switch = switch
        self._first = first
        self._say = say
        self._pid_file, self._conf, self._told = (layout.fleet.with_suffix(end) for end in (".pid", ".conf", ".json"))

    @property
    def process(self) -> process.Process | None:
        """None when there are no simulated hosts."""
        return process.read_pid_file(self._pid_file)

    @property
    def hosts(self) -> int:
        """How many are on."""
        return int(self._told_now().get("hosts", 0)) if self.process else 0

    def set(self, count: int, seed: int, deadline_s: float = DEADLINE_S) -> None:
        """Have so many, and wait until the platform has all of them online. Those that there were are powered off at once.

        :raises SimulationError: when they are not online in time
        """
        if not 0 <= count <= MOST_SIMULATED:
            raise SimulationError(f"There can be 0 to {MOST_SIMULATED} simulated hosts.")
        self._stop()
        if not count:
            return
        deadline = time.monotonic() + deadline_s
        hosts = [Simulated(number) for number in range(count)]
        wanted = [{"hostname": host.name, "personality": topology.WORKER, "mgmt_mac": host.mac} for host in hosts]
        self._ask({"add": wanted})
        self._start(count, seed)
        self._await_registered(count, deadline)
        self._ask({"await_online": Simulated.START, "hosts": count, "deadline_s": max(0.0, deadline - time.monotonic())})

    def _stop(self) -> None:
        known = self.process
        if known is not None:
            process.end(known, STOP_DEADLINE_S)
            self._say(f"{self._told_now().get('hosts', 'all')} simulated hosts are off")
        self._pid_file.unlink(missing_ok=True)

    def _start(self, count: int, seed: int) -> None:
        subnet = SUBNETS["mgmt"]
        self._switch.ip([f"address replace {FLEET_ADDRESS}/{subnet.prefixlen} dev {bridge('mgmt')}"])
        self._told.unlink(missing_ok=True)
        secrets = self._layout.read_secrets()
        # One process speaks for all simulated hosts, which only a controller may.
        key = self._conf.with_suffix(".key")
        self._write(key, f"{secrets['master']}\n")
        bus = f"rabbit://stx:{secrets['bus']}@{topology.floating_address('mgmt')}:5672/"
        self._write(
            self._conf,
            f"[DEFAULT]\nhost = fleet\ntransport_url = {bus}\nmaster_key_file = {key}\n"
            f"state_path = {self._layout.run}\nrun_path = {self._layout.run}\n"
            f"[fleet]\nhosts = {count}\nseed = {seed}\ntold = {self._told}\n",
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        argv = [sys.executable, "-P", "-m", "stxlab.fleet", f"--config-file={self._conf}"]
        process.write_pid_file(self._pid_file, self._switch.start_inside(argv, self.log, self.group, environment))
        self._say(f"{count} simulated hosts are on")

    @staticmethod
    def _write(path: Path, content: str) -> None:
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(content)

    def _await_registered(self, count: int, deadline: float) -> None:
        said, registered = time.monotonic(), 0
        while registered < count:
            if self.process is None:
                raise SimulationError(f"The simulated hosts have ended. See {self.log}.")
            told = self._told_now()
            registered = told.get("registered", 0)
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                self._say(f"{registered} of {count} simulated hosts are registered with their inventory")
            if time.monotonic() > deadline:
                raise SimulationError(
                    f"{count - registered} of {count} simulated hosts are not registered in time. The last was refused because: "
                    f"{told.get('last_refusal') or 'none was refused'} See {self.log}."
                )
            time.sleep(_POLL_S)
        self._say(f"{count} simulated hosts are registered with their inventory")

    def _told_now(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._told.read_text()))
        except FileNotFoundError:
            return {}

    def _ask(self, orders: dict[str, Any]) -> None:
        """Have the first controller do something; what it tells of it is told."""
        argv = self._first.argv([PYTHON, "-u", "-m", "stxlab.adding"])
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
            assert asking.stdin is not None and asking.stdout is not None and asking.stderr is not None
            with asking.stdin:
                json.dump(orders, asking.stdin)
            for line in asking.stdout:
                self._say(line.rstrip())
            complaint = asking.stderr.read().strip().splitlines()
        if asking.returncode:
            raise SimulationError(complaint[-1] if complaint else f"The platform could not be asked ({asking.returncode}).")
