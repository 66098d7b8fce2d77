# SPDX-License-Identifier: Apache-2.0
"""This platform's own Service Management, on a lab with all that a controller runs."""

import json
from pathlib import Path

from bench.failover_product import ROOT, FailoverError, Product
from stxlab import layout, topology
from stxlab.errors import LabError
from stxlab.image import Image
from stxlab.lab import Lab, Say
from stxlab.layout import Layout
from stxlab.machine import Machine

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
        self.login = f"dbname=sysinv user=stx password={self.lab.layout.read_secrets()['database']}"

    def take_down(self) -> None:
        with self.lab.turn("bench sm-failover"):
            self.lab.down()

    def active(self) -> Machine:
        found = [machine for machine in self.controllers() if machine.is_on and self.phase(machine) == "active"]
        if len(found) != 1:
            raise FailoverError(f"{len(found)} controllers are active.")
        return found[0]

    def phase(self, machine: Machine) -> str:
        return self._state(machine)["phase"]

    def is_ready(self) -> bool:
        active = self.active()
        is_together = self._state(active)["copies"] == "together"
        return is_together and self._groups(active) == {"active"} and len(self._state(active)["voters"]) > 1

    def bring_back(self, machine: Machine) -> None:
        """It comes back by itself."""

    @staticmethod
    def _state(machine: Machine) -> dict[str, str]:
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
