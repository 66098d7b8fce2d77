# SPDX-License-Identifier: Apache-2.0
"""Datagrams: what is taken, and what is dropped and counted."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sm import lease, messages
from stx import datagrams
from stx.datagrams import Drop, Keys

KEYS = Keys(b"k" * 32, (b"k" * 32,))
RECORD = lease.Record(3, 1, frozenset({"controller-0", "compute-0"}), frozenset({"controller-0"}))
REQUEST = lease.Request("controller-0", "7", 12, 1.5, 3, RECORD)
ANSWER = lease.Answer("compute-0", True, "9", 12, 1.5, 3, RECORD)


class MessagesTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sender = messages.Sender("here", "controller-0", 7)
        self.receiver = messages.Receiver("here", {"mgmt": Keys(), "oam": KEYS})

    def drops(self) -> dict[tuple[str, Drop], int]:
        return dict(self.receiver.dropped)

    def test_what_was_said_is_heard_with_and_without_keys(self) -> None:
        voter = messages.Sender("here", "compute-0", 1)
        release = lease.Release("controller-0", "7", 13)
        for path, keys in (("mgmt", Keys()), ("oam", KEYS)):
            for body in (REQUEST, release):
                self.assertEqual(("controller-0", body), self.receiver.unpack(self.sender.pack(body, keys), path))
            self.assertEqual(("compute-0", ANSWER), self.receiver.unpack(voter.pack(ANSWER, keys), path))
        self.assertEqual({}, self.drops())

    def test_the_largest_record_there_is_fits(self) -> None:
        voters = frozenset(f"compute-{number:03}" for number in range(9))
        record = lease.Record(2**31, 2**31, voters, frozenset({"controller-0", "controller-1"}))
        self.sender.pack(lease.Request("controller-0", "7", 2**31, 1e9, 2**31, record), KEYS)
        self.assertRaisesRegex(
            ValueError,
            "too long",
            self.sender.pack,
            lease.Request("controller-0", "7", 1, 1.0, 1, lease.Record(1, 1, frozenset(map(str, range(900))), frozenset())),
            KEYS,
        )

    def test_a_message_without_the_key_is_forged(self) -> None:
        for keys in (Keys(), Keys(b"x" * 32, ())):
            self.assertIsNone(self.receiver.unpack(self.sender.pack(REQUEST, keys), "oam"))
        self.assertEqual({("oam", Drop.FORGED): 2}, self.drops())

    def test_nobody_speaks_for_another(self) -> None:
        other = messages.Sender("here", "compute-0", 1)
        self.assertIsNone(self.receiver.unpack(other.pack(REQUEST, KEYS), "oam"))
        self.assertEqual({("oam", Drop.FORGED): 1}, self.drops())

    def test_another_cluster_is_foreign(self) -> None:
        self.assertIsNone(self.receiver.unpack(messages.Sender("there", "controller-0", 7).pack(REQUEST, Keys()), "mgmt"))
        self.assertEqual({("mgmt", Drop.FOREIGN): 1}, self.drops())

    def test_what_was_heard_before_is_replayed(self) -> None:
        first, second = (self.sender.pack(REQUEST, KEYS) for _ in range(2))
        # Over another path it is another copy.
        for datagram in (second, first):
            self.assertIsNotNone(self.receiver.unpack(datagram, "oam"))
        for datagram in (first, second):
            self.assertIsNone(self.receiver.unpack(datagram, "oam"))
        self.assertEqual({("oam", Drop.REPLAYED): 2}, self.drops())

    def test_what_an_earlier_start_said_is_replayed(self) -> None:
        old = self.sender.pack(REQUEST, KEYS)
        self.assertIsNotNone(self.receiver.unpack(messages.Sender("here", "controller-0", 8).pack(REQUEST, KEYS), "oam"))
        self.assertIsNone(self.receiver.unpack(old, "oam"))
        self.assertEqual({("oam", Drop.REPLAYED): 1}, self.drops())

    def test_what_comes_far_too_late_is_replayed(self) -> None:
        late = self.sender.pack(REQUEST, KEYS)
        for _ in range(70):
            self.assertIsNotNone(self.receiver.unpack(self.sender.pack(REQUEST, KEYS), "oam"))
        self.assertIsNone(self.receiver.unpack(late, "oam"))

    def test_keys_are_changed_without_a_gap(self) -> None:
        new = b"n" * 32
        both = Keys(b"k" * 32, (b"k" * 32, new))
        self.receiver.keys = {"oam": both}
        for keys in (both, Keys(new, (new, b"k" * 32)), Keys(new, (new,))):
            self.assertIsNotNone(self.receiver.unpack(self.sender.pack(REQUEST, keys), "oam"))
        self.receiver.keys = {"oam": Keys(new, (new,))}
        self.assertIsNone(self.receiver.unpack(self.sender.pack(REQUEST, KEYS), "oam"))

    def test_too_much_is_oversized(self) -> None:
        self.assertIsNone(self.receiver.unpack(bytes(datagrams.MOST_BYTES + 1), "mgmt"))
        self.assertEqual({("mgmt", Drop.OVERSIZED): 1}, self.drops())

    @given(st.binary(max_size=1100), st.booleans())
    def test_junk_is_dropped_and_never_a_failure(self, junk: bytes, is_marked: bool) -> None:
        receiver = messages.Receiver("here", {"mgmt": Keys()})
        self.assertIsNone(receiver.unpack((b"SM\x01\x00" if is_marked else b"") + junk, "mgmt"))
        self.assertEqual(1, receiver.dropped.total())

    @given(st.integers(0, 400), st.integers(1, 255))
    def test_a_changed_byte_is_noticed(self, place: int, change: int) -> None:
        datagram = bytearray(messages.Sender("here", "controller-0", 7).pack(REQUEST, KEYS))
        datagram[place % len(datagram)] ^= change
        self.assertIsNone(messages.Receiver("here", {"oam": KEYS}).unpack(bytes(datagram), "oam"))
