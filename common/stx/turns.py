# SPDX-License-Identifier: Apache-2.0
"""Locks that nobody waits for longer than whoever asks would."""

import threading

from stx import exception


class Turns:
    """Lets threads take turns at something.

    :param what: named to those who had to wait for too long, such as "the hosts"
    :param deadline_s: how long one waits for its turn, in seconds
    """

    def __init__(self, what: str, deadline_s: float) -> None:
        self._what = what
        self._deadline_s = deadline_s
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        """:raises exception.Unavailable: when others are at it for too long"""
        if not self._lock.acquire(timeout=self._deadline_s):
            raise exception.Unavailable(f"Others have been at {self._what} for {self._deadline_s:g} s. Try again later.")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
