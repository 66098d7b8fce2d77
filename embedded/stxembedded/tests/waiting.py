# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline, and what tests need of the machine."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def wait_for(look: Callable[[], T], deadline_s: float = 60.0) -> T:
    """The first true value that `look` gives.

    :raises TimeoutError: when there is none in time
    """
    deadline = time.monotonic() + deadline_s
    pause = threading.Event()
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing within {deadline_s} s")
        pause.wait(0.02)
    return found


def free_ports(number: int) -> list[int]:
    """TCP ports on loopback that nobody has, and that nobody's outgoing connection gets before they are used. None comes twice."""
    found: list[int] = []
    lowest = int(_EPHEMERAL.read_text().split()[0])
    while len(found) < number:
        port = random.randrange(max(1024, lowest // 2), max(2048, lowest))
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in _given:
                found.append(port)
                _given.add(port)
    return found
