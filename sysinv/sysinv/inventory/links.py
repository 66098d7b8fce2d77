# SPDX-License-Identifier: Apache-2.0
"""What netlink tells of network devices beyond sysfs: a port's own address, negotiation."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic.ethtool import NlEthtool

from sysinv.inventory import port

_DUPLEX = {0: "half", 1: "full"}

# At debug level it logs every attribute of every message, a page for each device.
logging.getLogger("pyroute2").setLevel(logging.INFO)


def refine(links: Sequence[port.Link]) -> list[port.Link]:
    """The same links with what netlink says of them; unchanged where the kernel doesn't answer."""
    try:
        with IPRoute() as route:
            told = {(message["index"], message.get("ifname")): message for message in route.get_links()}
    except (NetlinkError, OSError):
        return list(links)
    # In a network namespace whose /sys is another's, an equal name alone could be another device.
    known = [(link, told.get((link.ifindex, link.name))) for link in links]
    return _with_modes(_with_addresses(link, message) if message else link for link, message in known)


def _with_addresses(link: port.Link, message: Any) -> port.Link:
    mac = message.get("perm_address") or message.get("address")
    return dataclasses.replace(link, mac=mac or link.mac, mtu=message.get("mtu") or link.mtu)


def _with_modes(links: Iterable[port.Link]) -> list[port.Link]:
    ethtool = NlEthtool()
    try:
        return [_with_mode(ethtool, link) for link in links]
    finally:
        ethtool.close()


def _with_mode(ethtool: NlEthtool, link: port.Link) -> port.Link:
    try:
        (mode,) = ethtool.get_linkmode(link.name)
    except (NetlinkError, OSError, ValueError):
        return link
    speed = port.known_speed(mode.get_attr("ETHTOOL_A_LINKMODES_SPEED"))
    duplex = _DUPLEX.get(mode.get_attr("ETHTOOL_A_LINKMODES_DUPLEX"))
    autoneg = mode.get_attr("ETHTOOL_A_LINKMODES_AUTONEG")
    return dataclasses.replace(
        link,
        speed=speed or link.speed,
        duplex=duplex or link.duplex,
        autoneg=link.autoneg if autoneg is None else bool(autoneg),
    )
