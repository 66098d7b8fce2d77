# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline, and what tests need of the machine."""

import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], deadline_s: float = 20.0) -> T:
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
    """TCP ports on loopback that nobody has at the moment."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
