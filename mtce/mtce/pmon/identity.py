# SPDX-License-Identifier: Apache-2.0
"""Which process is meant: a process id alone may have passed to another process since."""

import dataclasses
import os
import re
import select
import time
from pathlib import Path

from mtce.pmon import small_file

MAX_PIDFILE_BYTES = 64
# A program writes its pidfile after it has started; clocks of different grain may show it the other way round by this much.
PIDFILE_SLACK_S = 2.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_COMMAND_WORDS = 4


@dataclasses.dataclass(frozen=True)
class Identity:
    """One process for good.

    :ivar start_ticks: when it started, in clock ticks after boot (field 22 of /proc/PID/stat)
    """

    pid: int
    start_ticks: int


def identify(pid: int) -> Identity | None:
    """The living process of this id; a zombie does not count."""
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The command name stands in brackets and may hold anything.
    fields = content[content.rfind(b")") + 1 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return Identity(pid, int(fields[19]))


def open_process(pid: int) -> tuple[Identity, int] | None:
    """The process of this id, with a descriptor that becomes readable when it ends; None when there is none to watch.

    The monitor itself and process 1 are refused: a wrong pidfile must never lead to killing them.
    """
    if pid <= 1 or pid == os.getpid():
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    identity = identify(pid)
    # If it has not ended by now, what was read belongs to it and not to a successor of the same number.
    if identity is None or has_ended(pidfd):
        os.close(pidfd)
        return None
    return identity, pidfd


def has_ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


@dataclasses.dataclass(frozen=True)
class Pidfile:
    """What a pidfile says.

    :ivar start_ticks: when the process started, where a second line may be that; the monitor and `stx up` write it
    :ivar age_s: seconds since the file was written
    """

    pid: int
    start_ticks: int | None
    age_s: float


def read_pidfile(path: str) -> Pidfile | None:
    """None when the file does not begin with a number."""
    try:
        content, modified = small_file.read(path, MAX_PIDFILE_BYTES)
        pid, age_s = int(content.split()[0]), time.time() - modified
    except (OSError, ValueError, IndexError):
        return None
    # Some programs write other lines after the number.
    second = re.fullmatch(rb"[0-9]+\n([0-9]{1,19})\n?", content)
    return Pidfile(pid, int(second[1]) if second else None, age_s)


def is_stale(identity: Identity, pidfile: Pidfile, name: str) -> bool:
    """Whether a pidfile's number has passed to another process.

    Start ticks that agree prove that it has not. Ticks that differ prove nothing: a program may write any number there. Then it
    has, when the process is younger than the file, unless it bears the name of the one that is meant: a clock that was set makes
    files look older than they are.
    """
    if pidfile.start_ticks == identity.start_ticks:
        return False
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - identity.start_ticks / _TICKS_PER_S
    return age_s + PIDFILE_SLACK_S < pidfile.age_s and name not in _names(identity.pid)


def _names(pid: int) -> set[str]:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:_COMMAND_WORDS]
        words.append(Path(f"/proc/{pid}/comm").read_bytes().strip())
    except OSError:
        return set()
    return {os.path.basename(word.decode(errors="replace")) for word in words}
