# SPDX-License-Identifier: Apache-2.0
"""Which hosts a lab has, and their places in its networks."""

import dataclasses
import ipaddress
from typing import ClassVar

from stxlab.errors import LabError

SHAPES = ("simplex", "duplex", "standard")
NETWORKS = ("mgmt", "cluster", "oam", "pxeboot")
CONTROLLER, WORKER, STORAGE = "controller", "worker", "storage"

# Wide enough for a thousand simulated hosts; oam is one for documentation.
SUBNETS = {
    "mgmt": ipaddress.ip_network("192.168.200.0/21"),
    "cluster": ipaddress.ip_network("192.168.208.0/21"),
    "oam": ipaddress.ip_network("192.0.2.0/24"),
    "pxeboot": ipaddress.ip_network("169.254.202.0/24"),
}
_FLOATING, _FIRST_CONTROLLER, _FIRST_OTHER, _FIRST_BOARD = 2, 3, 10, 130
MOST_HOSTS = _FIRST_BOARD - _FIRST_OTHER
# The simulated hosts are behind the last address of the management network.
FLEET_ADDRESS = str(SUBNETS["mgmt"][-2])
MOST_SIMULATED = 1900
# A worker is called so on the wire, a compute by its operators.
_NAMES = {CONTROLLER: "controller", WORKER: "compute", STORAGE: "storage"}


class UnknownHostError(LabError):
    """No host of the lab has that name."""


class TopologyError(LabError):
    """No lab can have such hosts."""


@dataclasses.dataclass(frozen=True)
class Host:
    """:ivar number: its place among all hosts of the lab, from 0"""

    name: str
    personality: str
    number: int

    def mac(self, network: str) -> str:
        """The MAC address of its port on a network; locally administered, so that it is no real card's.

        A host is installed over the card that it is managed over, so the two have the same.
        """
        if network == "pxeboot":
            network = "mgmt"
        return f"02:4c:ab:{NETWORKS.index(network):02x}:{self.number >> 8:02x}:{self.number & 0xFF:02x}"

    @property
    def board_mac(self) -> str:
        return f"02:4c:ab:ff:{self.number >> 8:02x}:{self.number & 0xFF:02x}"

    def networks(self) -> tuple[str, ...]:
        """Where it has a port: only controllers are reached by users."""
        return NETWORKS if self.personality == CONTROLLER else tuple(name for name in NETWORKS if name != "oam")

    def address(self, network: str) -> str:
        first = _FIRST_CONTROLLER if self.personality == CONTROLLER else _FIRST_OTHER
        return str(SUBNETS[network][first + self.number])

    @property
    def board_address(self) -> str:
        """Where its board controller answers, on oam."""
        return str(SUBNETS["oam"][_FIRST_BOARD + self.number])


@dataclasses.dataclass(frozen=True)
class Topology:
    shape: str
    hosts: tuple[Host, ...]

    def host(self, name: str) -> Host:
        """:raises UnknownHostError: naming those that there are"""
        for host in self.hosts:
            if host.name == name:
                return host
        raise UnknownHostError(f"There is no host {name}. There are: {', '.join(host.name for host in self.hosts)}.")

    def named(self, names: list[str]) -> list[Host]:
        """:raises UnknownHostError: naming those that there are"""
        return [self.host(name) for name in names]


@dataclasses.dataclass(frozen=True)
class Simulated:
    """A host that is only simulated.

    :ivar number: its place among them, from 0
    """

    START: ClassVar = "simulated-"

    number: int

    @property
    def name(self) -> str:
        return f"{self.START}{self.number}"

    @property
    def mac(self) -> str:
        """Of the port that it is managed over; its other ports follow it."""
        return f"02:4c:ac:00:{self.number >> 8:02x}:{self.number & 0xFF:02x}"


def floating_address(network: str) -> str:
    """The address of the active controller."""
    return str(SUBNETS[network][_FLOATING])


def make(shape: str, computes: int = 0, storages: int = 0) -> Topology:
    """The hosts of a lab, controllers first.

    :raises TopologyError: when the shape has no such hosts
    """
    if shape not in SHAPES:
        raise TopologyError(f"There is no shape {shape!r}: choose from {', '.join(SHAPES)}.")
    if min(computes, storages) < 0:
        raise TopologyError("The number of hosts cannot be negative.")
    if shape == "simplex" and computes + storages:
        raise TopologyError("A simplex system has one host only: choose the shape duplex or standard.")
    if shape == "duplex" and storages:
        raise TopologyError("A duplex system has no storage hosts: choose the shape standard.")
    if computes + storages > MOST_HOSTS:
        raise TopologyError(f"A lab has room for {MOST_HOSTS} hosts besides the controllers. `stx lab simulate` adds more.")
    wanted = [(CONTROLLER, 1 if shape == "simplex" else 2), (WORKER, computes), (STORAGE, storages)]
    places = [(personality, index) for personality, count in wanted for index in range(count)]
    return Topology(
        shape,
        tuple(Host(f"{_NAMES[personality]}-{index}", personality, number) for number, (personality, index) in enumerate(places)),
    )
