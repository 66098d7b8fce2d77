# SPDX-License-Identifier: Apache-2.0
"""The programs that run on a host, seen from outside."""

import contextlib
import dataclasses
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

# The kernel keeps this much of a program's name.
_COMM_LENGTH = 15
_UNITS = (".service", ".scope", ".slice", ".socket", ".mount", ".target")
_INTERPRETERS = ("python", "perl", "sh", "bash", "dash", "ruby")
_WITH_VALUE = ("-W", "-X")


@dataclasses.dataclass(frozen=True)
class Program:
    """:ivar descriptor: means this process, and never another one that gets its number
    :ivar inner_pid: its number on the host
    """

    descriptor: int
    name: str
    inner_pid: int

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, number)


def find(pids: Iterable[int], leader: int, name: str) -> Iterator[Program]:
    """The programs of a host that have a name, or are of the unit that has it. The caller closes their descriptors.

    Process 1 of the host is never among them: its end is the host's.

    :param pids: candidates, outside numbers
    :param leader: process 1 of the host
    """
    for pid in sorted(pids):
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        # From here on the number is not given to another process without the descriptor telling.
        if pid != leader and _is_of(pid, leader) and _is_named(pid, name):
            yield Program(descriptor, _comm(pid), _inner_pid(pid))
        else:
            os.close(descriptor)


def names(pids: Iterable[int], leader: int) -> set[str]:
    """What can be named."""
    found = [pid for pid in pids if pid != leader and _is_of(pid, leader)]
    return {(units_of(_read(pid, "cgroup")) or [_comm(pid)])[-1] for pid in found} - {""}


def maps(pid: int, path: str) -> bool:
    """Whether a process has a file in its memory."""
    return path in _read(pid, "maps")


def units_of(cgroup: str) -> list[str]:
    """The units that a process is of, the innermost last.

    :param cgroup: its groups, as the kernel tells them
    """
    return [part for line in cgroup.splitlines() for part in line.split("/") if part.endswith(_UNITS)]


def names_of(comm: str, words: Sequence[str]) -> set[str]:
    """What a program is called. A script is known by its own name, and not by that of what runs it.

    :param comm: its name as the kernel has it, which may be shortened
    :param words: its command line
    """
    first = os.path.basename(words[0]) if words else ""
    script = _script(words[1:]) if first.rstrip("0123456789.") in _INTERPRETERS else ""
    return {script, *({comm} - {first})} if script else {first, comm} - {""}


def _script(words: Sequence[str]) -> str:
    """The script or module that the arguments of an interpreter name; none for code that is an argument itself."""
    remaining = iter(words)
    for word in remaining:
        if word in _WITH_VALUE:
            next(remaining, "")
        elif word == "-m":
            return next(remaining, "")
        elif word == "-c":
            return ""
        elif not word.startswith("-"):
            return os.path.basename(word)
    return ""


def _is_of(pid: int, leader: int) -> bool:
    """Whether it is on the host: the process that holds the container is not."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino == os.stat(f"/proc/{leader}/ns/pid").st_ino
    except OSError:
        return False


def _is_named(pid: int, name: str) -> bool:
    if name.endswith(_UNITS):
        return name in units_of(_read(pid, "cgroup"))
    words = [word for word in _read(pid, "cmdline").split("\0") if word]
    return bool({name, name[:_COMM_LENGTH]} & names_of(_comm(pid), words))


def _comm(pid: int) -> str:
    return _read(pid, "comm").strip()


def _inner_pid(pid: int) -> int:
    for line in _read(pid, "status").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
