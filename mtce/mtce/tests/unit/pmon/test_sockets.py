# SPDX-License-Identifier: Apache-2.0

import json
import os
import selectors
import socket

from hypothesis import given, settings
from hypothesis import strategies as st

from mtce.pmon import pulse, sockets
from mtce.pmon.sockets import OrderSocket, PulseSocket
from mtce.tests.unit.pmon.harness import DirectoryTest, wait_until
from stx import pulse as stx_pulse


class SocketTest(DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)

    def serve(self) -> None:
        for key, _ in self.selector.select(0.0):
            key.data()


class PulseSocketTest(SocketTest):
    def setUp(self) -> None:
        super().setUp()
        self.pulses = PulseSocket(self.selector)
        self.addCleanup(self.pulses.close)
        self.process = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.process.bind(("127.0.0.1", 0))
        self.process.settimeout(60)
        self.addCleanup(self.process.close)
        self.answers: list[tuple[str, int]] = []

    def test_a_process_is_asked_and_its_answer_told(self) -> None:
        self.pulses.open(0, lambda *answer: self.answers.append(answer))
        self.pulses.ask("x", self.process.getsockname()[1], 7)
        question, sender = self.process.recvfrom(256)
        self.assertEqual(pulse.question("x", 7), question)
        for datagram in (b"noise", b"", question, stx_pulse.answer(question)):
            self.process.sendto(datagram, sender)
        wait_until(lambda: self.serve() or self.answers)
        self.assertEqual([("x", 7)], self.answers)

    def test_asking_where_nobody_listens_is_no_error(self) -> None:
        self.pulses.open(0, lambda *answer: self.answers.append(answer))
        port = self.process.getsockname()[1]
        self.process.close()
        for sequence in range(5):
            self.pulses.ask("x", port, sequence)
            self.serve()
        self.assertEqual([], self.answers)

    def test_a_taken_port_is_an_error_and_may_be_tried_again(self) -> None:
        self.assertRaises(OSError, self.pulses.open, self.process.getsockname()[1], print)
        self.assertFalse(self.pulses.is_open)
        self.pulses.open(0, print)
        self.assertTrue(self.pulses.is_open)


class OrderSocketTest(SocketTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory / "s"
        self.path.write_text("left behind by an earlier one")
        self.orders = OrderSocket(self.path, self.selector)
        self.addCleanup(self.orders.close)
        self.orders.serve(self.take)
        self.taken: list[tuple[str, str]] = []
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.client.close)
        self.client.settimeout(60)

    def take(self, process: str, verb: str, answer: sockets.Answer) -> None:
        self.taken.append((process, verb))
        answer(True, "done")

    def ask(self, datagram: bytes) -> dict[str, str]:
        self.client.sendto(datagram, str(self.path))
        self.serve()
        return json.loads(self.client.recv(10000))

    def test_an_order_is_told_and_answered(self) -> None:
        self.client.bind("")
        self.assertEqual({"status": "pass", "text": "done"}, self.ask(b'{"command": "restart", "process": "x"}'))
        self.assertEqual([("x", "restart")], self.taken)

    def test_what_is_no_order_is_answered_with_the_right_form(self) -> None:
        self.client.bind("")
        for text in (
            "",
            "{",
            "[]",
            "7",
            "{}",
            '{"command": "dance", "process": "x"}',
            '{"command": "stop", "process": 7}',
            "[" * 4000,
        ):
            answer = self.ask(text.encode() or b" ")
            self.assertEqual("fail", answer["status"])
            self.assertIn("An order is", answer["text"])
        self.assertIn("too long", self.ask(b"x" * 5000)["text"])
        self.assertEqual([], self.taken)

    def test_a_sender_that_cannot_be_answered_does_no_harm(self) -> None:
        self.client.sendto(b'{"command": "stop", "process": "x"}', str(self.path))
        self.serve()
        self.client.bind("")
        self.client.sendto(b'{"command": "stop", "process": "y"}', str(self.path))
        self.client.close()
        self.serve()
        self.assertEqual([("x", "stop"), ("y", "stop")], self.taken)

    def test_only_the_owner_may_write(self) -> None:
        self.assertEqual(0o600, os.stat(self.path).st_mode & 0o777)

    def test_the_socket_file_goes_with_the_socket(self) -> None:
        self.orders.close()
        self.assertFalse(self.path.exists())


class AnyOrderTest(DirectoryTest):
    @settings(max_examples=300, deadline=None, database=None)
    @given(
        st.one_of(
            st.binary(max_size=200), st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
        )
    )
    def test_random_bytes_are_refused_with_a_message(self, datagram: bytes) -> None:
        self.assertIn("An order is", str(self.assertRaises(ValueError, sockets.parse_order, datagram)))
