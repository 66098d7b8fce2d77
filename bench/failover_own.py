# SPDX-License-Identifier: Apache-2.0
"""This platform's own Service Management, on a lab with all that a controller runs."""

import json
from pathlib import Path
from typing import Any

from bench.failover_product import READY_DEADLINE_S, ROOT, FailoverError, Product, wait_for
from stxlab import layout, topology
from stxlab.errors import LabError
from stxlab.image import Image
from stxlab.lab import Lab, Say
from stxlab.layout import Layout
from stxlab.machine import Machine

DEADLINE_S = 60.0
IN_SERVICE = ("unlocked", "enabled", "available")
# Of all hosts; a command of the platform costs as much as is measured.
_SELECT = "SELECT hostname, administrative, operational, availability, coalesce(ihost_action, ''), coalesce(task, '') FROM i_host"
_STATES = ["runuser", "-u", "postgres", "--", "psql", "-qAtF", "|", "-d", "sysinv", "-c", _SELECT]
# Of whoever uses the database of two controllers and nobody else.
OUTSIDE = topology.SUBNETS["mgmt"][-3]


class OwnProduct(Product):
    """:param directory: of the lab"""

    name = "service_management"
    wanted = topology.make("standard", computes=1)

    def __init__(self, directory: Path, say: Say) -> None:
        self.lab = Lab(Layout(directory), Image(ROOT, layout.cache_directory(), say), lambda _: None)

    def bring_up(self) -> None:
        with self.lab.turn("bench sm-failover"):
            self.lab.down()
            self.lab.layout.make()
            self.lab.up(self.wanted, wait=True)
        # Others vote, or follow, once they are in service.
        self.in_service(*(self.lab.machine(host) for host in self.wanted.hosts))
        self.login = f"dbname=sysinv user=stx password={self.lab.layout.read_secrets()['database']}"

    def take_down(self) -> None:
        with self.lab.turn("bench sm-failover"):
            self.lab.down()

    def active(self) -> Machine:
        found = [machine for machine in self.controllers() if machine.is_on and self._is_active(machine)]
        if len(found) != 1:
            raise FailoverError(f"{len(found)} controllers are active.")
        return found[0]

    def _is_active(self, machine: Machine) -> bool:
        try:
            return self.phase(machine) == "active"
        except FailoverError:
            # It boots, or ends.
            return False

    def phase(self, machine: Machine) -> str:
        return str(self._state(machine)["phase"])

    def is_ready(self) -> bool:
        active = self.active()
        state = self._state(active)
        # While one voter more, or who has all data, is still to be agreed on, nobody could take over. Of two voters neither can be lost.
        is_safe = state["copies"] == "together" and state["agreed"] and len(state["eligible"]) > 1 and len(state["voters"]) > 2
        is_well = is_safe and self._groups(active) == {"active"}
        # One that was cut off for long is rebooted when it is back.
        return is_well and {state[:3] for state in self._states().values()} == {IN_SERVICE}

    def bring_back(self, machine: Machine) -> None:
        """It comes back by itself."""

    def system(self, *words: str) -> str:
        """What a `system` command prints on the active controller.

        :raises LabError: with what it says, when it fails
        """
        return self.active().run(["bash", "-c", '. /root/openrc; exec system "$@"', "system", *words], DEADLINE_S)

    def in_service(self, *machines: Machine) -> None:
        """Have hosts that are locked, or are about to be, unlocked, and wait for them."""
        names = {machine.host.name for machine in machines}
        wait_for(f"{', '.join(sorted(names))} in service", lambda: self._are_in_service(names), READY_DEADLINE_S)

    def _are_in_service(self, names: set[str]) -> bool:
        """Whether they are, and nothing is about to be done to them; those that are locked for good are unlocked."""
        states = {name: state for name, state in self._states().items() if name in names}
        for name in sorted(name for name, state in states.items() if state[0] == "locked" and not state[3]):
            self.system("host-unlock", name)
        return states.keys() == names and set(states.values()) == {(*IN_SERVICE, "", "")}

    def _states(self, told_by: Machine | None = None) -> dict[str, tuple[str, ...]]:
        """What hosts are, what is asked of them, and what is being done."""
        rows = (row.split("|") for row in (told_by or self.active()).run(_STATES).splitlines())
        return {name: tuple(state) for name, *state in rows}

    def host(self, name: str, told_by: Machine | None = None) -> tuple[str, ...]:
        """Its three states, what is asked of it, and what is being done with it or how that has just ended.

        :param told_by: a controller that has the data; by default the active one is looked for
        """
        return self._states(told_by)[name]

    def eligible(self) -> set[str]:
        """The controllers that have all data."""
        return set(self._state(self.active())["eligible"])

    @staticmethod
    def _state(machine: Machine) -> dict[str, Any]:
        try:
            return dict(json.loads(machine.run(["sm-dump", "--lease", "-f", "json"])))
        except LabError as error:
            raise FailoverError(f"{machine.host.name} does not tell what it is: {error}") from error

    @staticmethod
    def _groups(machine: Machine) -> set[str]:
        return {group["state"] for group in json.loads(machine.run(["sm-dump", "-f", "json"]))["service_groups"]}


class DuplexProduct(OwnProduct):
    """Two controllers and nobody else: their boards have the third vote."""

    name = "service_management_duplex"
    wanted = topology.make("duplex")

    def bring_up(self) -> None:
        super().bring_up()
        self.lab.switch.ip([f"address replace {OUTSIDE}/{topology.SUBNETS['mgmt'].prefixlen} dev br-mgmt"])

    def client(self) -> int:
        if self.lab.switch.pid is None:
            raise FailoverError("The lab's networks are not there.")
        return self.lab.switch.pid
