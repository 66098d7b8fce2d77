# SPDX-License-Identifier: Apache-2.0
"""Tests of reading the bodies of error answers."""

import json

import hypothesis
from hypothesis import strategies
from oslotest import base

from stxclient import faults


def text_of(value: object) -> str:
    return faults.read_fault(json.dumps(value).encode()).text


class ReadFaultTest(base.BaseTestCase):
    def test_json_text_inside_json_is_decoded_twice(self) -> None:
        inner = json.dumps({"debuginfo": "Traceback …", "faultcode": "Client", "faultstring": "Host is locked."})
        self.assertEqual("Host is locked.", text_of({"error_message": inner}))

    def test_error_message_of_a_framework_gives_its_description(self) -> None:
        self.assertEqual("No such route", text_of({"error_message": {"title": "Not Found", "description": "No such route"}}))

    def test_error_message_with_a_title_only_gives_the_title(self) -> None:
        self.assertEqual("Not Found", text_of({"error_message": {"title": "Not Found", "description": ""}}))

    def test_error_message_that_is_a_sentence_is_taken_as_it_is(self) -> None:
        self.assertEqual("{not json", text_of({"error_message": "{not json"}))

    def test_error_of_keystone_gives_its_message(self) -> None:
        self.assertEqual("Log in", text_of({"error": {"message": "Log in", "code": 401, "title": "Unauthorized"}}))

    def test_error_named_by_its_kind_gives_its_message(self) -> None:
        self.assertEqual("Bad marker", text_of({"badRequest": {"message": "Bad marker", "code": 400}}))

    def test_fault_without_an_envelope_is_read(self) -> None:
        self.assertEqual("Bad value", text_of({"faultstring": "Bad value", "faultcode": "Client"}))

    def test_further_findings_are_kept(self) -> None:
        inner = json.dumps({"faultstring": "2 findings", "details": ["No OAM interface", "No disk"]})
        fault = faults.read_fault(json.dumps({"error_message": inner}).encode())
        self.assertEqual(faults.Fault("2 findings", ("No OAM interface", "No disk")), fault)

    def test_html_page_gives_its_words(self) -> None:
        page = (
            b"<!DOCTYPE html><html><head><title>502</title><style>p {color: red}</style></head>"
            b"<body><h1>Bad Gateway</h1>\n<p>haproxy &amp; co</p></body></html>"
        )
        self.assertEqual("Bad Gateway haproxy & co", faults.read_fault(page).text)

    def test_plain_text_is_taken_as_it_is(self) -> None:
        self.assertEqual("a < b", faults.read_fault(b" a < b\n").text)

    def test_empty_body_gives_nothing(self) -> None:
        self.assertEqual(faults.Fault(""), faults.read_fault(b""))

    def test_json_without_a_sentence_gives_nothing(self) -> None:
        for value in (None, 7, [], ["x"], {}, {"error_message": None}, {"error_message": {}}):
            self.assertEqual("", text_of(value), value)

    def test_long_text_is_shortened(self) -> None:
        text = text_of({"faultstring": "x" * 10_000})
        self.assertEqual(faults.TEXT_LIMIT, len(text))
        self.assertTrue(text.endswith("…"))

    def test_deep_nesting_ends(self) -> None:
        value: object = {"message": "bottom"}
        for _ in range(100):
            value = {"error": value}
        self.assertEqual("", text_of(value))
        self.assertEqual(faults.TEXT_LIMIT, len(faults.read_fault(b"[" * 50_000).text))

    @hypothesis.given(strategies.binary(max_size=300))
    def test_any_bytes_give_a_bounded_text(self, body: bytes) -> None:
        self.assertLessEqual(len(faults.read_fault(body).text), faults.TEXT_LIMIT)

    @hypothesis.given(
        strategies.recursive(
            strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(max_size=20),
            lambda inner: (
                strategies.lists(inner, max_size=3)
                | strategies.dictionaries(
                    strategies.sampled_from(["error_message", "error", "faultstring", "message", "details", "x"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=10,
        )
    )
    def test_any_json_gives_a_text_of_one_line(self, value: object) -> None:
        self.assertNotIn("\n", text_of(value))
