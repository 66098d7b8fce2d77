# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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
