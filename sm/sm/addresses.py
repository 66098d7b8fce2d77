# SPDX-License-Identifier: Apache-2.0
"""Floating addresses: put on a device, taken off it, and announced to the neighbours."""

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
_IPV4 = 4
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
        self._announcer = Announcer(floating)

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
        self._announcer.announce()

    def close(self) -> None:
        self._netlink.close()
        self._announcer.close()


class Announcer:
    """Gratuitous ARP: whoever knows another hardware address for one of them forgets it.

    Its sockets stay open: to close one, the kernel waits for all processors, which takes longer than all else.
    """

    def __init__(self, floating: Iterable[Floating]) -> None:
        # Those of IPv6 have no ARP.
        self._floating = [each for each in floating if ipaddress.ip_address(each.address).version == _IPV4]
        self._sockets: dict[str, socket.socket] = {}

    def announce(self) -> None:
        for each in self._floating:
            try:
                made = self._sockets.get(each.device) or self._open(each.device)
                own = made.getsockname()[4]
                address = ipaddress.ip_address(each.address).packed
                made.send(
                    _FRAME.pack(_EVERYBODY, own, _ETHERTYPE_ARP, 1, 0x0800, 6, 4, _REQUEST, own, address, bytes(6), address)
                )
            except OSError:
                # A cable that is out has nobody to tell; a device that was made anew needs a socket of its own.
                self._close(each.device)

    def close(self) -> None:
        for device in list(self._sockets):
            self._close(device)

    def _open(self, device: str) -> socket.socket:
        # Of no protocol: it hears nothing.
        made = self._sockets[device] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.bind((device, 0))
        return made

    def _close(self, device: str) -> None:
        made = self._sockets.pop(device, None)
        if made is not None:
            made.close()
