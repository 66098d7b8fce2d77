# SPDX-License-Identifier: Apache-2.0
"""Datagrams that are not what they seem, in numbers, against a loop that holds the lease."""

import pathlib
import random
import socket
import time
from collections.abc import Callable

import fixtures
from oslotest import base

from sm import daemon, keeper, lease, messages, paths

KEYS = messages.Keys(b"k" * 32, (b"k" * 32,))
OTHER = messages.Keys(b"o" * 32, (b"o" * 32,))
EVERYTHING_S = 1.5


class Power:
    """:ivar lost_count: how often the lease ended"""

    def __init__(self) -> None:
        self.lost_count = 0

    def renew(self, until: float) -> None:
        """Nothing depends on it."""

    def lost(self) -> None:
        self.lost_count += 1


class FloodTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        state = keeper.Keeper(pathlib.Path(self.useFixture(fixtures.TempDir()).path))
        state.keep(lease.Kept(0, None, lease.Record(0, 0, frozenset({"controller-0"}), frozenset({"controller-0"}))))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.receiver = messages.Receiver("ours", {"lo": KEYS})
        ways = paths.Paths(
            messages.Sender("ours", "controller-0", 1), self.receiver, [paths.Path("lo", "127.0.0.1", {}, KEYS, self.port)]
        )
        self.addCleanup(ways.close)
        self.power = Power()
        self.loop = daemon.Loop("controller-0", 1, state, ways, lease.Timing(), self.power, dropped=lambda: self.receiver.dropped)
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.sender.close)
        self.turn_until(lambda: self.loop.view.is_agreed)

    def turn_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so():
            self.assertLess(time.monotonic(), deadline)
            self.loop.turn()

    def flood(self, datagrams: list[bytes]) -> None:
        """A thousand a second."""
        due = time.monotonic()
        for datagram in datagrams:
            self.sender.sendto(datagram, ("127.0.0.1", self.port))
            due += 0.001
            while time.monotonic() < due:
                self.loop.turn()
        self.turn_until(lambda: sum(self.receiver.dropped.values()) >= len(datagrams))

    def signed(self, keys: messages.Keys, cluster: str = "ours", start: int = 5) -> list[bytes]:
        """Requests of the other controller in an ever newer term."""
        made = messages.Sender(cluster, "controller-1", start)
        record = lease.Record(99, 0, frozenset({"controller-1"}), frozenset({"controller-1"}))
        return [
            made.pack(lease.Request("controller-1", str(start), number, 0.0, 100 + number, record), keys)
            for number in range(1, int(1000 * EVERYTHING_S))
        ]

    def assert_dropped(self, datagrams: list[bytes], reason: messages.Drop) -> None:
        before = self.loop.voter.kept
        self.flood(datagrams)
        self.assertEqual({("lo", reason): len(datagrams)}, dict(self.receiver.dropped))
        self.assertEqual((before, 0, True), (self.loop.voter.kept, self.power.lost_count, self.loop.view.holds))

    def test_those_signed_with_another_key_change_nothing(self) -> None:
        self.assert_dropped(self.signed(OTHER), messages.Drop.FORGED)

    def test_those_of_another_cluster_change_nothing(self) -> None:
        self.assert_dropped(self.signed(KEYS, "theirs"), messages.Drop.FOREIGN)

    def test_noise_changes_nothing(self) -> None:
        chance = random.Random(1)
        self.assert_dropped([b"xx" + chance.randbytes(100) for _ in range(1000)], messages.Drop.MALFORMED)

    def test_one_that_was_heard_before_changes_nothing(self) -> None:
        hello = messages.Sender("ours", "controller-1", 5).pack(messages.Hello("controller-1", True, "boot", 1), KEYS)
        self.sender.sendto(hello, ("127.0.0.1", self.port))
        self.turn_until(lambda: "controller-1" in self.loop.view.heard)
        self.turn_until(lambda: "controller-1" not in self.loop.view.heard)
        self.assert_dropped([hello] * 1000, messages.Drop.REPLAYED)
        self.assertEqual({}, self.loop.view.heard)

    def test_what_was_dropped_is_shown(self) -> None:
        self.flood([b"noise"] * 10)
        self.turn_until(lambda: self.loop.view.dropped == {("lo", "malformed"): 10})
