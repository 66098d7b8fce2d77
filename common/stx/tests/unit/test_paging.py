# SPDX-License-Identifier: Apache-2.0
"""Tests of pages of a list, on SQLite."""

import datetime
import uuid
from typing import Any

import hypothesis
import sqlalchemy as sa
from hypothesis import strategies

from stx import exception, paging, testing
from stx.tests.unit.shelf.db import models

book = models.book

_instants = strategies.sampled_from(
    [datetime.datetime(2026, 1, 2, 3, 4, 5, us) for us in (0, 1)] + [datetime.datetime(1970, 1, 1)]
)
# Few values, so that most lists have the same one twice.
_columns = {
    "language": strategies.sampled_from(["", "de", "en", "zh", "ü", "%"]),
    "pages": strategies.sampled_from([0, 1, -1, 2**31, -(2**31)]),
    "weight": strategies.sampled_from([0.0, 0.1, -0.1, 1e300]),
    "is_lent": strategies.booleans(),
    "created_at": _instants,
}
_row = strategies.fixed_dictionaries({name: strategies.none() | values for name, values in _columns.items()})


class PagingTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        engine = sa.create_engine("sqlite://")
        self.addCleanup(engine.dispose)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)
        models.metadata.create_all(self.connection)

    def shelve(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        """Make these the only books; gives them as they are stored."""
        self.connection.execute(sa.delete(book))
        for number, row in enumerate(rows):
            self.connection.execute(sa.insert(book), {"uuid": str(uuid.UUID(int=number)), "title": str(number), **row})
        return [dict(row) for row in self.connection.execute(sa.select(book).order_by(book.c.id)).mappings()]

    def fetch(self, limit: int, marker: str | None = None, **order: str) -> list[dict[str, Any]]:
        return paging.fetch(self.connection, sa.select(book), book, paging.Page(limit, marker, **order))

    def walk(self, limit: int, **order: str) -> list[dict[str, Any]]:
        """All pages, one after the other."""
        rows: list[dict[str, Any]] = []
        marker = None
        while page := self.fetch(limit, marker, **order):
            self.assertLessEqual(len(page), limit)
            rows += page
            marker = page[-1]["uuid"]
        return rows

    @hypothesis.given(
        rows=strategies.lists(_row, max_size=7),
        sort_key=strategies.sampled_from([*_columns, "id", "title"]),
        sort_dir=strategies.sampled_from(["asc", "desc"]),
    )
    @hypothesis.settings(max_examples=40, deadline=None, derandomize=True, database=None)
    def test_pages_of_any_size_make_the_sorted_list(self, rows: list[dict[str, Any]], sort_key: str, sort_dir: str) -> None:
        lowest = {"language": ""}

        def order(row: dict[str, Any]) -> tuple[bool, Any, int]:
            value = lowest.get(sort_key) if row[sort_key] is None else row[sort_key]
            return value is not None, value, row["id"]

        expected = sorted(self.shelve(*rows), key=order, reverse=sort_dir == "desc")

        for limit in range(1, len(rows) + 2):
            self.assertEqual(expected, self.walk(limit, sort_key=sort_key, sort_dir=sort_dir))

    def test_a_row_that_was_added_behind_the_reader_does_not_shift_the_pages(self) -> None:
        self.shelve(*({"pages": pages} for pages in (10, 20, 30)))
        first = self.fetch(2, sort_key="pages")

        self.connection.execute(sa.insert(book), {"uuid": "new", "title": "new", "pages": 15})

        self.assertEqual([30], [row["pages"] for row in self.fetch(2, first[-1]["uuid"], sort_key="pages")])

    def test_conditions_of_the_list_hold_on_every_page(self) -> None:
        self.shelve(*({"language": language} for language in ("de", "en", "de", "en", "de")))
        german = sa.select(book).where(book.c.language == "de")
        first = paging.fetch(self.connection, german, book, paging.Page(2))

        second = paging.fetch(self.connection, german, book, paging.Page(2, first[-1]["uuid"]))

        self.assertEqual(["0", "2", "4"], [row["title"] for row in [*first, *second]])

    def test_a_sort_key_may_have_another_name_on_the_wire(self) -> None:
        self.shelve({"pages": 2}, {"pages": 1})
        page = paging.Page(10, sort_key="length")

        rows = paging.fetch(self.connection, sa.select(book), book, page, {"length": book.c.pages})

        self.assertEqual([1, 2], [row["pages"] for row in rows])

    def test_an_unknown_sort_key_is_refused_and_the_known_ones_are_told(self) -> None:
        self.assert_raises_with(exception.Invalid, "'colour'", self.fetch, 1, sort_key="colour")
        self.assert_raises_with(exception.Invalid, "language", self.fetch, 1, sort_key="colour")

    def test_structured_values_cannot_be_sorted_by(self) -> None:
        error = self.assertRaises(exception.Invalid, self.fetch, 1, sort_key="contents")

        self.assertNotIn("contents, ", error.message)

    def test_an_unknown_marker_is_refused(self) -> None:
        marker = str(uuid.uuid4())

        self.assert_raises_with(exception.Invalid, marker, self.fetch, 1, marker)
