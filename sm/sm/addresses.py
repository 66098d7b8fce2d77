# SPDX-License-Identifier: Apache-2.0
"""Floating addresses: put on a device, taken off it, and announced to the neighbours."""

import contextlib
import dataclasses
import ipaddress
import socket
import struct
from collections.abc import Iterable

import pyroute2
from pyroute2.netlink.exceptions import NetlinkError

_ETHERTYPE_ARP = 0x0806
_REQUEST = 1
_EVERYBODY = b"\xff" * 6
_FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_UNIVERSE, _LINK = 0, 253
_EEXIST, _EADDRNOTAVAIL = 17, 99


@dataclasses.dataclass(frozen=True)
class Floating:
    """An address of the active controller.

    :ivar device: of the network where it belongs
    """

    address: str
    prefix_length: int
    device: str


class Addresses:
    """:raises OSError: when the device is not there"""

    def __init__(self, floating: tuple[Floating, ...]) -> None:
        self.floating = floating
        self._netlink = pyroute2.IPRoute()

    def put(self) -> None:
        """Have all of them, and tell the neighbours."""
        for each in self.floating:
            index = socket.if_nametoindex(each.device)
            # Two addresses of one subnet must have the same scope, and those of a link have that one.
            scope = _LINK if ipaddress.ip_address(each.address).is_link_local else _UNIVERSE
            try:
                self._netlink.addr("add", index=index, address=each.address, prefixlen=each.prefix_length, scope=scope)
            except NetlinkError as error:
                if error.code != _EEXIST:
                    raise OSError(error.code, str(error), each.address) from error
        self.announce()

    def take_off(self) -> None:
        for each in self.floating:
            try:
                index = socket.if_nametoindex(each.device)
                self._netlink.addr("delete", index=index, address=each.address, prefixlen=each.prefix_length)
            except NetlinkError as error:
                if error.code != _EADDRNOTAVAIL:
                    raise OSError(error.code, str(error), each.address) from error

    def are_there(self) -> bool:
        """Whether the devices have all of them."""
        return all(
            self._netlink.get_addr(index=socket.if_nametoindex(each.device), address=each.address) for each in self.floating
        )

    def announce(self) -> None:
        announce(self.floating)

    def close(self) -> None:
        self._netlink.close()


def announce(floating: Iterable[Floating]) -> None:
    """Gratuitous ARP: whoever knows another hardware address for one of them forgets it."""
    for each in floating:
        if ipaddress.ip_address(each.address).version == 4:
            # A cable that is out has nobody to tell.
            with contextlib.suppress(OSError):
                _announce(each)


def _announce(floating: Floating) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP)) as made:
        made.bind((floating.device, _ETHERTYPE_ARP))
        own = made.getsockname()[4]
        address = ipaddress.ip_address(floating.address).packed
        made.send(_FRAME.pack(_EVERYBODY, own, _ETHERTYPE_ARP, 1, 0x0800, 6, 4, _REQUEST, own, address, bytes(6), address))
