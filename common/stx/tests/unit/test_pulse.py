# SPDX-License-Identifier: Apache-2.0
"""Tests of the answers to a process monitor, over real sockets."""

import socket
import threading

from stx import exception, pulse, testing

DEADLINE_S = 60.0
QUESTION = b"probe 0x504d4f4e 17"


class AnswerTest(testing.TestCase):
    def test_the_answer_is_the_question_with_the_magic_inverted(self) -> None:
        self.assertEqual(b"probe 0xafb2b0b1 17", pulse.answer(QUESTION))

    def test_a_closing_nul_and_capital_digits_are_understood(self) -> None:
        self.assertEqual(b"probe 0xafb2b0b1 17", pulse.answer(b"probe 0x504D4F4E 17\0"))

    def test_what_is_no_question_has_no_answer(self) -> None:
        for noise in (b"", b"probe", b"probe 0xafb2b0b1 17", QUESTION + b" 18", b"probe 0x504d4f4e -1", b"\xff" * 256):
            self.assertIsNone(pulse.answer(noise), noise)


class AnswererTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.is_healthy = True
        self.asker = self.socket()
        self.asker.settimeout(DEADLINE_S)
        self.looked = threading.Event()

    def socket(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(opened.close)
        opened.bind(("127.0.0.1", 0))
        return opened

    def look(self) -> bool:
        self.looked.set()
        return self.is_healthy

    def start(self) -> pulse.Answerer:
        self.port = testing.free_port(socket.SOCK_DGRAM)
        answerer = pulse.Answerer(self.port, self.look)
        answerer.start()
        self.addCleanup(answerer.stop)
        return answerer

    def ask(self, datagram: bytes) -> None:
        self.asker.sendto(datagram, ("127.0.0.1", self.port))

    def test_whoever_asks_is_answered_as_long_as_all_is_well(self) -> None:
        self.start()

        for number in (17, 18):
            self.ask(b"probe 0x504d4f4e %d" % number)
            self.assertEqual(b"probe 0xafb2b0b1 %d" % number, self.asker.recv(100))

    def test_an_unhealthy_process_is_silent_until_it_is_well_again(self) -> None:
        self.start()
        self.is_healthy = False
        self.ask(QUESTION)
        self.assertTrue(self.looked.wait(DEADLINE_S))

        self.is_healthy = True
        self.ask(b"probe 0x504d4f4e 18")

        self.assertEqual(b"probe 0xafb2b0b1 18", self.asker.recv(100))

    def test_noise_is_passed_over(self) -> None:
        self.start()
        self.ask(b"noise")
        self.ask(b"")
        self.ask(b"x" * 2000)

        self.ask(QUESTION)

        self.assertEqual(b"probe 0xafb2b0b1 17", self.asker.recv(100))

    def test_a_stopped_answerer_gives_its_port_back(self) -> None:
        self.start().stop()
        for thread in [thread for thread in threading.enumerate() if thread.name == "pulse"]:
            thread.join(DEADLINE_S)

        again = pulse.Answerer(self.port, lambda: True)
        again.start()
        self.addCleanup(again.stop)
        self.ask(QUESTION)

        self.assertEqual(b"probe 0xafb2b0b1 17", self.asker.recv(100))

    def test_a_port_in_use_is_told(self) -> None:
        taken = self.socket().getsockname()[1]

        self.assert_raises_with(exception.ConfigurationError, f"UDP port {taken}", pulse.Answerer(taken, self.look).start)

    def test_without_a_port_nobody_is_answered(self) -> None:
        # One that was stopped before may still be about to end.
        before = threading.enumerate()
        answerer = pulse.Answerer(0, self.look)
        answerer.start()
        answerer.stop()

        self.assertEqual([], [thread for thread in threading.enumerate() if thread.name == "pulse" and thread not in before])

    def test_the_option_has_a_help_text(self) -> None:
        self.assertTrue(all(option.help for option in pulse.pulse_opts))
