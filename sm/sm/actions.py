# SPDX-License-Identifier: Apache-2.0
"""Carries actions out: programs with a deadline, whose end is an event, and addresses, which are the kernel's business.

A program is in a group of its own, and ends as a whole at its deadline. How agents are called: spec mtce-sm.md B1.5.
"""

import contextlib
import dataclasses
import logging
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import IO

from sm.addresses import Addresses, Floating
from sm.model import Call

LOG = logging.getLogger(__name__)

OCF_ROOT = pathlib.Path("/usr/lib/ocf")
_INIT = pathlib.Path("/etc/init.d")
# As agents of OCF say it.
NOT_THERE, NOT_RUNNING, THERE = 5, 7, 8
MOST_SAID = 2000
# Of a program that was killed at its deadline.
TIMED_OUT = -1
_SYSTEMCTL = ("systemctl", "--no-ask-password")

Done = Callable[[int, str], None]


@dataclasses.dataclass
class _Running:
    process: subprocess.Popen[bytes]
    said: IO[bytes]
    deadline: float
    done: Done
    descriptor: int


class Runner:
    """Starts programs, and tells when they have ended.

    :param watch: called with a file descriptor that is to be watched, and what to call when it can be read
    :param ignore: called with one that need not be watched any more
    """

    def __init__(
        self,
        clock: Callable[[], float],
        watch: Callable[[int, Callable[[], None]], None],
        ignore: Callable[[int], None],
        addresses: Mapping[str, Floating],
    ) -> None:
        self._clock = clock
        self._watch = watch
        self._ignore = ignore
        self._running: dict[str, _Running] = {}
        self._addresses = {name: Addresses((each,)) for name, each in addresses.items()}

    def start(self, key: str, service: str, call: Call, parameters: Mapping[str, str], done: Done) -> None:
        """Carry an action out.

        :param key: of what it is for; one that is still at work for the same ends first, and is not heard of again
        :param done: called with the exit code and what was said, at once or later; TIMED_OUT when it took too long
        """
        self.end(key)
        if call.plugin == "address":
            done(*self._put_address(service, call))
            return
        argv = command_line(call)
        if argv is None:
            done(NOT_THERE, f"{call.name} is not there")
            return
        said = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when the program has ended
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment(service, call, parameters),
                cwd="/",
                start_new_session=True,
                umask=0o022,
            )
        except OSError as error:
            said.close()
            done(NOT_THERE, f"{argv[0]}: {error.strerror}")
            return
        descriptor = os.pidfd_open(process.pid)
        self._running[key] = _Running(process, said, self._clock() + call.timeout_s, done, descriptor)
        self._watch(descriptor, lambda: self._ended(key))

    def next_deadline(self) -> float:
        return min((each.deadline for each in self._running.values()), default=float("inf"))

    def expire(self) -> None:
        """End what has taken too long."""
        now = self._clock()
        for key, each in list(self._running.items()):
            if now >= each.deadline:
                text = self._finish(key)
                each.done(TIMED_OUT, text)

    def end(self, key: str) -> None:
        """Kill what is at work, if anything is; nobody is told."""
        if key in self._running:
            self._finish(key)

    def end_all(self) -> None:
        for key in list(self._running):
            self.end(key)

    def close(self) -> None:
        self.end_all()
        for each in self._addresses.values():
            each.close()

    def _ended(self, key: str) -> None:
        each = self._running[key]
        code = each.process.wait()
        text = self._finish(key)
        each.done(code if code >= 0 else 128 - code, text)

    def _finish(self, key: str) -> str:
        """Whatever is left of it ends; gives what it said."""
        each = self._running.pop(key)
        self._ignore(each.descriptor)
        os.close(each.descriptor)
        if each.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()
        with each.said:
            size = each.said.seek(0, os.SEEK_END)
            each.said.seek(max(0, size - MOST_SAID))
            return each.said.read().decode(errors="replace").strip()

    def _put_address(self, service: str, call: Call) -> tuple[int, str]:
        address = self._addresses.get(service)
        if address is None:
            return 6, "it has no parameters ip, prefix and device"
        try:
            if call.command == "check":
                return (THERE if address.are_there() else NOT_RUNNING), ""
            address.put() if call.command == "add" else address.take_off()
        except OSError as error:
            return 1, str(error)
        return 0, ""


def command_line(call: Call) -> list[str] | None:
    """What is run; None when it is not installed."""
    if call.plugin == "systemd":
        quiet = ["--quiet"] if call.command == "is-active" else []
        return [*_SYSTEMCTL, call.command, *quiet, call.name]
    if call.plugin == "command":
        words = shlex.split(call.name)
        found = shutil.which(words[0], path=_path()) if words else None
        return [found, *words[1:], call.command] if found else None
    script = OCF_ROOT / "resource.d" / call.kind / call.name if call.plugin == "ocf" else _INIT / call.name
    return [str(script), call.command] if os.access(script, os.X_OK) else None


def environment(service: str, call: Call, parameters: Mapping[str, str]) -> dict[str, str]:
    own = {
        "PATH": _path(),
        "LANG": "C.UTF-8",
        "HOME": "/root",
        "OCF_ROOT": str(OCF_ROOT),
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "0",
        "OCF_RESOURCE_TYPE": call.name,
        "OCF_RESOURCE_INSTANCE": service,
    }
    return {**own, **{f"OCF_RESKEY_{name}": value for name, value in parameters.items()}}


def main_pid(unit: str) -> int | None:
    """The main process of a systemd unit that is active."""
    argv = [*_SYSTEMCTL, "show", "--property=MainPID", "--value", unit]
    try:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=2, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return int(said) if said.isdecimal() and said != "0" else None


def pid_in(path: str) -> int | None:
    """The process that a pid file names."""
    try:
        words = pathlib.Path(path).read_text().split()
    except OSError:
        return None
    return int(words[0]) if words and words[0].isdecimal() else None


def floating(parameters: Mapping[str, str]) -> Floating | None:
    """The address that is meant; None where something is missing."""
    try:
        return Floating(parameters["ip"], int(parameters["prefix"]), parameters["device"])
    except (KeyError, ValueError):
        return None


def _path() -> str:
    own = str(pathlib.Path(sys.executable).parent)
    return f"{own}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
