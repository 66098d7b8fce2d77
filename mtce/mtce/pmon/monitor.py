# SPDX-License-Identifier: Apache-2.0
"""The process monitor: one thread that watches all processes of the drop-in directories.

It sleeps until a process ends, an answer or order comes, or a deadline of a state machine is due; nothing is polled while all is
well, apart from what active and status mode ask for.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mtce.pmon.conf import Problem
from mtce.pmon.gates import Gates
from mtce.pmon.loop import Loop, LoopError
from mtce.pmon.publish import FaultSink, ProcessReport, Publisher
from mtce.pmon.roster import Roster, Settings
from mtce.pmon.sockets import OrderSocket, PulseSocket
from mtce.pmon.watched import Surroundings

__all__ = ["FaultSink", "MonitorError", "ProcessMonitor", "ProcessReport", "Settings"]

_T = TypeVar("_T")


class MonitorError(Exception):
    """The monitor cannot start or answer; the message says what to change."""


class ProcessMonitor:
    """Watches processes from start() to stop(); what it started lives on, and the next monitor takes over from the state file.

    :param conf_dirs: drop-in directories; of two files for one process the first counts
    :param report: called on the monitor's thread with all processes that have failed, at the start and whenever that changes
    """

    def __init__(
        self,
        conf_dirs: Sequence[Path],
        state_file: Path,
        faults: FaultSink,
        report: Callable[[dict[str, ProcessReport]], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        settings: Settings | None = None,
    ) -> None:
        self._conf_dirs = list(conf_dirs)
        self._state_file = state_file
        self._clock = clock
        self._settings = settings or Settings()
        self._gates = Gates(self._settings.run_dir, self._settings.subfunctions)
        self._publisher = Publisher(faults, report, self._gates.is_patching)
        self._loop: Loop | None = None
        self._roster: Roster | None = None
        self._thread: threading.Thread | None = None
        self._stop_by = 0.0

    def start(self) -> None:
        """Read the files and begin to watch.

        :raises MonitorError: when another monitor runs with the same state file, or its directory cannot be used
        """
        if self._thread is not None:
            raise MonitorError("The process monitor was started before. Make a new one.")
        with contextlib.ExitStack() as resources, contextlib.ExitStack() as sockets:
            try:
                self._lock(resources)
                loop = self._loop = resources.enter_context(contextlib.closing(Loop()))
                roster = self._roster = self._open(loop, sockets)
                roster.load()
            except OSError as error:
                raise MonitorError(f"The process monitor cannot start: {error}. Correct that and start it again.") from None
            parts = (loop, roster, sockets.pop_all(), resources.pop_all())
        self._thread = threading.Thread(target=self._run, args=parts, name="pmon", daemon=True)
        self._thread.start()

    def stop(self, deadline_s: float = 10.0) -> bool:
        """End the watching; False when it did not end in time. Actions under way are ended, watched processes live on."""
        if self._thread is None or self._loop is None:
            return True
        self._stop_by = time.monotonic() + deadline_s
        self._loop.stop()
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether it watches: it runs, and does not hang."""
        return self._thread is not None and self._thread.is_alive() and self._loop is not None and not self._loop.is_stuck()

    def reload(self) -> list[Problem]:
        """Read the drop-in directories again; gives what is wrong with them. A bad file leaves its process as it was.

        :raises MonitorError: when the monitor does not run
        """
        return self._call(Roster.load)

    def _lock(self, stack: contextlib.ExitStack) -> None:
        path = self._state_file.with_name(self._state_file.name + ".lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MonitorError(f"Another process monitor uses {self._state_file}. Stop it first.") from None

    def _open(self, loop: Loop, sockets: contextlib.ExitStack) -> Roster:
        settings, selector = self._settings, loop.selector
        pulses = sockets.enter_context(contextlib.closing(PulseSocket(selector)))
        path = settings.order_socket or self._state_file.with_name("pmon.sock")
        order_socket = sockets.enter_context(contextlib.closing(OrderSocket(path, selector)))
        gates, limits, systemctl = self._gates, settings.limits, settings.systemctl
        around = Surroundings(selector, self._clock, self._publisher, pulses, limits, systemctl, gates.is_maintenance)
        roster = Roster(self._conf_dirs, self._state_file, settings, around, gates)
        order_socket.serve(roster.order)
        return roster

    def _run(self, loop: Loop, roster: Roster, sockets: contextlib.ExitStack, resources: contextlib.ExitStack) -> None:
        def turn() -> float | None:
            roster.run_due()
            deadline = roster.next_deadline()
            return None if deadline is None else max(deadline - self._clock(), 0.0)

        with resources:
            with sockets:
                loop.run(turn)
                roster.close()
            loop.drain(max(self._stop_by - time.monotonic(), 0.0))

    def _call(self, act: Callable[[Roster], _T]) -> _T:
        loop, roster = self._loop, self._roster
        if loop is None or roster is None or not self.is_alive():
            raise MonitorError("The process monitor does not run. Start it first.")
        try:
            return loop.call(lambda: act(roster))
        except LoopError as error:
            raise MonitorError(str(error)) from None
