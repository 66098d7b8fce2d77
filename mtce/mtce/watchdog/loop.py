# SPDX-License-Identifier: Apache-2.0
"""The loop of the host watchdog: it hears who checks in, and starts the host anew when one does not.

It is alone in its process and does little, so that it works on when much else does not.
"""

import contextlib
import logging
import os
import pathlib
import select
import socket
import time
from collections.abc import Callable

from mtce.watchdog.device import Device
from mtce.watchdog.quorum import Quorum
from stx import flags

LOG = logging.getLogger(__name__)

SOCKET = "watchdog.sock"
# Members that have checked in in this boot.
HEARD = "watchdog.heard"
MAX_BYTES = 512
# One that floods the socket keeps nobody from being judged.
_MOST_AT_ONCE = 1000
# A reset that did not work is tried again after a while.
_AGAIN_S = 60.0


def turn_s(silence_s: float) -> float:
    """How often the loop looks, so that a silence is noticed soon."""
    return min(10.0, silence_s / 10)


class Loop:
    """:param reset: starts the host anew, for this reason; gives whether that has begun
    :param clock: gives monotonic seconds
    """

    def __init__(
        self,
        run_path: pathlib.Path,
        quorum: Quorum,
        turn_s: float,
        device: Device,
        reset: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_path = run_path
        self._quorum = quorum
        self._turn_s = turn_s
        self._device = device
        self._reset = reset
        self._clock = clock
        self._reset_at: float | None = None
        self._is_stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._turned_at = clock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        path = run_path / SOCKET
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))
        path.chmod(0o600)

    def stop(self) -> None:
        """End the loop soon; may be called by a signal handler."""
        self._is_stopping = True
        os.eventfd_write(self._wake, 1)

    def is_stuck(self) -> bool:
        return self._clock() - self._turned_at > 10 * self._turn_s

    def run(self) -> None:
        """Until it is told to stop."""
        try:
            while not self._is_stopping:
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        self._socket.close()
        os.close(self._wake)
        if self._reset_at is None:
            # A host that is to be started anew keeps the kernel's watchdog as its very last resort.
            self._device.disarm()

    def turn(self) -> None:
        """Wait for a while, hear who checks in, and judge."""
        wait_s = max(0.0, self._turned_at + self._turn_s - self._clock())
        # One that checks in wakes nobody: there is time until the end of the turn.
        if select.select([self._wake], [], [], wait_s)[0]:
            return
        self._turned_at = self._clock()
        self._receive()
        self._quorum.pass_time(self._turned_at, flags.is_locked(self._run_path))
        reason = self._quorum.verdict()
        if not reason:
            self._reset_at = None
        elif self._reset_at is None or self._turned_at - self._reset_at >= _AGAIN_S:
            LOG.critical("This host is started anew: %s", reason)
            self._reset_at = self._turned_at
            if not self._reset(reason):
                LOG.critical("That did not work; it is tried again in %g s", _AGAIN_S)
        if self._reset_at is None:
            self._device.kick()

    def _receive(self) -> None:
        before = self._quorum.heard
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram = self._socket.recv(MAX_BYTES)
            except BlockingIOError:
                break
            member, _, complaint = datagram.decode(errors="replace").partition("\n")
            if not self._quorum.hear(member, complaint.strip()):
                LOG.warning("%r is no member of the quorum and counts for nothing", member[:64])
        if self._quorum.heard != before:
            self._note()

    def _note(self) -> None:
        path = self._run_path / HEARD
        new = path.with_suffix(".new")
        try:
            new.write_text("".join(f"{member}\n" for member in sorted(self._quorum.heard)))
            os.replace(new, path)
        except OSError as error:
            LOG.error("%s was not written: %s", path, error.strerror)


def heard_in_this_boot(run_path: pathlib.Path) -> list[str]:
    """By an earlier watchdog."""
    with contextlib.suppress(OSError):
        return (run_path / HEARD).read_text().splitlines()
    return []
