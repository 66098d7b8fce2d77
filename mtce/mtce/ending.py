# SPDX-License-Identifier: Apache-2.0
"""Ends this boot: reboot, reset or wipe, each with a last resort for when that hangs.

Only a process that systemd has started as a unit's own can: what is called from a shell, or from a test, is refused.
"""

import contextlib
import dataclasses
import logging
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Sequence

LOG = logging.getLogger(__name__)

# How long the boot may take to end before the last resort, in seconds (spec mtce-sm.md A2.9).
LAST_RESORT_S = {"reboot": 120, "reset": 60, "wipe": 60}
COMMAND_S = 30.0
WIPE_S = 45.0
# Its last words, when everything else hangs: nothing is written back, no program is asked.
_SYSRQ = "echo 1 > /proc/sys/kernel/sysrq; echo b > /proc/sysrq-trigger"
# The kernel's key is the whole machine's, so a host that is a container ends itself alone.
_CONTAINER = "systemctl reboot --force --force"
_FIRST_PID_NAMESPACE = "pid:[4026531836]"
_SYSTEMD = pathlib.Path("/run/systemd")

Argv = Sequence[str]


class EndingError(Exception):
    """The boot is not ended; the message says why."""


@dataclasses.dataclass(frozen=True)
class Commands:
    """:ivar wipe: makes that nothing boots from this host's disks
    :ivar last_resort: what a shell is to do when the others have not worked
    """

    reboot: Argv = ("systemctl", "--no-block", "reboot")
    # Nothing is waited for: what does not end by itself would keep the host alive for minutes.
    reset: Argv = ("systemctl", "reboot", "--force", "--force")
    wipe: Argv = (sys.executable, "-m", "mtce.wiping", "--yes")
    last_resort: str = _SYSRQ


class Runner:
    """Runs commands as this host's own: the only way to them, which tests replace."""

    def check(self) -> None:
        """:raises EndingError: when this process is not one that may end the boot"""
        if not _SYSTEMD.joinpath("system").is_dir() or os.environ.get("SYSTEMD_EXEC_PID") != str(os.getpid()):
            raise EndingError("Only a unit of systemd can end the boot of its host, and this process is none.")

    def run(self, argv: Argv, limit_s: float) -> None:
        """:raises EndingError: when it did not work"""
        self.check()
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EndingError(f"{argv[0]} did not work: {error}.") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise EndingError(f"{' '.join(argv)} gave {done.returncode}: {said}")

    def detach(self, argv: Argv) -> None:
        """Start a program, and let it live on.

        :raises EndingError: when it did not start
        """
        self.check()
        try:
            subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise EndingError(f"{argv[0]} did not start: {error.strerror}.") from error


def commands_of_this_host(wipe: Argv = ()) -> Commands:
    """What ends the boot here.

    :param wipe: in place of the usual one
    """
    is_container = _SYSTEMD.joinpath("container").exists()
    with contextlib.suppress(OSError):
        is_container |= os.readlink("/proc/self/ns/pid") != _FIRST_PID_NAMESPACE
    usual = Commands(last_resort=_CONTAINER if is_container else _SYSRQ)
    return dataclasses.replace(usual, wipe=wipe) if wipe else usual


class Ending:
    """:param log: told of each step; it may be the last that is heard"""

    def __init__(self, commands: Commands, runner: Runner, log: Callable[[str], None] = LOG.warning) -> None:
        self._commands = commands
        self._runner = runner
        self._log = log

    @property
    def is_possible(self) -> bool:
        try:
            self._runner.check()
        except EndingError:
            return False
        return True

    def end(self, how: str, last_resort_s: int | None = None) -> bool:
        """End the boot; returns whether that has begun. A step that does not work is logged, and the next one tried.

        :param how: reboot, reset or wipe
        :raises EndingError: when this process may not
        """
        self._runner.check()
        wait_s = LAST_RESORT_S[how] if last_resort_s is None else last_resort_s
        self._log(f"This host ends its boot: {how}; the last resort comes after {wait_s} s")
        is_armed = self._arm(wait_s)
        if how == "wipe":
            self._try(lambda: self._runner.run(self._commands.wipe, WIPE_S))
        argv = self._commands.reboot if how == "reboot" else self._commands.reset
        return self._try(lambda: self._runner.run(argv, COMMAND_S)) or is_armed

    def _arm(self, wait_s: int) -> bool:
        # Where the boot ends well it is ended too, which must neither take long nor be the moment for it.
        last = ["/bin/sh", "-c", f"sleep {wait_s} && {{ {self._commands.last_resort}; }}"]
        # As a unit of its own that nothing stops, as this process is stopped by the very thing that may hang.
        unit = ["systemd-run", "--quiet", "--collect", "--property=DefaultDependencies=no", *last]
        return self._try(lambda: self._runner.run(unit, COMMAND_S)) or self._try(lambda: self._runner.detach(last))

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except EndingError as error:
            self._log(str(error))
            return False
        return True
