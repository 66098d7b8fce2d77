# SPDX-License-Identifier: Apache-2.0
"""The lease in a process of its own, and what becomes of it when one of the two processes ends or hangs."""

import os
import pathlib
import select
import signal
import socket
import time
from collections.abc import Callable

import fixtures
from oslotest import base

from sm import daemon, keeper, lease, leaseholder, messages
from sm.daemon import View, Wish
from sm.leaseholder import Leaseholder
from stx import paths

OWN = "controller-0"
DEADLINE_S = 60.0
HELLO = messages.Hello(OWN, True, "boot", 1)


class Power:
    def renew(self, until: float) -> None:
        """Nothing depends on it."""

    def lost(self) -> None:
        """Nothing depends on it."""


class LeaseholderTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        state = keeper.Keeper(self.directory)
        state.keep(lease.Kept(0, None, lease.Record(0, 0, frozenset({OWN}), frozenset({OWN}))))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def begin(self) -> Leaseholder:
        holder = Leaseholder(self.make)
        self.addCleanup(self.end, holder)
        return holder

    @staticmethod
    def end(holder: Leaseholder) -> None:
        # One that a test has ended is waited for already.
        if pathlib.Path(f"/proc/{holder.pid}").exists():
            holder.close()

    def make(self, show: Callable[[View], None]) -> daemon.Loop:
        ways = paths.Paths(messages.Sender("a", OWN, 1), messages.Receiver("a", {}), [paths.Path("lo", "127.0.0.1", self.port)])
        return daemon.Loop(
            OWN, 1, keeper.Keeper(self.directory), ways, lease.Timing(), Power(), wish=Wish(wants_lease=False), changed=show
        )

    def until(self, holder: Leaseholder, is_so: Callable[[View], bool], says: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_so(holder.view):
            self.assertLess(time.monotonic(), deadline, holder.view)
            says()
            if select.select([holder.descriptor], [], [], 0.05)[0]:
                holder.hear()

    def hold(self, holder: Leaseholder) -> None:
        self.until(holder, lambda view: view.is_agreed, lambda: holder.want(Wish(HELLO)))

    def test_what_is_wanted_goes_one_way_and_what_is_seen_the_other(self) -> None:
        holder = self.begin()
        self.assertFalse(holder.view.holds)
        self.hold(holder)
        self.assertEqual({OWN}, holder.view.record.voters)
        self.until(holder, lambda view: not view.holds, lambda: holder.want(Wish(HELLO, wants_lease=False)))

    def test_the_lease_is_let_go_when_nobody_says_anything_for_too_long(self) -> None:
        self.useFixture(fixtures.MockPatchObject(leaseholder, "SILENT_S", 0.5))
        holder = self.begin()
        self.hold(holder)
        self.until(holder, lambda view: not view.holds)
        self.hold(holder)

    def test_the_end_of_the_other_process_is_heard_at_once(self) -> None:
        holder = self.begin()
        self.hold(holder)
        os.kill(holder.pid, signal.SIGKILL)
        self.assertRaises(EOFError, self.until, holder, lambda view: False)
        self.assertFalse(holder.view.holds)
        os.waitpid(holder.pid, 0)

    def test_closing_lets_the_lease_go_and_ends_the_other_process(self) -> None:
        holder = self.begin()
        self.hold(holder)
        holder.close()
        self.assertRaises(ProcessLookupError, os.kill, holder.pid, 0)
        # Another one may have it.
        self.hold(self.begin())
