# SPDX-License-Identifier: Apache-2.0
"""Tests of reading server-sent events."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from stxclient import event_stream
from stxclient.event_stream import Message

WHOLE = b'retry: 2000\n\n:\n\nid: 7\n\nid: 8\ndata: {"a": "\xc3\xa9: x"}\n\nevent: reset\ndata: one\ndata: two\n\nid:9\r\ndata:x\r\n\r\n'
MESSAGES = [
    Message("7", "message", ""),
    Message("8", "message", '{"a": "é: x"}'),
    Message(None, "reset", "one\ntwo"),
    Message("9", "message", "x"),
]


class ReaderTest(base.BaseTestCase):
    def test_messages_are_read_and_comments_are_not(self) -> None:
        self.assertEqual(MESSAGES, event_stream.Reader().feed(WHOLE))

    @settings(max_examples=100, deadline=None)
    @given(st.sets(st.integers(1, len(WHOLE) - 1)))
    def test_pieces_cut_anywhere_come_to_the_same(self, cuts: set[int]) -> None:
        reader, edges = event_stream.Reader(), [0, *sorted(cuts), len(WHOLE)]
        pieces = [WHOLE[start:end] for start, end in itertools.pairwise(edges)]
        self.assertEqual(MESSAGES, [message for piece in pieces for message in reader.feed(piece)])

    def test_what_is_not_complete_is_kept(self) -> None:
        reader = event_stream.Reader()
        self.assertEqual([], reader.feed(b"data: hal"))
        self.assertEqual([Message(None, "message", "half")], reader.feed(b"f\n\n"))

    def test_what_never_ends_or_is_no_text_is_refused(self) -> None:
        self.assertRaises(ValueError, event_stream.Reader().feed, b"x" * (2**20 + 1))
        self.assertRaises(ValueError, event_stream.Reader().feed, b"data: \xff\n\n")
