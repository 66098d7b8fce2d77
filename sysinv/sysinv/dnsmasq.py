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
from collections.abc import Callable, Collection, Iterator

from pyroute2 import IPRoute

from sysinv import leases

LOG = logging.getLogger(__name__)

_PROGRAM = "dnsmasq"
# Of a note that is being carried out: one that comes meanwhile is another one.
_TAKEN = ".taken"
_MAC_LENGTH = 17
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
        self._taken: pathlib.Path | None = None

    def take(self) -> Iterator[leases.Lease]:
        """The leases that are noted, the oldest first. A note is removed when the next one is asked for, so that none is lost."""
        for path in self._notes():
            taken = path.with_name(f"{path.name.removesuffix(_TAKEN)}{_TAKEN}")
            try:
                path.replace(taken)
                self._taken = taken
                with taken.open("rb") as file:
                    lease = leases.parse(file.read(leases.NOTE_LIMIT + 1))
            except FileNotFoundError:
                continue
            except leases.MalformedError as error:
                LOG.warning("The note %s about a lease is passed over: %s", path.name[:40], error)
            else:
                yield lease
            taken.unlink(missing_ok=True)

    def is_noted(self) -> bool:
        """Whether the lease that was given last has not been forgotten meanwhile."""
        return self._taken is not None and self._taken.exists()

    def forget(self, macs: Collection[str]) -> None:
        """What was noted of machines up to now is no news."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._directory):
                if name[:_MAC_LENGTH].lower() in macs:
                    (self._directory / name).unlink(missing_ok=True)

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


def give_up(path: pathlib.Path, macs: Collection[str]) -> None:
    """Have dnsmasq give up the leases of machines: it would tell of them again whenever it reads its files.

    :param path: of its file of leases
    """
    try:
        for lease in held(path):
            if lease.mac in macs:
                release(lease)
    except OSError as error:
        LOG.warning("Leases of %s stay until they end: %s", ", ".join(sorted(macs)), error)


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
