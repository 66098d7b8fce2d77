# SPDX-License-Identifier: Apache-2.0
"""The loop of a controller that votes alone, on loopback, turned by its test."""

import pathlib
import socket
import time
from collections.abc import Callable

import fixtures
from oslotest import base

from sm import daemon, keeper, lease, messages
from stx import datagrams, paths

KEYS = datagrams.Keys(b"k" * 32, (b"k" * 32,))


class Power:
    """:ivar renewed_count, lost_count: how often the lease was renewed, and how often it ended"""

    def __init__(self) -> None:
        self.renewed_count = self.lost_count = 0

    def renew(self, until: float) -> None:
        self.renewed_count += 1

    def lost(self) -> None:
        self.lost_count += 1


class Clock:
    """Time as the loop under test has it: what the machine holds it up for counts as a moment, or a lease would end of that.

    It is never fast, so that nothing lasts for longer than others think.
    """

    MOMENT_S = 0.03

    def __init__(self) -> None:
        self._now = self._seen_at = time.monotonic()

    def __call__(self) -> float:
        now = time.monotonic()
        self._now += min(now - self._seen_at, self.MOMENT_S)
        self._seen_at = now
        return self._now


class LoopTestCase(base.BaseTestCase):
    """It holds the lease, and its record is agreed on."""

    def setUp(self) -> None:
        super().setUp()
        self.keeper = keeper.Keeper(pathlib.Path(self.useFixture(fixtures.TempDir()).path))
        self.keeper.keep(lease.Kept(0, None, lease.Record(0, 0, frozenset({"controller-0"}), frozenset({"controller-0"}))))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.receiver = messages.Receiver("ours", {"lo": KEYS})
        ways = paths.Paths(
            messages.Sender("ours", "controller-0", 1), self.receiver, [paths.Path("lo", "127.0.0.1", self.port, {}, KEYS)]
        )
        self.power = Power()
        self.loop = daemon.Loop(
            "controller-0",
            1,
            self.keeper,
            ways,
            lease.Timing(),
            self.power,
            clock=Clock(),
            dropped=lambda: self.receiver.dropped,
        )
        self.addCleanup(self.loop.close)
        self.turn_until(lambda: self.loop.view.is_agreed)

    def turn_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            self.assertLess(time.monotonic(), deadline, self.loop.view)
            self.loop.turn()
