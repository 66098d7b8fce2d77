# SPDX-License-Identifier: Apache-2.0
"""Which networks of a host have lost a link: ports and interfaces (spec mtce-sm.md A6.1)."""

import dataclasses
from collections.abc import Mapping

from mtce.resources.levels import INTERFACES, PORTS, Reading, Severity, Subject


@dataclasses.dataclass(frozen=True)
class Link:
    """A network device.

    :ivar is_up: it is on, and has a carrier
    :ivar below: the device that a VLAN is on
    :ivar above: the bond that it is a port of
    """

    name: str
    is_up: bool
    below: str = ""
    above: str = ""


def ports(device: str, links: Mapping[str, Link]) -> list[str]:
    """The ports that an interface is made of: those of a bond, the one that a VLAN is on, else the device itself."""
    seen: set[str] = set()
    while device not in seen:
        seen.add(device)
        if slaves := sorted(link.name for link in links.values() if link.above == device):
            return slaves
        if not (device in links and links[device].below):
            break
        device = links[device].below
    return [device]


def readings(hostname: str, networks: Mapping[str, str], links: Mapping[str, Link]) -> list[Reading]:
    """One for each port and interface.

    :param networks: the device of each network
    """
    found: dict[Subject, Reading] = {}

    def add(alarm_id: str, entity: str, severity: Severity, text: str) -> None:
        subject = Subject(alarm_id, f"host={hostname}.{entity}")
        found[subject] = Reading(subject, severity, text)

    for network, device in networks.items():
        of_it = ports(device, links)
        down = [port for port in of_it if not (port in links and links[port].is_up)]
        for port in of_it:
            severity = Severity.MAJOR if port in down else Severity.CLEAR
            add(PORTS[network], f"port={port}", severity, f"Port {port} of {hostname}'s {network} network has no link.")
        is_lost = not (device in links and links[device].is_up) or len(down) == len(of_it)
        severity = Severity.CRITICAL if is_lost else Severity.MAJOR if down else Severity.CLEAR
        state = "has no link" if is_lost else f"has lost {len(down)} of its {len(of_it)} ports"
        add(
            INTERFACES[network], f"interface={device}", severity, f"Interface {device} of {hostname}'s {network} network {state}."
        )
    return list(found.values())
