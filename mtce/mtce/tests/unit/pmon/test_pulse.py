# SPDX-License-Identifier: Apache-2.0

from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from mtce.pmon import pulse
from stx import pulse as stx_pulse


class PulseTest(base.BaseTestCase):
    def test_the_text_is_as_documented(self) -> None:
        self.assertEqual(b"mtcClient 0x504d4f4e 17", pulse.question("mtcClient", 17))
        self.assertEqual(b"mtcClient 0xafb2b0b1 17", stx_pulse.answer(b"mtcClient 0x504d4f4e 17"))
        self.assertEqual(("mtcClient", 17), pulse.parse_answer(b"mtcClient 0xafb2b0b1 17"))

    def test_a_closing_nul_is_allowed(self) -> None:
        self.assertEqual(("x", 1), pulse.parse_answer(b"x 0xafb2b0b1 1\0"))

    def test_a_question_is_no_answer_and_an_answer_no_question(self) -> None:
        self.assertIsNone(pulse.parse_answer(pulse.question("x", 1)))
        self.assertIsNone(stx_pulse.answer(b"x 0xafb2b0b1 1"))

    def test_what_is_neither_is_refused(self) -> None:
        for datagram in (b"", b"x", b"x 0xafb2b0b1", b"x 0xafb2b0b1 -1", b"x 0xafb2b0b1 1 1", b"x 0xafb2b0b1 " + b"9" * 300):
            self.assertIsNone(pulse.parse_answer(datagram))
        self.assertIsNone(pulse.parse_answer(b"x 0xafb2b0b1 %d" % (pulse.MAX_SEQUENCE + 1)))

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.binary(max_size=300))
    def test_random_bytes_are_harmless(self, datagram: bytes) -> None:
        stx_pulse.answer(datagram)
        pulse.parse_answer(datagram)

    @settings(max_examples=100, deadline=None, database=None)
    @given(st.from_regex(r"[A-Za-z0-9_@:-]{1,64}", fullmatch=True), st.integers(0, pulse.MAX_SEQUENCE))
    def test_every_question_has_its_answer(self, process: str, sequence: int) -> None:
        self.assertEqual((process, sequence), pulse.parse_answer(stx_pulse.answer(pulse.question(process, sequence))))
