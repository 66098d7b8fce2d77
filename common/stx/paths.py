# SPDX-License-Identifier: Apache-2.0
"""The networks over which hosts say short things to each other: a socket each, and where everybody was heard last."""

import dataclasses
import errno
import logging
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic

from stx import datagrams
from stx.datagrams import Body, Keys, Receiver, Sender

LOG = logging.getLogger(__name__)

# Asked of the network's devices for messages that are small and must not wait (class selector 6, network control).
_DSCP_CS6 = 48 << 2
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
_SO_RCVBUFFORCE = 33
# A thousand hosts answer one pulse at the same moment, and each datagram costs the kernel most of a kilobyte.
_RECEIVE_BYTES = 8 << 20
# A flood of datagrams must not keep whoever takes them in from all else.
_MOST_AT_ONCE = 4096
# More than hosts that there can be: whoever has a key that all have can make up names.
_MOST_HEARD = 8192


@dataclasses.dataclass(frozen=True)
class Path:
    """One network.

    :ivar address: of this host there
    :ivar device: what is not of it is not heard, where it is given; the address may then be any
    :ivar peers: addresses of those that are known beforehand, by name; others are known once they were heard
    :ivar group: multicast address for what is said to all of them; it needs a device
    """

    name: str
    address: str
    port: int
    peers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    keys: Keys = dataclasses.field(default_factory=Keys)
    device: str = ""
    group: str = ""


class Paths(Generic[Body]):
    """All networks of one process.

    A message to somebody goes over each network where that one has an address; to be heard over one of them is enough.
    """

    def __init__(self, sender: Sender, receiver: Receiver[Body], paths: Sequence[Path]) -> None:
        self._sender = sender
        self._receiver = receiver
        self._sockets: dict[str, tuple[Path, socket.socket]] = {}
        self._addresses = {path.name: {name: (address, path.port) for name, address in path.peers.items()} for path in paths}
        # By network and name, in monotonic seconds.
        self.heard_at: dict[tuple[str, str], float] = {}
        # Addresses that stay as they were told, wherever a host is heard from.
        self._told: set[tuple[str, str]] = set()
        # What is sent to a group comes over a socket of its own.
        self._groups: dict[str, socket.socket] = {}
        self._devices = {path.device: _index(path.device) for path in paths if path.device}
        for path in paths:
            try:
                self._sockets[path.name] = path, _open(path)
                if path.group:
                    self._groups[path.name] = _join(path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, f"network {path.name}, {path.device} {path.address}") from error

    @property
    def sockets(self) -> Iterable[tuple[str, socket.socket]]:
        return [*((name, made) for name, (_, made) in self._sockets.items()), *self._groups.items()]

    @property
    def peers(self) -> list[str]:
        """Those that are known beforehand."""
        return sorted({name for path, _ in self._sockets.values() for name in path.peers})

    @property
    def dropped(self) -> Mapping[tuple[str, datagrams.Drop], int]:
        """How many datagrams were not taken so far, by network and reason."""
        return self._receiver.dropped

    @property
    def can_address(self) -> bool:
        """Whether the keys of other hosts are known, so that something can be said to one of them alone."""
        return any(path.keys.of is not None for path, _ in self._sockets.values())

    def links(self) -> dict[str, bool]:
        """Whether each network's port has a link; one whose device is not known counts as having it."""
        return {name: not path.device or _has_link(path.device) for name, (path, _) in self._sockets.items()}

    def know(self, network: str, name: str, address: str) -> None:
        """A host has this address there, wherever it seems to be heard from."""
        self._addresses[network][name] = (address, self._sockets[network][0].port)
        self._told.add((network, name))

    def renew(self) -> list[tuple[str, socket.socket, socket.socket]]:
        """Make sockets for devices that were made anew: they have the same name only, and nothing is heard there any more.

        :returns: by network, each socket that is of no use, for the caller to close, and the one in its place
        """
        changed = []
        for name, (path, made) in list(self._sockets.items()):
            index = _index(path.device) if path.device else 0
            if index in (0, self._devices.get(path.device)):
                continue
            group = self._groups.get(name)
            try:
                new, new_group = _open(path), _join(path) if group is not None else None
            except OSError as error:
                # It is gone again, or not ready: whoever looks again finds it.
                LOG.info("%s was made anew and cannot be used yet: %s", path.device, error.strerror)
                continue
            LOG.warning("%s was made anew, and is used again", path.device)
            self._sockets[name], self._devices[path.device] = (path, new), index
            changed.append((name, made, new))
            if group is not None and new_group is not None:
                self._groups[name] = new_group
                changed.append((name, group, new_group))
        return changed

    def send(self, names: Iterable[str], body: Body, to_group: bool = False, network: str | None = None) -> bool:
        """Send to hosts; one that cannot be reached is as one that does not answer. Gives whether it left this host at all.

        :param to_group: once for all who listen, where a network has a multicast address
        :param network: over this one alone; by default over each
        """
        wanted, has_left = list(names), False
        for name, (path, made) in self._sockets.items():
            if network not in (None, name):
                continue
            known = self._addresses[name]
            is_for_all = path.group and to_group
            targets = [(path.group, path.port)] if is_for_all else [known[target] for target in wanted if target in known]
            if targets:
                try:
                    datagram = self._sender.pack(body, path.keys)
                except ValueError as error:
                    LOG.error("%s is not sent: %s", type(body).__name__, error)
                    return False
                for address in targets:
                    has_left |= _send(made, datagram, address)
        return has_left

    def receive(self, name: str, hear: Callable[[str, Body], None]) -> int:
        """Take in what waits on a network, up to some thousands; `hear` gets who says what. Gives how many datagrams were dropped."""
        sockets = [self._sockets[name][1], *([self._groups[name]] if name in self._groups else [])]
        return sum(self._receive(name, made, hear) for made in sockets)

    def _receive(self, name: str, made: socket.socket, hear: Callable[[str, Body], None]) -> int:
        dropped = 0
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram, address = made.recvfrom(datagrams.MOST_BYTES + 1)
            except BlockingIOError:
                return dropped
            except OSError as error:
                # What an earlier datagram met on its way; the socket itself is well.
                LOG.debug("%s: %s", name, error.strerror)
                continue
            heard = self._receiver.unpack(datagram, name)
            if heard is None:
                dropped += 1
            else:
                self._note(name, heard[0], address[:2])
                hear(*heard)
        return dropped

    def _note(self, network: str, name: str, address: tuple[str, int]) -> None:
        known = self._addresses[network]
        if name not in known and len(known) >= _MOST_HEARD:
            peers = self._sockets[network][0].peers
            for other in [other for other in known if other not in peers and (network, other) not in self._told]:
                del known[other]
                self.heard_at.pop((network, other), None)
        if (network, name) not in self._told:
            known[name] = address
        self.heard_at[network, name] = time.monotonic()

    def close(self) -> None:
        for _, made in self.sockets:
            made.close()


def _open(path: Path, address: str = "") -> socket.socket:
    """:param address: that it is bound to, if it is not the path's own"""
    family = socket.AF_INET6 if ":" in path.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    except PermissionError:
        # As far as the kernel lets everybody.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _DSCP_CS6)
        # The address may come later than this process, and go and come again.
        made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    if path.device:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, path.device.encode())
    if path.group:
        # Nobody hears himself, and what is sent goes no farther than this network.
        index = socket.if_nametoindex(path.device)
        if family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), index))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        else:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    made.bind((address or path.address, path.port))
    return made


def _join(path: Path) -> socket.socket:
    made, index = _open(path, path.group), socket.if_nametoindex(path.device)
    if made.family == socket.AF_INET:
        group = struct.pack("4s4si", socket.inet_aton(path.group), bytes(4), index)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    else:
        group = struct.pack("16si", socket.inet_pton(socket.AF_INET6, path.group), index)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    return made


def _has_link(device: str) -> bool:
    try:
        with open(f"/sys/class/net/{device}/carrier", "rb") as file:
            return file.read(1) == b"1"
    except OSError:
        # It is turned off, or not there.
        return False


# A network that is away for now.
_AWAY = frozenset(
    (
        *(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL),
        *(errno.ECONNREFUSED, errno.EAGAIN, errno.ENOBUFS, errno.EPERM, errno.ENODEV, errno.EINVAL),
    )
)


def _send(made: socket.socket, datagram: bytes, address: tuple[str, int]) -> bool:
    try:
        made.sendto(datagram, address)
    except OSError as error:
        if error.errno not in _AWAY:
            LOG.warning("A message to %s was not sent: %s", address[0], error.strerror)
        return False
    return True


def _index(device: str) -> int:
    """0 while there is no such device."""
    try:
        return socket.if_nametoindex(device)
    except OSError:
        return 0
