# SPDX-License-Identifier: Apache-2.0
"""A loop that sleeps until a descriptor is readable, a time has come, or another thread wants something done."""

import concurrent.futures
import contextlib
import logging
import os
import queue
import selectors
import threading
import time
from collections.abc import Callable
from typing import TypeVar

LOG = logging.getLogger(__name__)

CALL_DEADLINE_S = 10.0
# After a defect of its own the loop rests this long, so that it does not spin.
DEFECT_S = 1.0
# What the loop does between two waits is short; only a disk or a lock that hangs takes so long.
STUCK_S = 60.0

_T = TypeVar("_T")


class LoopError(Exception):
    """The loop does not run or does not answer."""


class Loop:
    """:ivar selector: data of a registered descriptor are a function to call when it is readable"""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._wakeup: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._wakeup_lock = threading.Lock()
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._is_stopping = False
        self._busy_since: float | None = None
        self._thread: threading.Thread | None = None
        self.selector.register(self._wakeup, selectors.EVENT_READ, self._serve_requests)

    def run(self, turn: Callable[[], float | None]) -> None:
        """Until stop(): call `turn`, then serve what comes for as many seconds as it says (None: until something comes)."""
        self._thread = threading.current_thread()
        while not self._is_stopping:
            try:
                wait_s = turn()
            except Exception:
                LOG.exception("A defect of the process monitor; going on in %g s", DEFECT_S)
                wait_s = DEFECT_S
            self._serve(wait_s)

    def is_stuck(self) -> bool:
        since = self._busy_since
        return since is not None and time.monotonic() - since > STUCK_S

    def stop(self) -> None:
        """Have run() return. Any thread may call it, at any time."""
        self._is_stopping = True
        self._wake()

    def drain(self, limit_s: float) -> None:
        """Serve until nothing but the loop itself is registered, at most so many seconds; turn away who still calls."""
        end = time.monotonic() + limit_s
        while len(self.selector.get_map()) > 1 and (left := end - time.monotonic()) > 0:
            self._serve(left)
        self._serve_requests()

    def close(self) -> None:
        with self._wakeup_lock:
            if self._wakeup is not None:
                os.close(self._wakeup)
                self._wakeup = None
        self.selector.close()

    def call(self, act: Callable[[], _T]) -> _T:
        """Have the loop's thread do something, and wait for it.

        :raises LoopError: when it does not run, does not answer, or is the caller itself
        """
        if threading.current_thread() is self._thread:
            raise LoopError("The process monitor cannot be asked from its own callbacks.")
        done: concurrent.futures.Future[_T] = concurrent.futures.Future()

        def serve() -> None:
            try:
                if self._is_stopping:
                    raise LoopError("The process monitor is stopped. Start it first.")
                done.set_result(act())
            except Exception as error:
                done.set_exception(error)

        self._requests.put(serve)
        if not self._wake():
            raise LoopError("The process monitor is stopped. Start it first.")
        try:
            return done.result(CALL_DEADLINE_S)
        except TimeoutError:
            raise LoopError(f"The process monitor did not answer within {CALL_DEADLINE_S:g} s. Look at its log.") from None

    def _wake(self) -> bool:
        with self._wakeup_lock:
            if self._wakeup is None:
                return False
            os.eventfd_write(self._wakeup, 1)
            return True

    def _serve(self, wait_s: float | None) -> None:
        self._busy_since = None
        ready = self.selector.select(wait_s)
        self._busy_since = time.monotonic()
        for key, _ in ready:
            # What was served before may have closed this one.
            if self.selector.get_map().get(key.fd) is not key:
                continue
            try:
                key.data()
            except Exception:
                LOG.exception("A defect of the process monitor; going on")

    def _serve_requests(self) -> None:
        if self._wakeup is not None:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wakeup)
        while not self._requests.empty():
            self._requests.get()()
