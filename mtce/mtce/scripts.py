# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts of a directory to their end, or until their time is over."""

import contextlib
import dataclasses
import logging
import os
import selectors
import stat
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtce.pmon import launch

LOG = logging.getLogger(__name__)

# Of what a script prints, this much is logged.
MAX_OUTPUT_BYTES = 4096
_READ_BYTES = 65536


class ScriptsError(Exception):
    """Scripts may not be run; the message says what to change."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """:ivar reason: why the script failed, empty when it passed"""

    script: str
    reason: str = ""


def find(directory: Path) -> list[Path]:
    """The executable files of a directory in the order of their names; none where there is no such directory.

    They are run as root, so others may not be able to change them.

    :raises ScriptsError:
    """
    try:
        _check(directory)
        found = [path for path in sorted(directory.iterdir()) if path.is_file() and os.access(path, os.X_OK)]
        for path in found:
            _check(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ScriptsError(f"{directory} cannot be read: {error.strerror}.") from error
    return found


def _check(path: Path) -> None:
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ScriptsError(f"{path} can be changed by others than root, so it is not run: chown root {path}; chmod go-w {path}")


def failures(outcomes: Iterable[Outcome]) -> str:
    """The scripts that failed, and why; empty when all passed."""
    return "; ".join(f"{each.script}: {each.reason}" for each in outcomes if each.reason)


class Scripts:
    """Runs scripts; stop() ends that from another thread."""

    def __init__(self) -> None:
        self._stop = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether it was ended before its time, so that the outcomes say nothing."""
        return self._is_stopped

    def stop(self) -> None:
        self._is_stopped = True
        os.eventfd_write(self._stop, 1)

    def close(self) -> None:
        os.close(self._stop)

    def run(self, paths: Sequence[Path], argument: str, timeout_s: float, is_parallel: bool) -> list[Outcome]:
        """How each script went. All are run, also when one fails.

        :param timeout_s: for all of them together; the groups of those that are at it then are killed
        """
        deadline = time.monotonic() + timeout_s
        outcomes: list[Outcome] = []
        for turn in [list(paths)] if is_parallel else [[path] for path in paths]:
            outcomes += self._run_together(turn, argument, deadline, timeout_s)
        return outcomes

    def _run_together(self, paths: Sequence[Path], argument: str, deadline: float, timeout_s: float) -> list[Outcome]:
        if time.monotonic() >= deadline or self._is_stopped:
            return [Outcome(path.name, "it was not run, the time was over") for path in paths]
        reasons: dict[str, str] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop, selectors.EVENT_READ)
            running: set[_Script] = set()
            for path in paths:
                try:
                    running.add(_Script(path, argument, selector))
                except launch.LaunchError as error:
                    reasons[path.name] = str(error)
            while running and not self._is_stopped and (left_s := deadline - time.monotonic()) > 0:
                for key, _ in selector.select(left_s):
                    if isinstance(key.data, _Script):
                        key.data.serve(key.fd)
                for script in [script for script in running if script.has_ended]:
                    running.remove(script)
                    reasons[script.name] = script.end()
            for script in running:
                script.end()
                reasons[script.name] = f"it did not end within {timeout_s:g} s"
        return [Outcome(path.name, reasons[path.name]) for path in paths]


class _Script:
    """One that runs, in a process group of its own."""

    def __init__(self, path: Path, argument: str, selector: selectors.BaseSelector) -> None:
        self.name = path.name
        self.has_ended = False
        self._what = f"{path} {argument}"
        self._selector = selector
        self._output, output = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(output, True)
        self._said = b""
        try:
            self._pid, self._pidfd = launch.launch([str(path), argument], output=output)
        except launch.LaunchError:
            os.close(self._output)
            raise
        finally:
            os.close(output)
        selector.register(self._pidfd, selectors.EVENT_READ, self)
        selector.register(self._output, selectors.EVENT_READ, self)

    def serve(self, descriptor: int) -> None:
        if descriptor == self._pidfd:
            self.has_ended = True
        elif not self._read():
            self._selector.unregister(self._output)

    def end(self) -> str:
        """Why it failed, once it has ended; it is made to where it has not."""
        if not self.has_ended:
            launch.kill_group(self._pid)
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT)
        self._selector.unregister(self._pidfd)
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._output)
        self._read()
        code = launch.reap(self._pid, self._pidfd)
        os.close(self._pidfd)
        os.close(self._output)
        said = self._said.decode(errors="replace").strip()
        LOG.log(
            logging.WARNING if code else logging.INFO, "%s: %s%s", self._what, launch.ending(code), f"\n{said}" if said else ""
        )
        return launch.ending(code) if code else ""

    def _read(self) -> bool:
        """Take in what it says; False when it says no more. What is too much is dropped, so that the script does not wait."""
        try:
            heard = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return True
        self._said += heard[: MAX_OUTPUT_BYTES - len(self._said)]
        return bool(heard)
