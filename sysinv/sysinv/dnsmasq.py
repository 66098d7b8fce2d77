# SPDX-License-Identifier: Apache-2.0
"""What is between the conductor and dnsmasq: notes about leases, and a nudge to read its files again."""

import contextlib
import ipaddress
import logging
import os
import pathlib
import signal
import socket
import time
from collections.abc import Callable, Iterator

from pyroute2 import IPRoute

from sysinv import leases

LOG = logging.getLogger(__name__)

_PROGRAM = "dnsmasq"
# Of a note that is being carried out: one that comes meanwhile is another one.
_TAKEN = ".taken"
# What a script left that was killed while it wrote.
_HALF_WRITTEN_S = 60
# Of its file of leases as much as is read.
_LEASES_BYTES = 1 << 20
_SERVER_PORT = 67


class Queue:
    """The directory in which dnsmasq's script leaves its notes."""

    def __init__(self, directory: pathlib.Path, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now = now

    def take(self) -> Iterator[leases.Lease]:
        """The leases that are noted, the oldest first. A note is removed when the next one is asked for, so that none is lost."""
        for path in self._notes():
            taken = path.with_name(f"{path.name.removesuffix(_TAKEN)}{_TAKEN}")
            try:
                path.replace(taken)
                with taken.open("rb") as file:
                    lease = leases.parse(file.read(leases.NOTE_LIMIT + 1))
            except FileNotFoundError:
                continue
            except leases.MalformedError as error:
                LOG.warning("The note %s about a lease is passed over: %s", path.name[:40], error)
            else:
                yield lease
            taken.unlink(missing_ok=True)

    def _notes(self) -> list[pathlib.Path]:
        found = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._directory) as entries:
            for entry in entries:
                if not entry.is_file(follow_symlinks=False):
                    continue
                changed_at = entry.stat(follow_symlinks=False).st_mtime_ns
                if not entry.name.startswith("."):
                    found.append((changed_at, pathlib.Path(entry.path)))
                elif self._now() - changed_at / 1e9 > _HALF_WRITTEN_S:
                    pathlib.Path(entry.path).unlink(missing_ok=True)
        return [path for _, path in sorted(found)]


class Departed:
    """Machines that were deleted, and have their leases still, though they may be off.

    Whenever dnsmasq reads its files it tells of all leases again. By that alone no such machine shows that it is there.

    :param path: dnsmasq's file of leases; None where there is no dnsmasq
    """

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self._path = path
        # When the lease of a machine ended, as it was when the machine was deleted.
        self._ends: dict[tuple[str, str], int] = {}

    def add(self, mac: str) -> None:
        """A machine is deleted; what is known of leases that have ended is forgotten."""
        found = {(each.mac, each.address): each.ends for each in self._held()}
        self._ends = {key: ends for key, ends in found.items() if key[0] == mac or self._ends.get(key) == ends}

    def has(self, lease: leases.Lease) -> bool:
        """Whether nothing but a lease of before is told of a machine."""
        ends = self._ends.get((lease.mac, lease.address)) if not lease.tags else None
        if ends is None:
            return False
        return any((each.mac, each.address, each.ends) == (lease.mac, lease.address, ends) for each in self._held())

    def _held(self) -> list[leases.Held]:
        """None where they cannot be read: then each machine that is told of counts as there."""
        try:
            return held(self._path) if self._path is not None else []
        except OSError as error:
            LOG.warning("dnsmasq's leases cannot be read: %s", error)
            return []


def held(path: pathlib.Path) -> list[leases.Held]:
    """The leases in dnsmasq's file; none while there is no such file."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return leases.held(file.read(_LEASES_BYTES))
    except FileNotFoundError:
        return []


def release(lease: leases.Held) -> None:
    """Have dnsmasq give up a lease, in the name of the machine that had it.

    :raises OSError: when it cannot be said
    """
    for device, own in _beside(lease.address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            link.sendto(leases.release(lease, own), (own, _SERVER_PORT))


def _beside(address: str) -> list[tuple[str, str]]:
    """The devices of this host that are on the same network, and its addresses there."""
    with IPRoute() as route:
        return [
            (socket.if_indextoname(found["index"]), own)
            for found in route.get_addr(family=socket.AF_INET)
            if (own := found.get("local"))
            and ipaddress.ip_address(address) in ipaddress.ip_network(f"{own}/{found['prefixlen']}", strict=False)
        ]


def hang_up(pid_file: pathlib.Path) -> bool:
    """Have dnsmasq read its files again. Gives whether it runs; one that does not reads them when it starts."""
    try:
        with pid_file.open() as file:
            pid = int(file.read(20))
        # A pid file may be older than the process that has its number now.
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() != _PROGRAM:
            return False
        os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    except OSError as error:
        LOG.warning("dnsmasq cannot be told to read its files again: %s", error)
        return False
    return True
