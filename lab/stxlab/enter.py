# SPDX-License-Identifier: Apache-2.0
"""Runs programs in groups and in the name spaces of others."""

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stxembedded import process
from stxlab.errors import LabError

NAMESPACE_DEADLINE_S = 60.0
_POLL_S = 0.005
# Of a process, in each name space from ours to its own.
_NUMBERS = re.compile(r"^NSpid:(.*)$", re.MULTILINE)

# A process joins its groups before anything else, so that it is found there whatever becomes of it. Joining fails in hierarchies
# whose groups want settings first (cpuset on version 1), which are of no use here.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"'


class RunError(LabError):
    """A program failed; the message has what it said."""


def run(argv: Sequence[str], text: str = "", deadline_s: float = 30.0) -> str:
    """What a program prints.

    :param text: its standard input
    :raises RunError: when it fails, is missing or takes too long
    """
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=deadline_s, check=False)
    except FileNotFoundError:
        raise RunError(f"{argv[0]} is not installed. `stx lab build` installs what a lab needs.") from None
    except subprocess.TimeoutExpired:
        raise RunError(f"`{' '.join(argv)}` did not end within {deadline_s:g} s.") from None
    if done.returncode:
        raise RunError(f"`{' '.join(argv)}` failed: {(done.stderr or done.stdout).strip()[-1000:] or done.returncode}")
    return done.stdout


def start(
    entrances: Sequence[str],
    argv: Sequence[str],
    output: Path,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program in groups and in a session of its own; it lives on when the caller ends.

    :param entrances: of the groups
    :param output: file that gets what it prints
    """
    with os.fdopen(os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "ab") as out:
        return subprocess.Popen(
            joining(entrances, argv),
            stdin=stdin,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=environment,
        )


def joining(entrances: Sequence[str], argv: Sequence[str]) -> list[str]:
    """A command line that joins groups, then becomes another one."""
    return ["/bin/sh", "-c", _JOIN, "join", *entrances, "--", *argv]


def into(pid: int, *namespaces: str) -> list[str]:
    """The beginning of a command line that runs a program in name spaces of a process: net, mount, pid, uts, ipc or all."""
    return ["nsenter", "--target", str(pid), *(f"--{name}" for name in namespaces), "--"]


def await_namespace(pid: int) -> None:
    """Wait until a process that was just started is in a network name space of its own.

    :raises RunError: when it does not come to be
    """
    own = os.readlink("/proc/self/ns/net")
    deadline = time.monotonic() + NAMESPACE_DEADLINE_S
    while time.monotonic() < deadline:
        try:
            if os.readlink(f"/proc/{pid}/ns/net") != own:
                return
        except OSError as error:
            raise RunError("No network name space could be made: a lab needs root.") from error
        time.sleep(_POLL_S)
    raise RunError(f"No network name space was made within {NAMESPACE_DEADLINE_S:g} s.")


def child(pid: int) -> process.Process | None:
    """The only child of a process."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return process.find(int(children[0])) if children else None


def is_first(pid: int) -> bool:
    """Whether a process is the first one of its name space."""
    try:
        found = _NUMBERS.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return False
    return found is not None and len(found[1].split()) > 1 and found[1].split()[-1] == "1"
