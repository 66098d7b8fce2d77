# SPDX-License-Identifier: Apache-2.0
"""Starts programs, detached in sessions of their own, and learns how they ended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

# What systemd tells the monitor about itself is not for the programs that it starts.
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "MAINPID")
_OCF_ROOT = "/usr/lib/ocf"


class LaunchError(Exception):
    """A program could not be started; the message says why."""


def launch(argv: Sequence[str], log_path: str = "", output: int | None = None) -> tuple[int, int]:
    """Start a program without a shell, as the leader of a new session; gives its pid and a pidfd.

    :param log_path: file that its output is appended to; without it the output goes nowhere
    :param output: descriptor that its output goes to instead
    :raises LaunchError:
    """
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    environment.setdefault("OCF_ROOT", _OCF_ROOT)
    with contextlib.ExitStack() as stack:
        if output is None:
            output = _open_output(log_path)
            stack.callback(os.close, output)
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise LaunchError(f"{argv[0]} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError as error:
        process.kill()
        process.wait()
        raise LaunchError(f"{argv[0]} cannot be watched: {error.strerror}") from None
    # It is reaped through the pidfd; Popen must not wait for it too.
    process.returncode = 0
    return process.pid, pidfd


def _open_output(log_path: str) -> int:
    try:
        if log_path:
            return os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LaunchError(f"the log file {log_path} cannot be opened: {error.strerror}") from None


def reap(pid: int, pidfd: int) -> int | None:
    """The exit code of a process that has ended, negative for a signal; None when it is not the monitor's own child.

    What a failed child leaves behind in its process group is killed, or it would keep sockets and files from its successor.
    """
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if result is None:
            return None
        code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        if code:
            # Until it is reaped its number cannot have passed to another group.
            kill_group(pid)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    return code


def kill_group(pid: int) -> None:
    """Kill a child that has not been reaped, and its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)


def ending(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "it ended"
    if code < 0:
        try:
            return f"killed by signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"killed by signal {-code}"
    return f"it exited with code {code}"
