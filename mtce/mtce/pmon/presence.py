# SPDX-License-Identifier: Apache-2.0
"""Where the process is: which pid it has, and when that ends."""

import contextlib
import logging
import os
import selectors
import signal
from collections.abc import Callable
from pathlib import Path

from mtce.pmon import identity, launch
from mtce.pmon.conf import ProcessConf
from mtce.pmon.identity import Identity

LOG = logging.getLogger(__name__)


class Presence:
    """:param last: the process as an earlier monitor knew it
    :param on_exit: called with the exit code when the process that is followed has ended, and whether that was to be expected
    """

    def __init__(
        self,
        conf: ProcessConf,
        selector: selectors.BaseSelector,
        last: Identity | None,
        on_exit: Callable[[int | None, bool], None],
    ) -> None:
        self._conf = conf
        self._selector = selector
        self._last = last
        self._on_exit = on_exit
        self._outgoing: Identity | None = None
        self._pidfd: int | None = None
        self.identity: Identity | None = None

    @property
    def known(self) -> Identity | None:
        """The process as far as it is known."""
        return self.identity or self._last

    def find(self) -> bool:
        """Whether the process lives, as its pidfile tells; from now on it is followed."""
        last, self._last = self._last, None
        if self.identity is not None and self._conf.is_command:
            return True
        if self.identity is None and last is not None and identity.identify(last.pid) == last:
            return self.follow(last.pid)
        named = identity.read_pidfile(self._conf.pidfile)
        if named is not None and (self.identity is None or named.pid != self.identity.pid):
            found = identity.identify(named.pid)
            if found is not None and not identity.is_stale(found, named, self._conf.name):
                return self.follow(found.pid)
        return self.identity is not None

    def follow(self, pid: int) -> bool:
        """Follow the process of this pid; False when there is none."""
        opened = identity.open_process(pid)
        if opened is None:
            return False
        if opened[0] == self.identity:
            os.close(opened[1])
            return True
        self.let_go()
        self._follow(*opened)
        return True

    def start(self, log_path: str) -> None:
        """Start the command, follow it, and see to its pidfile.

        :raises launch.LaunchError:
        """
        self.let_go()
        try:
            Path(self._conf.pidfile).unlink(missing_ok=True)
        except OSError as error:
            raise launch.LaunchError(f"its pidfile {self._conf.pidfile} cannot be removed: {error.strerror}") from None
        pid, pidfd = launch.launch(self._conf.command, log_path)
        # One that has ended already has no start time, but a descriptor that says so.
        process = identity.identify(pid) or Identity(pid, 0)
        self._follow(process, pidfd)
        self._write_pidfile(process)

    def expect_replacement(self) -> None:
        """A start action is about to put another process in the place of this one."""
        self._outgoing = self.identity

    def send_signal(self, number: signal.Signals) -> bool:
        """Signal the process; False when there is none. Its end comes through on_exit."""
        if self._pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            pass
        except OSError as error:
            LOG.error("%s: pid %s cannot be sent %s: %s", self._conf.name, self.identity, number.name, error.strerror)
        return True

    def let_go(self) -> None:
        """Follow it no more; the process lives on."""
        if self._pidfd is not None:
            self._selector.unregister(self._pidfd)
            os.close(self._pidfd)
        self.identity, self._pidfd = None, None

    def _follow(self, process: Identity, pidfd: int) -> None:
        self.identity, self._pidfd = process, pidfd
        self._selector.register(pidfd, selectors.EVENT_READ, self._ended)

    def _ended(self) -> None:
        if self.identity is None or self._pidfd is None:
            return
        ended = self.identity
        code = launch.reap(ended.pid, self._pidfd)
        self.let_go()
        if self._conf.is_command:
            self._remove_pidfile(ended.pid)
        # A command that put itself in the background ends well; its successor's pid is in the pidfile.
        self._on_exit(code, ended == self._outgoing or code == 0)

    def _write_pidfile(self, process: Identity) -> None:
        # Exclusively: a program that has written it itself, perhaps with the pid of a child, knows better.
        try:
            with open(self._conf.pidfile, "x", encoding="ascii") as file:
                file.write(f"{process.pid}\n{process.start_ticks}\n")
        except FileExistsError:
            pass
        except OSError as error:
            LOG.error("%s: its pidfile %s cannot be written: %s", self._conf.name, self._conf.pidfile, error.strerror)

    def _remove_pidfile(self, pid: int) -> None:
        named = identity.read_pidfile(self._conf.pidfile)
        if named is not None and named.pid == pid:
            with contextlib.suppress(OSError):
                os.unlink(self._conf.pidfile)
