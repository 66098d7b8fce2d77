# SPDX-License-Identifier: Apache-2.0
"""What is between the conductor and dnsmasq: notes about leases, and a nudge to read its files again."""

import contextlib
import logging
import os
import pathlib
import signal
import time
from collections.abc import Callable, Iterator

from sysinv import leases

LOG = logging.getLogger(__name__)

_PROGRAM = "dnsmasq"
# What a script left that was killed while it wrote.
_HALF_WRITTEN_S = 60


class Queue:
    """The directory in which dnsmasq's script leaves its notes."""

    def __init__(self, directory: pathlib.Path, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now = now

    def take(self) -> Iterator[leases.Lease]:
        """The leases that are noted, the oldest first. A note is removed when the next one is asked for, so that none is lost."""
        for path in self._notes():
            try:
                with path.open("rb") as file:
                    lease = leases.parse(file.read(leases.NOTE_LIMIT + 1))
            except FileNotFoundError:
                continue
            except leases.MalformedError as error:
                LOG.warning("The note %s about a lease is passed over: %s", path.name[:40], error)
            else:
                yield lease
            # One that came meanwhile is about the same machine and says the same.
            path.unlink(missing_ok=True)

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
