# SPDX-License-Identifier: Apache-2.0
"""Which address a host has on the management network (spec sysinv.md 1.8.1, 6.1)."""

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sysinv import states
from sysinv.rules import Refusal

Host = Mapping[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FLOATING = 2
# By name, as an offset in the subnet.
_CONTROLLERS = {"controller-0": 3, "controller-1": 4}
# The first that a plan may give to hosts that are no controllers.
FIRST_START = max(_CONTROLLERS.values()) + 1


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the addresses of the management network are for.

    :ivar start: offset of the first address that hosts get which are no controllers
    """

    subnet: Network
    start: int

    @property
    def _end(self) -> int:
        """The offset after the last address that a host can have."""
        return self.subnet.num_addresses - (1 if self.subnet.version == 4 else 0)

    def kept(self) -> dict[str, str]:
        """Whose each address is that no other host can have."""
        return {
            floating(self.subnet): "the active controller",
            **{str(self.subnet[at]): name for name, at in _CONTROLLERS.items()},
        }

    def contains(self, address: str) -> bool:
        """Whether a host can have this address here."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return found.version == self.subnet.version and 0 < int(found) - int(self.subnet.network_address) < self._end

    def free(self, host: Host, taken: set[str]) -> str | None:
        """The address that the host gets: a controller its own, any other the lowest; None when there is none."""
        if host["personality"] == states.CONTROLLER:
            places: Iterable[int] = (_CONTROLLERS[name] for name in _CONTROLLERS if name == host["hostname"])
        else:
            places = range(self.start, self._end)
        return next((address for at in places if (address := str(self.subnet[at])) not in taken), None)


def network(subnet: str) -> Network:
    """:raises ValueError: with a sentence, when it is none or a very small one"""
    try:
        found = ipaddress.ip_network(subnet)
    except ValueError as error:
        raise ValueError(f"{error}. A subnet is written like 192.168.204.0/24.") from error
    if found.num_addresses < 8:
        raise ValueError(f"{subnet} has no room for two controllers and their common address: take a larger one.")
    return found


def floating(subnet: Network) -> str:
    """The active controller's address."""
    return str(subnet[_FLOATING])


def plan(subnet: str, start: int) -> Plan:
    """:raises ValueError: with a sentence, when there is no such subnet or it has no room for hosts"""
    made = Plan(network(subnet), start)
    if made._end <= start:
        raise ValueError(f"{subnet} has no room for hosts from its address number {start} on: take a larger one.")
    return made


def give(where: Plan, host: Host, others: Sequence[Host]) -> tuple[str | None, list[Refusal]]:
    """The management address of a host, and the reasons against it.

    What it has or was given it keeps; one that was given must be of the network and nobody else's. That no other host has it is
    another rule's business.

    :param host: with personality and name, or at least an address
    """
    address = host.get("mgmt_ip")
    if not address:
        address = where.free(host, {str(other["mgmt_ip"]) for other in others})
        if address is None:
            return None, [Refusal(f"The management network {where.subnet} has no free address for it.", conflict=True)]
        return address, []
    if not where.contains(address):
        return address, [Refusal(f"{address} is not an address for hosts of the management network {where.subnet}.")]
    owner = where.kept().get(str(ipaddress.ip_address(address)))
    if owner is not None and owner != host.get("hostname"):
        return address, [Refusal(f"The management address {address} is kept for {owner}.", conflict=True)]
    return str(ipaddress.ip_address(address)), []
