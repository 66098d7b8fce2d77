# SPDX-License-Identifier: Apache-2.0
"""Datagrams that are not what they seem, in numbers, against a loop that holds the lease."""

import random
import socket
import time

from sm import lease, messages
from sm.tests.functional.loop_base import KEYS, LoopTestCase
from stx import datagrams

OTHER = datagrams.Keys(b"o" * 32, (b"o" * 32,))
EVERYTHING_S = 1.5
MOST_WAITING = 50


class FloodTest(LoopTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.sender.close)

    def flood(self, datagrams: list[bytes]) -> None:
        """A thousand a second, and never more than the kernel keeps for the loop."""
        due = time.monotonic()
        for number, datagram in enumerate(datagrams):
            self.sender.sendto(datagram, ("127.0.0.1", self.port))
            due += 0.001
            while time.monotonic() < due or number - sum(self.receiver.dropped.values()) > MOST_WAITING:
                self.loop.turn()
        self.turn_until(lambda: sum(self.receiver.dropped.values()) >= len(datagrams))

    def signed(self, keys: datagrams.Keys, cluster: str = "ours", start: int = 5) -> list[bytes]:
        """Requests of the other controller in an ever newer term."""
        made = messages.Sender(cluster, "controller-1", start)
        record = lease.Record(99, 0, frozenset({"controller-1"}), frozenset({"controller-1"}))
        return [
            made.pack(lease.Request("controller-1", str(start), number, 0.0, 100 + number, record), keys)
            for number in range(1, int(1000 * EVERYTHING_S))
        ]

    def assert_dropped(self, datagrams: list[bytes], reason: datagrams.Drop) -> None:
        before = self.loop.voter.kept
        self.flood(datagrams)
        self.assertEqual({("lo", reason): len(datagrams)}, dict(self.receiver.dropped))
        self.assertEqual((before, 0, True), (self.loop.voter.kept, self.power.lost_count, self.loop.view.holds))

    def test_those_signed_with_another_key_change_nothing(self) -> None:
        self.assert_dropped(self.signed(OTHER), datagrams.Drop.FORGED)

    def test_those_of_another_cluster_change_nothing(self) -> None:
        self.assert_dropped(self.signed(KEYS, "theirs"), datagrams.Drop.FOREIGN)

    def test_noise_changes_nothing(self) -> None:
        chance = random.Random(1)
        self.assert_dropped([b"xx" + chance.randbytes(100) for _ in range(1000)], datagrams.Drop.MALFORMED)

    def test_one_that_was_heard_before_changes_nothing(self) -> None:
        hello = messages.Sender("ours", "controller-1", 5).pack(messages.Hello("controller-1", True, "boot", 1), KEYS)
        self.sender.sendto(hello, ("127.0.0.1", self.port))
        self.turn_until(lambda: "controller-1" in self.loop.view.heard)
        self.turn_until(lambda: "controller-1" not in self.loop.view.heard)
        self.assert_dropped([hello] * 1000, datagrams.Drop.REPLAYED)
        self.assertEqual({}, self.loop.view.heard)

    def test_what_was_dropped_is_shown(self) -> None:
        self.flood([b"noise"] * 10)
        self.turn_until(lambda: self.loop.view.dropped == {("lo", "malformed"): 10})
