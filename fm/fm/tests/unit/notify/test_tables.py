# SPDX-License-Identifier: Apache-2.0
"""How a manager walks through tables."""

from typing import Any

from fm.notify import tables
from fm.tests.unit.notify.events import event
from stx import testing

BASE = (1, 3, 9)
COLUMNS = {"uuid": 2, "reason_text": 3}


class TablesTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.rows: list[dict[str, Any]] = [event(2), event(5), event(9)]
        self.now, self.reads = 0.0, 0
        self.table = tables.Table(BASE, COLUMNS, self.after, lambda: self.now)

    def after(self, index: int, limit: int) -> list[dict[str, Any]]:
        self.reads += 1
        return [row for row in self.rows if row["id"] > index][:limit]

    def walk(self, section: Any, oid: tuple[int, ...] = (1,)) -> list[tuple[int, ...]]:
        found = []
        while (each := section.next(oid)) is not None:
            oid = each[0]
            found.append(oid)
        return found

    def test_a_walk_goes_through_the_rows_of_one_column_after_another(self) -> None:
        self.assertEqual([(*BASE, column, number) for column in (2, 3) for number in (2, 5, 9)], self.walk(self.table))

    def test_an_instance_is_found_by_its_number_alone(self) -> None:
        self.assertEqual(((*BASE, 3, 5), "text", "a process has failed"), self.table.get((*BASE, 3, 5)))
        for oid in ((*BASE, 3, 4), (*BASE, 3, 0), (*BASE, 1, 5), (*BASE, 4, 5), (*BASE, 3), (*BASE, 3, 5, 0), (1, 3, 8, 3, 5)):
            self.assertIsNone(self.table.get(oid), oid)

    def test_what_follows_is_found_from_anywhere(self) -> None:
        for oid, following in (
            ((1, 3), (*BASE, 2, 2)),
            (BASE, (*BASE, 2, 2)),
            ((*BASE, 1, 7), (*BASE, 2, 2)),
            ((*BASE, 2), (*BASE, 2, 2)),
            ((*BASE, 2, 3), (*BASE, 2, 5)),
            ((*BASE, 2, 5, 1), (*BASE, 2, 9)),
            ((*BASE, 2, 2**32 - 1), (*BASE, 3, 2)),
        ):
            self.assertEqual(following, self.table.next(oid)[0], oid)  # type: ignore[index]
        for oid in ((*BASE, 3, 9), (*BASE, 4), (1, 3, 10), (2,)):
            self.assertIsNone(self.table.next(oid), oid)

    def test_an_empty_table_has_nothing(self) -> None:
        self.rows = []
        self.assertEqual([], self.walk(self.table))

    def test_a_long_table_is_read_in_pages(self) -> None:
        self.rows = [event(number) for number in range(1, 2 * tables.PAGE + 2)]
        self.assertEqual(2 * len(self.rows), len(self.walk(self.table)))
        self.assertLess(self.reads, 10)

    def test_a_row_that_has_gone_is_shown_for_a_second_at_the_most(self) -> None:
        self.table.get((*BASE, 2, 2))
        self.rows = self.rows[1:]
        self.assertIsNotNone(self.table.get((*BASE, 2, 2)))
        self.now = tables.CACHE_S
        self.assertIsNone(self.table.get((*BASE, 2, 2)))

    def test_single_objects_come_in_the_order_of_their_identifiers(self) -> None:
        scalars = tables.Scalars({(1, 5): lambda: ("text", "five"), (1, 2): lambda: ("text", "two")})
        self.assertEqual([(1, 2, 0), (1, 5, 0)], self.walk(scalars))
        self.assertEqual(((1, 5, 0), "text", "five"), scalars.get((1, 5, 0)))
        self.assertIsNone(scalars.get((1, 5)))
