# SPDX-License-Identifier: Apache-2.0
"""Tests of reading answers to the question who has an address."""

import socket
import struct

from oslotest import base

from bench import failover_observer

ADDRESS = socket.inet_aton("192.168.200.2")
HOLDER = bytes.fromhex("024cab000001")


def frame(kind: int = 2, sender: bytes = ADDRESS, asker: str = "024cabfb002a", protocol: int = 0x0806) -> bytes:
    to = bytes.fromhex(asker)
    return struct.pack("!6s6sHHHBBH6s4s6s4s", to, HOLDER, protocol, 1, 0x0800, 6, 4, kind, HOLDER, sender, to, bytes(4))


class AnswerTest(base.BaseTestCase):
    def test_an_answer_tells_its_question_and_whose_it_is(self):
        self.assertEqual((0x2A, "02:4c:ab:00:00:01"), failover_observer.answer(frame(), ADDRESS))

    def test_questions_other_addresses_and_answers_to_others_are_none(self):
        others = [frame(kind=1), frame(sender=bytes(4)), frame(asker="024cabfd002a"), frame(protocol=0x0800), b"", frame()[:41]]
        self.assertEqual([None] * len(others), [failover_observer.answer(other, ADDRESS) for other in others])

    def test_what_follows_an_answer_is_padding(self):
        self.assertEqual((0x2A, "02:4c:ab:00:00:01"), failover_observer.answer(frame() + bytes(18), ADDRESS))
