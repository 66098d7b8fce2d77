# SPDX-License-Identifier: Apache-2.0
"""Processes that outlive the command that starts them.

A pid alone may belong to somebody else tomorrow, so a process is known by its pid and the moment it began. A pid file holds both,
a line each.
"""

import contextlib
import dataclasses
import enum
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stx import exception

KILL_DEADLINE_S = 10.0
CLOCK_SLACK_S = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Process:
    """One process for as long as it lives.

    :ivar started: when it began, in clock ticks since the machine booted
    """

    pid: int
    started: int

    @property
    def is_running(self) -> bool:
        return find(self.pid) == self

    @property
    def uptime_s(self) -> float:
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - self.started / _TICKS)

    @property
    def memory_mib(self) -> float:
        """Resident memory; 0 when the process is gone."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except OSError:
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Stopped(enum.Enum):
    """How a process ended."""

    NOT_RUNNING = "was not running"
    TERMINATED = "stopped"
    KILLED = "killed, it did not stop in time"


def find(pid: int) -> Process | None:
    """The process that has this pid now. One that ended and waits to be reaped is none."""
    fields = _stat(pid)
    return Process(pid, int(fields[19])) if fields and fields[0] not in "ZX" else None


def read_pid_file(path: Path) -> Process | None:
    """The process that the file names, if it still runs.

    A file that others wrote holds the pid alone. Then the process must have been there when the file was written.
    """
    try:
        words = path.read_text().split()
        process = find(int(words[0]))
        age_s = time.time() - path.stat().st_mtime
    except (OSError, ValueError, IndexError):
        return None
    if process is None:
        return None
    is_meant = words[1] == str(process.started) if len(words) > 1 else process.uptime_s + CLOCK_SLACK_S >= age_s
    return process if is_meant else None


def write_pid_file(path: Path, pid: int | None = None) -> None:
    """Say in a file which process (default: this one) it is. Another process that reads it sees all of it or nothing."""
    process = find(os.getpid() if pid is None else pid)
    if process is None:
        return
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{process.pid}\n{process.started}\n")
    new.replace(path)


def start(argv: Sequence[str], pid_file: Path, output: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that it lives on when the caller, its shell and its terminal end.

    :param output: file that gets what the process prints
    """
    with os.fdopen(os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "ab") as out:
        started = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, cwd="/", env=env
        )
    write_pid_file(pid_file, started.pid)
    return started


def stop(pid_file: Path, deadline_s: float) -> Stopped:
    """End the process that the file names, and whatever it left behind in its session; then remove the file.

    It is asked with TERM; after `deadline_s` seconds it is killed.
    """
    process = read_pid_file(pid_file)
    if process is None:
        return Stopped.NOT_RUNNING
    result = end(process, deadline_s)
    for left in _session(process.pid):
        end(left, 1.0)
    # A process monitor may have put another process into its place already.
    if read_pid_file(pid_file) is None:
        pid_file.unlink(missing_ok=True)
    return result


def end(process: Process, deadline_s: float) -> Stopped:
    """Ask a process with TERM to end; kill it after `deadline_s` seconds.

    :raises exception.Unavailable: when not even that ends it
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return Stopped.NOT_RUNNING
    try:
        # From here on the descriptor means one process only. Is it the one that was meant?
        if not process.is_running:
            return Stopped.NOT_RUNNING
        if _signal(descriptor, signal.SIGTERM, deadline_s):
            return Stopped.TERMINATED
        if _signal(descriptor, signal.SIGKILL, KILL_DEADLINE_S):
            return Stopped.KILLED
    finally:
        os.close(descriptor)
    raise exception.Unavailable(f"Process {process.pid} does not end even when killed: it hangs in the kernel. Look at its disk.")


def with_arguments(wanted: Sequence[Sequence[str]]) -> list[Process]:
    """The processes that have one of these sequences of arguments in their command line, but never this one."""
    needles = [b"\0" + b"\0".join(os.fsencode(word) for word in words) + b"\0" for words in wanted]
    found = []
    for pid in _pids():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if pid != os.getpid() and any(needle in command for needle in needles) and (process := find(pid)):
            found.append(process)
    return found


def _signal(descriptor: int, number: signal.Signals, deadline_s: float) -> bool:
    """Send a signal and wait; whether the process has ended then."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)
        # One that was stopped (SIGSTOP, a debugger) would not see it otherwise.
        signal.pidfd_send_signal(descriptor, signal.SIGCONT)
    return bool(select.select([descriptor], [], [], deadline_s)[0])


def _session(leader: int) -> list[Process]:
    members = [pid for pid in _pids() if (fields := _stat(pid)) and int(fields[3]) == leader]
    return [process for pid in members if (process := find(pid))]


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; the second, the name, may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
