# SPDX-License-Identifier: Apache-2.0
"""Tells systemd that the process is ready, alive, or stopping. Without systemd nothing happens."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable


def _send(state: str, flags: int = 0) -> None:
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    # systemd judges by the missing message; a process must not fail for the want of a listener.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), flags, address)


def ready() -> None:
    _send("READY=1")


def stopping() -> None:
    _send("STOPPING=1")


def alive() -> None:
    """For a loop that tells so by itself, several times per WatchdogSec: it does not wait for a systemd that hangs."""
    _send("WATCHDOG=1", socket.MSG_DONTWAIT)


class Watchdog:
    """Tells systemd twice per WatchdogSec that the process is healthy; silent when it is not, so that systemd restarts it."""

    def __init__(self, is_healthy: Callable[[], bool]) -> None:
        self._is_healthy = is_healthy
        self._period_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 2e6
        self._stopping = threading.Event()

    def start(self) -> None:
        if self._period_s > 0:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._period_s):
            if self._is_healthy():
                _send("WATCHDOG=1")
