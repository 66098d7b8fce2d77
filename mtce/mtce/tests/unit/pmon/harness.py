# SPDX-License-Identifier: Apache-2.0
"""A real monitor with real processes in a directory of its own; everything that was started is ended, also when a test fails."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures
from oslotest import base

from mtce.pmon import cli, state_file
from mtce.pmon.machine import Limits, Verb
from mtce.pmon.monitor import ProcessMonitor, ProcessReport, Settings
from mtce.pmon.watched import Watched

MARK = "PMON_TEST_DIRECTORY"
# A busy machine may hold up anything for seconds.
LIMITS = Limits(look_s=60.0, kill_s=60.0, stop_s=60.0)

LSB_SCRIPT = """#!/bin/sh
stop() { [ -s {pidfile} ] && kill -9 $(cat {pidfile}) 2>/dev/null; rm -f {pidfile}; }
case "$1" in
start|restart) stop; setsid sleep 1000 & echo $! > {pidfile} ;;
stop) stop ;;
esac
exit 0
"""


class Recorder:
    """What the monitor told Fault Management and the agent, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.reports: list[dict[str, ProcessReport]] = []

    def raise_process_fault(self, process: str, severity: str, text: str) -> None:
        self.calls.append(("raise", process, severity, text))

    def clear_process_fault(self, process: str) -> None:
        self.calls.append(("clear", process))

    def log_process_event(self, process: str, severity: str, text: str) -> None:
        self.calls.append(("log", process, severity, text))

    def report(self, failed: dict[str, ProcessReport]) -> None:
        self.reports.append(failed)

    def text(self, kind: str) -> str:
        """Of the first call of this kind."""
        return next(call[3] for call in self.calls if call[0] == kind)

    def kinds(self, process: str) -> list[str]:
        return [call[0] for call in self.calls if call[1] == process]


def wait_until(claim: Callable[[], Any], limit_s: float = 60.0) -> float:
    """Wait until the claim holds; gives how long that took, in seconds."""
    begin = time.monotonic()
    pause = threading.Event()
    while not claim():
        if time.monotonic() - begin > limit_s:
            raise AssertionError(f"did not happen within {limit_s} s")
        pause.wait(0.005)
    return time.monotonic() - begin


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


class DirectoryTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        # A short path: a UNIX socket's is limited.
        self.directory = Path(tempfile.mkdtemp(prefix="pmon"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.useFixture(fixtures.EnvironmentVariable(MARK, str(self.directory)))
        self.addCleanup(self._end_processes)

    def _end_processes(self) -> None:
        def all_ended() -> bool:
            found = self.marked()
            for pid in found:
                # It may have ended since it was found.
                with contextlib.suppress(ProcessLookupError):
                    kill(pid)
            return not found

        wait_until(all_ended)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A program that is ended with the test."""
        process = subprocess.Popen([str(shutil.which(program)), *arguments])

        def end() -> None:
            process.kill()
            process.wait()

        self.addCleanup(end)
        return process

    def marked(self) -> list[int]:
        """The living processes that this test has started."""
        mark = f"{MARK}={self.directory}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid = int(path.name)
                if pid != os.getpid() and mark in (path / "environ").read_bytes().split(b"\0") and is_alive(pid):
                    found.append(pid)
        return found

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def script(self, name: str, text: str) -> Path:
        return self.write(name, text, 0o755)


class MonitorTest(DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.recorder = Recorder()
        self.conf_dir = self.directory / "pmon.d"
        self.conf_dir.mkdir()
        self.state_file = self.directory / "pmon.state"
        # A monitor ran before, and watched nothing.
        state_file.save(self.state_file, {})

    def conf(self, name: str, **keys: Any) -> Path:
        """A drop-in file, with quick timing unless told otherwise."""
        values = {
            "process": name,
            "pidfile": self.pidfile(name),
            "severity": "major",
            "restarts": 2,
            "interval": 0.1,
            "debounce": 0.4,
            "startuptime": 0.05,
            **keys,
        }
        path = self.conf_dir / f"{name}.conf"
        lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
        path.write_text("\n".join(["[process]", *lines, ""]))
        return path

    def failing(self, name: str) -> Path:
        """The drop-in file of a process that ends at once. However long that takes, it is not taken for one that has started."""
        return self.conf(name, command="false", startuptime=600)

    def pidfile(self, name: str) -> Path:
        return self.directory / f"{name}.pid"

    def start(self, *, limits: Limits = LIMITS, **settings: Any) -> ProcessMonitor:
        settings = {"run_dir": self.directory, "pulse_port": 0, "limits": limits, **settings}
        self.monitor = ProcessMonitor(
            [self.conf_dir],
            self.state_file,
            self.recorder,
            self.recorder.report,
            settings=Settings(**settings),
        )
        self.monitor.start()
        self.addCleanup(self.monitor.stop)
        return self.monitor

    def boot(self) -> None:
        """What is left of the state file when the host has booted."""
        content = json.loads(self.state_file.read_text())
        self.state_file.write_text(json.dumps(content | {"boot_id": "an earlier one"}))

    def order(self, verb: Verb, name: str, deadline_s: float = 60.0) -> tuple[bool, str]:
        return cli.order(self.directory / "pmon.sock", verb, name, deadline_s)

    def watched(self) -> dict[str, Watched]:
        return self.monitor._roster._watched

    def entry(self, name: str) -> dict[str, Any]:
        watched = self.watched()[name]
        return {"pid": watched.pid, **vars(watched.machine)}

    def state(self, name: str) -> str:
        return str(self.watched()[name].machine.state)

    def is_in(self, name: str, *states: str) -> bool:
        return self.state(name) in states

    def wait_for(self, name: str, *states: str, limit_s: float = 60.0) -> float:
        try:
            return wait_until(lambda: self.is_in(name, *states), limit_s)
        except AssertionError:
            self.fail(f"{self.entry(name)} did not become {states} within {limit_s} s")

    def running_pid(self, name: str) -> int:
        """The pid once the process is up."""
        wait_until(lambda: self.is_in(name, "running", "debounce") and self.entry(name)["pid"])
        return int(self.entry(name)["pid"])

    def kill_and_wait(self, name: str) -> float:
        """Kill the process; gives the seconds until another one lives."""
        pid = self.entry(name)["pid"]
        kill(pid)
        return wait_until(lambda: self.entry(name)["pid"] not in (None, pid) and is_alive(self.entry(name)["pid"]))

    def assert_restarted_within_a_second(self, name: str) -> None:
        """The quickest of its restarts counts: a busy machine may hold up any one of them."""
        wait_until(lambda: self.kill_and_wait(name) < 1.0)

    def exhaust(self, name: str, restarts: int = 2) -> float:
        """Kill the process until its alarm is raised; gives the seconds from the last kill to the alarm.

        Its debounce has to be long: once it counts as stable it may fail as often again.
        """
        for _ in range(restarts):
            self.running_pid(name)
            self.kill_and_wait(name)
        pid = self.running_pid(name)
        self.assertNotIn("raise", self.recorder.kinds(name))
        kill(pid)
        return wait_until(lambda: "raise" in self.recorder.kinds(name))
