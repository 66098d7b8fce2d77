# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the processes of a platform on one machine."""

import contextlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stx import exception
from stxembedded import process
from stxembedded.config import Layout
from stxembedded.units import Unit

POLL_S = 0.05
ANSWER_S = 2.0
TAIL_LINES = 15
STRAY_DEADLINE_S = 5.0
STRAY_ROUNDS = 5
SERVICE_MANAGER_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS")

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Platform:
    """:param say: told of each step that is done"""

    def __init__(self, layout: Layout, units: Sequence[Unit], say: Callable[[str], None]) -> None:
        self._layout = layout
        self._units = units
        self._say = say

    def running(self) -> dict[str, process.Process]:
        """The processes that run, by name."""
        found = {unit.name: self._known(unit) for unit in self._units}
        return {name: known for name, known in found.items() if known is not None}

    def silent(self, patience_s: float = 0.0) -> list[str]:
        """The names of processes that run but do not answer where they should, not even when all are given a while."""
        deadline = time.monotonic() + patience_s
        while True:
            running = self.running()
            found = [unit.name for unit in self._units if unit.name in running and not all(map(answers, unit.checks))]
            if (not found and len(running) == len(self._units)) or time.monotonic() >= deadline:
                return found
            time.sleep(POLL_S)

    def start(self, on_ready: Mapping[str, Callable[[], None]]) -> None:
        """Start everything where nothing runs, and wait until it is ready.

        :param on_ready: what is to be done as soon as the named process is ready
        :raises exception.StxException: when a process ends or takes too long, with what it said last
        """
        self._layout.maintenance_flag.unlink(missing_ok=True)
        for unit in self._units:
            if not unit.started_by:
                self._start(unit)
        for unit in self._units:
            self._wait(unit)
            if unit.name in on_ready:
                on_ready[unit.name]()

    def stop(self) -> int:
        """Stop everything, the last started first. Gives the number of processes that ran."""
        # So that the process monitors, which are among what is stopped, start nothing again.
        with contextlib.suppress(OSError):
            # On a full disk some of them may be started again, and are found among the strays.
            self._layout.maintenance_flag.touch(0o600)
        ran = sum(self._stop(unit) for unit in reversed(self._units))
        for _ in range(STRAY_ROUNDS):
            strays = self.strays()
            if not strays:
                break
            for known in strays:
                process.end(known, STRAY_DEADLINE_S)
            self._say(f"{len(strays)} more of its processes stopped")
            ran += len(strays)
        for unit in self._units:
            self._layout.pid_file(unit.name).unlink(missing_ok=True)
        return ran

    def strays(self) -> list[process.Process]:
        """Processes that no pid file names but that run with a configuration file of this platform."""
        files = [str(path) for path in (self._layout.keystone_conf, self._layout.stx_conf)]
        return process.with_arguments([["--config-file", file] for file in files])

    def _start(self, unit: Unit) -> None:
        if not os.access(unit.argv[0], os.X_OK):
            raise exception.ConfigurationError(f"{unit.argv[0]} is not installed. Remove the directory .venv and try again.")
        output = self._layout.output(unit.name)
        output.unlink(missing_ok=True)
        started = process.start(unit.argv, self._layout.pid_file(unit.name), output, _environment(self._layout))
        self._say(f"{unit.name} starts (pid {started.pid})")

    def _wait(self, unit: Unit) -> None:
        deadline = time.monotonic() + unit.start_deadline_s
        waits_for = [url for url in unit.checks if not answers(url)]
        while waits_for or not self._known(unit):
            for own in self._units:
                if not own.started_by and not self._known(own):
                    raise exception.Unavailable(f"{own.name} ended while it started.\n{self.last_words(own)}")
            if time.monotonic() > deadline:
                missing = f"answer at {waits_for[0]}" if waits_for else "start"
                raise exception.Unavailable(
                    f"{unit.name} did not {missing} within {unit.start_deadline_s:.0f} s.\n{self.last_words(unit)}"
                )
            time.sleep(POLL_S)
            waits_for = [url for url in waits_for if not answers(url)]
        self._say(f"{unit.name} is ready" + "".join(f", {url}" for url in unit.checks))

    def _stop(self, unit: Unit) -> bool:
        begun = time.monotonic()
        result = process.stop(self._layout.pid_file(unit.name), unit.stop_deadline_s)
        if result is not process.Stopped.NOT_RUNNING:
            self._say(f"{unit.name} {result.value} ({time.monotonic() - begun:.1f} s)")
        return result is not process.Stopped.NOT_RUNNING

    def _known(self, unit: Unit) -> process.Process | None:
        return process.read_pid_file(self._layout.pid_file(unit.name))

    def last_words(self, unit: Unit) -> str:
        """The end of what a process printed, or where that is empty of what it logged, and where all of it is."""
        for path in (self._layout.output(unit.name), *sorted(self._layout.log_dir.glob(f"*{unit.name}.log"))):
            if lines := _tail(path):
                return f"The last lines of {path}:\n" + "".join(f"    {line}\n" for line in lines).rstrip()
        return f"It left no message in {self._layout.log_dir}."


def answers(url: str) -> bool:
    """Whether a GET of the URL succeeds."""
    try:
        with _direct.open(url, timeout=ANSWER_S):
            return True
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return False


def _environment(layout: Layout) -> dict[str, str]:
    """That of the user, but without a proxy between the processes, and without what a service manager told the command."""
    kept = {name: value for name, value in os.environ.items() if name not in SERVICE_MANAGER_VARIABLES}
    direct = ",".join(filter(None, (os.environ.get("no_proxy"), layout.address, "localhost")))
    return {**kept, "no_proxy": direct, "NO_PROXY": direct}


def _tail(path: Path) -> list[str]:
    try:
        with path.open(errors="replace") as file:
            return [line.rstrip() for line in deque(file, TAIL_LINES)]
    except OSError:
        return []
