# SPDX-License-Identifier: Apache-2.0
"""Tests of the query parameters of a list."""

import uuid
from typing import Any
from urllib import parse

import hypothesis
from hypothesis import strategies

from stx import paging, testing
from stx.rest import query
from stx.tests.unit.rest import base
from stx.tests.unit.shelf import api
from stx.tests.unit.shelf.db import api as db_api


class QueryCase(base.RestCase):
    def setUp(self) -> None:
        super().setUp()
        db_api.add_books(
            [
                {"title": f"book {number}", "pages": 10 - number, "language": api.LANGUAGES[number % 2], "is_lent": number < 2}
                for number in range(5)
            ]
        )

    def titles(self, answer: testing.Answer) -> str:
        """The numbers in the titles of the books that were answered."""
        self.assertEqual(200, answer.status, answer.body)
        return "".join(book["title"][-1] for book in answer.json["books"])

    def list(self, **parameters: Any) -> testing.Answer:
        return self.rest.get("/v1/books", **parameters)


class PageTest(QueryCase):
    def test_a_list_is_in_the_order_of_creation_by_default(self) -> None:
        answer = self.list()

        self.assertEqual("01234", self.titles(answer))
        self.assertNotIn("next", answer.json)

    def test_a_list_is_sorted_as_asked(self) -> None:
        self.assertEqual("43210", self.titles(self.list(sort_key="pages")))
        self.assertEqual("01234", self.titles(self.list(sort_key="pages", sort_dir="desc")))

    def test_a_full_page_links_to_the_next_one_until_the_end(self) -> None:
        seen, answer = "", self.list(limit=2, sort_key="pages", sort_dir="desc")
        while "next" in answer.json:
            seen += self.titles(answer)
            answer = self.rest.get(answer.json["next"].removeprefix("http://localhost"))

        self.assertEqual("01234", seen + self.titles(answer))

    def test_the_next_link_keeps_the_filters_and_the_order(self) -> None:
        answer = self.list(
            limit=1, sort_key="title", sort_dir="desc", is_lent="true", **{"q.field": "language", "q.op": "eq", "q.value": "de"}
        )

        asked = parse.parse_qs(parse.urlsplit(answer.json["next"]).query)
        self.assertEqual(
            {
                "limit": ["1"],
                "marker": [answer.json["books"][0]["uuid"]],
                "sort_key": ["title"],
                "sort_dir": ["desc"],
                "is_lent": ["true"],
                "q.field": ["language"],
                "q.op": ["eq"],
                "q.value": ["de"],
            },
            asked,
        )

    def test_the_next_link_survives_any_text_in_a_filter(self) -> None:
        db_api.add_books([{"title": "a&b=c #ü %41"}])

        answer = self.list(limit=1, **{"q.field": "title", "q.value": "a&b=c #ü %41"})

        asked = parse.parse_qs(parse.urlsplit(answer.json["next"]).query)
        self.assertEqual(["a&b=c #ü %41"], asked["q.value"])

    def test_no_page_is_longer_than_the_service_s_limit(self) -> None:
        self.platform.conf.config(group="api", limit_max=2)

        for parameters in ({}, {"limit": 3}, {"limit": 999_999_999}):
            answer = self.list(**parameters)
            self.assertEqual("01", self.titles(answer))
            self.assertIn("limit=2", answer.json["next"])

    def test_a_malformed_parameter_is_named(self) -> None:
        malformed = {
            "limit": ("0", "-1", "many", "", "1.5", "1" * 10, "²", "٣", "+1", " 1"),
            "marker": ("", "1234", "x" * 5000),
            "sort_dir": ("", "up", "ASC"),
            "sort_key": ("", "colour", "contents", "title; --", "x" * 5000),
            "is_lent": ("", "maybe"),
        }
        for name, values in malformed.items():
            for value in values:
                answer = self.list(**{name: value})
                self.assert_refused(400, "", answer)
                self.assertIn(name.replace("sort_key", "sort by"), answer.fault)
                self.assertLess(len(answer.fault), 400)

    def test_a_marker_that_is_no_item_is_refused(self) -> None:
        marker = str(uuid.uuid4())

        self.assert_refused(400, marker, self.list(marker=marker))

    def test_an_unknown_parameter_is_named_with_the_known_ones(self) -> None:
        answer = self.list(colour="red")

        self.assert_refused(400, "'colour'", answer)
        self.assertIn("is_lent, limit, marker, q.field, q.op, q.type, q.value, sort_dir, sort_key", answer.fault)

    def test_every_option_has_a_help_text(self) -> None:
        self.assertEqual([("api", ["limit_max"])], [(group, [opt.name for opt in opts]) for group, opts in query.list_opts()])


class FilterTest(QueryCase):
    def test_a_plain_parameter_is_converted_to_its_type(self) -> None:
        self.assertEqual("01", self.titles(self.list(is_lent="True")))
        self.assertEqual("234", self.titles(self.list(is_lent="0")))

    def test_conditions_hold_together(self) -> None:
        self.assertEqual("024", self.titles(self.list(**{"q.field": "language", "q.value": "de"})))
        both = {"q.field": ["language", "title"], "q.op": ["eq", "eq"], "q.value": ["de", "book 2"]}

        self.assertEqual("2", self.titles(self.list(**both)))

    def test_an_operator_that_is_left_out_or_empty_is_equality(self) -> None:
        for operator in ({}, {"q.op": ""}):
            self.assertEqual("1", self.titles(self.list(**{"q.field": "title", "q.value": "book 1", **operator})))

    def test_a_malformed_condition_is_refused(self) -> None:
        malformed = [
            ({"q.field": "title"}, "Give a q.value"),
            ({"q.value": "x"}, "Give a q.value"),
            ({"q.field": "title", "q.value": ["x", "y"]}, "Give a q.value"),
            ({"q.field": ["title", "language"], "q.value": ["x", "y"], "q.op": "eq"}, "Give a q.value"),
            ({"q.field": "pages", "q.value": "x"}, "Cannot filter by 'pages'. Choose one of: language, title."),
            ({"q.field": "x" * 5000, "q.value": "x"}, "Choose one of: language, title."),
            ({"q.field": "title", "q.value": "x", "q.op": "like"}, f"Choose one of: {', '.join(paging.OPERATORS)}."),
            ({"q.field": "title", "q.value": "x" * 256}, "q.value"),
            ({"q.field": "title", "q.value": "a\0b"}, "q.value"),
        ]
        for parameters, text in malformed:
            self.assert_refused(400, text, self.list(**parameters))


_parameter = strategies.sampled_from(
    ["limit", "marker", "sort_key", "sort_dir", "is_lent", "q.field", "q.op", "q.value", "q.type", "_method", "x"]
)
_value = (
    strategies.sampled_from(
        ["", "0", "1", "-1", "asc", "title", "language", "eq", "true", "delete", "post", str(uuid.UUID(int=0))]
    )
    | strategies.text(max_size=8)
    | strategies.binary(max_size=4)
)


class FuzzTest(QueryCase):
    """Whatever address a client asks for is answered, never with a failure of the service."""

    def setUp(self) -> None:
        super().setUp()
        self.token = self.rest.token("admin")

    def ask(self, method: str, path: str) -> None:
        answer = self.rest.request(method, path, token=self.token)

        self.assertLess(answer.status, 500, path)
        if answer.status >= 400 and method != "HEAD":
            self.assert_refused(answer.status, "", answer)
        self.assertEqual(5, len(db_api.titles()))

    @hypothesis.given(strategies.lists(strategies.tuples(_parameter, _value), max_size=4))
    @hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)
    def test_any_parameters(self, parameters: list[tuple[str, Any]]) -> None:
        self.ask("GET", "/v1/books?" + parse.urlencode(parameters))

    @hypothesis.given(strategies.text(max_size=30).map(parse.quote) | strategies.binary(max_size=20).map(parse.quote_from_bytes))
    @hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)
    def test_any_query_text(self, text: str) -> None:
        self.ask("GET", f"/v1/books?{text}")

    @hypothesis.given(
        strategies.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"]),
        strategies.lists(
            strategies.sampled_from(
                ["books", "v1", "", "..", "__class__", "_custom_actions", "get_all", "authorize", "new", "edit", "delete", "%00"]
            )
            | strategies.text(max_size=6).map(lambda text: parse.quote(text, safe="")),
            max_size=4,
        ),
    )
    @hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)
    def test_any_path(self, method: str, parts: list[str]) -> None:
        self.ask(method, "/".join(["", "v1", *parts]))
