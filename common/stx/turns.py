# SPDX-License-Identifier: Apache-2.0
"""Locks that nobody waits for longer than whoever asks would."""

import collections
import threading

from stx import exception


class Turns:
    """Lets threads take turns at something, in the order in which they come.

    :param what: named to those who had to wait for too long, such as "the hosts"
    :param deadline_s: how long one waits for its turn, in seconds
    """

    def __init__(self, what: str, deadline_s: float) -> None:
        self._what = what
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: collections.deque[threading.Event] = collections.deque()

    def __enter__(self) -> None:
        """:raises exception.Unavailable: when others are at it for too long"""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            if turn.wait(self._deadline_s):
                return
        except BaseException:
            # A signal's handler raises, say. Nobody waits here any more.
            if self._leave(turn):
                self.__exit__()
            raise
        # It may have come just now.
        if not self._leave(turn):
            raise exception.Unavailable(f"Others have been at {self._what} for {self._deadline_s:g} s. Try again later.")

    def _leave(self, turn: threading.Event) -> bool:
        """Wait no longer. Gives whether the turn has come."""
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
            return turn.is_set()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            # It is handed over: a lock that is merely free is mostly taken again by the thread that has just let go of it.
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False
