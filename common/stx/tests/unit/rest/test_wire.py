# SPDX-License-Identifier: Apache-2.0
"""Tests of what passes between WSME types and plain data."""

import datetime
import json
import uuid
from typing import Any

import hypothesis
from hypothesis import strategies

from stx import exception, testing
from stx.rest import wire
from stx.tests.unit.rest import base
from stx.tests.unit.shelf import api
from stx.tests.unit.shelf.db import api as db_api

_RECORD = {"id": 7, "uuid": "u1", "title": "Emma", "pages": None, "is_lent": True, "created_at": datetime.datetime(2026, 1, 2)}
_BASE = "http://controller:6385"


class ViewTest(testing.TestCase):
    def test_an_answer_has_the_attributes_of_its_type_in_their_wire_form(self) -> None:
        answer = wire.View(api.Book, "books").render(_RECORD, _BASE)

        self.assertEqual(
            {
                "uuid": "u1",
                "title": "Emma",
                "pages": None,
                "is_lent": True,
                "created_at": "2026-01-02T00:00:00.000000+00:00",
                "links": [
                    {"href": f"{_BASE}/v1/books/u1", "rel": "self"},
                    {"href": f"{_BASE}/books/u1", "rel": "bookmark"},
                ],
            },
            answer,
        )

    def test_a_view_may_show_some_attributes_only(self) -> None:
        answer = wire.View(api.Book, "books", ("title", "uuid")).render(_RECORD, _BASE)

        self.assertEqual(["title", "uuid", "links"], list(answer))

    def test_a_view_may_fill_in_what_is_no_column(self) -> None:
        def extend(answer: dict[str, Any], record: wire.Record, base: str) -> None:
            answer["shelf"] = f"{base}/{record['id']}"

        answer = wire.View(api.Book, "books", ("title",), extend).render(_RECORD, _BASE)

        self.assertEqual(f"{_BASE}/7", answer["shelf"])

    def test_an_attribute_that_the_type_lacks_is_an_error_when_the_view_is_made(self) -> None:
        self.assertRaises(KeyError, wire.View, api.Book, "books", ("colour",))


class FromBodyTest(base.RestCase):
    def test_a_new_resource_is_stored_and_answered_with_what_was_given(self) -> None:
        given = {"title": "Emma", "language": "en", "pages": "474", "is_lent": "yes", "contents": {"parts": [1, 2]}}

        answer = self.post(given)

        self.assertEqual(200, answer.status, answer.body)
        stored = db_api.get_book(answer.json["uuid"])
        self.assertEqual(("Emma", "en", 474, True), tuple(stored[name] for name in ("title", "language", "pages", "is_lent")))
        self.assertEqual({"parts": [1, 2]}, stored["contents"])
        self.assertEqual(474, answer.json["pages"])

    def test_an_attribute_may_be_given_as_null(self) -> None:
        self.assertIsNone(self.post({"title": "Emma", "pages": None}).json["pages"])

    def test_an_attribute_of_the_wrong_form_is_named(self) -> None:
        wrong = {
            "title": (1, [], "x" * 256, "a\0b"),
            "language": ("xx", 1, ["en"], {}),
            "pages": ("many", 0, 10_001, 1.5, True, {}),
            "is_lent": ("maybe", 7, []),
            "contents": ("text", [], 1),
        }
        for name, values in wrong.items():
            for value in values:
                self.assert_refused(400, f"{name} cannot be", self.post({"title": "Emma", name: value}))
        self.assertEqual([], db_api.titles())

    def test_an_unknown_attribute_is_named_with_those_that_are_allowed(self) -> None:
        answer = self.post({"title": "Emma", "colour": "red"})

        self.assert_refused(400, "'colour'", answer)
        self.assertIn("contents, is_lent, language, pages, title", answer.fault)

    def test_what_the_server_owns_cannot_be_set(self) -> None:
        for name in ("uuid", "created_at", "updated_at", "links", "weight"):
            self.assert_refused(400, f"'{name}' cannot be set", self.post({"title": "Emma", name: "1"}))
        self.assert_refused(400, "no attribute 'id'", self.post({"title": "Emma", "id": 1}))

    def test_what_the_server_owns_cannot_be_set_even_where_a_service_allows_it_by_mistake(self) -> None:
        for name in ("uuid", "created_at", "updated_at", "links"):
            self.assertRaises(exception.Invalid, wire._check_allowed, api.Book, name, frozenset({name}))

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        for body in ([], [{}], "text", 1, None, True):
            self.assert_refused(400, "must be a JSON object", self.post(json.dumps(body).encode()))

    def test_a_body_that_is_no_json_is_refused(self) -> None:
        for body in (b"", b"{", b"title=Emma", b"\xff\xfe", b'{"title": NaN}', b'{"title": "\xff"}', b'{"title": "a"} x', b"\0"):
            self.assert_refused(400, "not valid JSON", self.post(body))

    def test_a_body_that_is_nested_too_deeply_is_refused(self) -> None:
        for depth in (33, 1000, 50_000):
            for opening, closing in ((b"[", b"]"), (b'{"contents":', b"}")):
                body = b'{"title": "Emma", "contents": {"a": ' + opening * depth + b"1" + closing * depth + b"}}"
                if len(body) < 100_000:
                    self.assert_refused(400, "nested too deeply", self.post(body))

    def test_a_long_wrong_value_is_shown_short(self) -> None:
        for body in ({"language": "x" * 50_000}, {"pages": ["x" * 1000] * 50}, {"x" * 50_000: 1}, {"contents": "x" * 50_000}):
            self.assertLess(len(self.post({"title": "Emma", **body}).body), 1000)


class FromPatchTest(base.RestCase):
    def setUp(self) -> None:
        super().setUp()
        self.uuid = db_api.add_book("Emma", language="en", pages=474)["uuid"]

    def test_replaced_and_removed_attributes_are_stored(self) -> None:
        answer = self.patch(self.uuid, {"op": "replace", "path": "/pages", "value": "500"}, {"op": "remove", "path": "/language"})

        self.assertEqual((200, 500, None), (answer.status, answer.json["pages"], answer.json["language"]))

    def test_the_last_operation_on_an_attribute_counts(self) -> None:
        operations = [{"op": "replace", "path": "/pages", "value": value} for value in (1, 2)]

        self.assertEqual(2, self.patch(self.uuid, *operations).json["pages"])

    def test_nothing_is_changed_when_one_operation_is_wrong(self) -> None:
        good, wrong = {"op": "replace", "path": "/pages", "value": 1}, {"op": "replace", "path": "/language", "value": "xx"}

        self.assert_refused(400, "language cannot be 'xx'", self.patch(self.uuid, good, wrong))
        self.assertEqual(474, db_api.get_book(self.uuid)["pages"])

    def test_a_malformed_operation_is_named(self) -> None:
        malformed: list[tuple[Any, str]] = [
            ("text", "'text' is not a JSON-patch operation"),
            ({}, "is not a JSON-patch operation"),
            ({"op": "replace", "path": 7, "value": 1}, "is not a JSON-patch operation"),
            ({"op": "move", "path": "/pages"}, "'move'"),
            ({"path": "/pages", "value": 1}, "None is not known"),
            ({"op": ["replace"], "path": "/pages", "value": 1}, "is not known"),
            ({"op": "replace", "path": "pages", "value": 1}, "'pages'"),
            ({"op": "replace", "path": "/", "value": 1}, "'/'"),
            ({"op": "replace", "path": "", "value": 1}, "''"),
            ({"op": "replace", "path": "/pages\n", "value": 1}, "is not the path"),
            ({"op": "replace", "path": "/pages"}, "/pages has no value"),
            ({"op": "add", "path": "/pages", "value": 1}, "cannot be added"),
            ({"op": "replace", "path": "/contents/parts", "value": 1}, "replace /contents as a whole"),
            ({"op": "replace", "path": "/pages", "value": 0}, "pages cannot be 0"),
            ({"op": "replace", "path": "/colour", "value": 1}, "'colour'"),
            ({"op": "replace", "path": "/uuid", "value": str(uuid.uuid4())}, "'uuid' cannot be set"),
            ({"op": "replace", "path": "/title", "value": "Ulysses"}, "'title' cannot be set"),
            ({"op": "remove", "path": "/title"}, "'title' cannot be set"),
            ({"op": "remove", "path": "/colour"}, "'colour'"),
        ]
        for operation, text in malformed:
            self.assert_refused(400, text, self.patch(self.uuid, operation))

    def test_a_list_of_operations_is_needed_and_is_bounded(self) -> None:
        for body in ({}, "text", [], [{"op": "remove", "path": "/pages"}] * 101):
            self.assert_refused(400, "1 to 100", self.rest.request("PATCH", f"/v1/books/{self.uuid}", body))


_operation = strategies.fixed_dictionaries(
    {},
    optional={
        "op": strategies.sampled_from(["replace", "remove", "add"]) | strategies.text(max_size=5) | strategies.none(),
        "path": strategies.sampled_from([f"/{name}" for name in ("pages", "language", "contents", "is_lent", "uuid")])
        | strategies.text(max_size=8)
        | strategies.integers(),
        "value": strategies.none() | strategies.integers() | strategies.text(max_size=5) | strategies.floats(),
    },
)
_names = strategies.sampled_from(["title", "language", "pages", "is_lent", "contents", "uuid", "weight"]) | strategies.text(
    max_size=5
)
_values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class FuzzTest(base.RestCase):
    """Whatever a client sends is answered, never with a failure of the service."""

    def setUp(self) -> None:
        super().setUp()
        self.uuid = db_api.add_book("Emma")["uuid"]
        self.token = self.rest.token("admin")

    def send(self, method: str, path: str, body: bytes) -> None:
        answer = self.rest.request(method, path, body, token=self.token)

        self.assertLess(answer.status, 500, body)
        if answer.status >= 400:
            self.assert_refused(answer.status, "", answer)

    @hypothesis.given(strategies.dictionaries(_names, _values, max_size=4))
    @hypothesis.settings(max_examples=50, deadline=None, derandomize=True, database=None)
    def test_any_object_to_create(self, values: dict[str, Any]) -> None:
        self.send("POST", "/v1/books", json.dumps(values).encode())

    @hypothesis.given(strategies.lists(_operation, max_size=3))
    @hypothesis.settings(max_examples=50, deadline=None, derandomize=True, database=None)
    def test_any_operations_to_change(self, operations: list[Any]) -> None:
        self.send("PATCH", f"/v1/books/{self.uuid}", json.dumps(operations).encode())

    @hypothesis.given(strategies.binary(max_size=50) | strategies.text().map(str.encode))
    @hypothesis.settings(max_examples=30, deadline=None, derandomize=True, database=None)
    def test_any_bytes(self, body: bytes) -> None:
        self.send("POST", "/v1/books", body)
        self.send("PATCH", f"/v1/books/{self.uuid}", body)
