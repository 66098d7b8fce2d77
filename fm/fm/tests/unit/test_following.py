# SPDX-License-Identifier: Apache-2.0
"""In which order events are told, whatever the order is in which transactions are over."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fm import following
from stx import testing


def rows(*ids: int) -> list[dict[str, int]]:
    return [{"id": row_id} for row_id in ids]


def ids(taken: list[object]) -> list[int]:
    return [row["id"] for row in taken]  # type: ignore[index]


class OrderTest(testing.TestCase):
    def test_rows_without_gaps_are_told_at_once(self) -> None:
        order = following.Order(4)
        self.assertEqual([5, 6], ids(order.take(rows(5, 6), 0.0)))
        self.assertEqual(6, order.position)

    def test_a_row_waits_for_the_one_before_it(self) -> None:
        order = following.Order(4)
        self.assertEqual([5], ids(order.take(rows(5, 7), 0.0)))
        self.assertEqual([6, 7], ids(order.take(rows(6, 7), 1.0)))

    def test_it_waits_no_longer_than_the_grace(self) -> None:
        order = following.Order(4)
        order.take(rows(6, 7, 9), 100.0)
        self.assertEqual([], order.take(rows(6, 7, 9), 100.0 + following.GRACE_S - 0.1))
        self.assertEqual([6, 7, 9], ids(order.take(rows(6, 7, 9), 100.0 + following.GRACE_S)))

    def test_a_gap_that_was_seen_later_waits_for_its_own_time(self) -> None:
        order = following.Order(4)
        order.take(rows(6), 100.0)
        order.take(rows(6, 8), 103.0)
        self.assertEqual([6], ids(order.take(rows(6, 8), 100.0 + following.GRACE_S)))

    def test_what_is_not_moved_past_is_ready_again_without_a_new_wait(self) -> None:
        order = following.Order(4)
        self.assertEqual([5], ids(order.ready(rows(5, 7), 100.0)))
        for _ in range(2):
            self.assertEqual([5, 7], ids(order.ready(rows(5, 7), 100.0 + following.GRACE_S)))
        order.move(7)
        self.assertEqual([8], ids(order.ready(rows(8), 100.0 + following.GRACE_S)))

    @settings(max_examples=200, deadline=None)
    @given(st.permutations(range(1, 13)), st.sets(st.integers(1, 12), max_size=4), st.data())
    def test_each_row_is_told_once_and_in_order_however_transactions_end(
        self, ends: list[int], failed: set[int], data: st.DataObject
    ) -> None:
        """Those that fail leave gaps; the others are over within the grace."""
        order, stored, told, now = following.Order(0), set[int](), list[int](), 0.0
        for row_id in ends:
            if row_id not in failed:
                stored.add(row_id)
            if data.draw(st.booleans()):
                now += following.GRACE_S / 20
                told += ids(order.take(rows(*sorted(row for row in stored if row > order.position)), now))
        for _ in range(2):
            now += following.GRACE_S
            told += ids(order.take(rows(*sorted(row for row in stored if row > order.position)), now))
        self.assertEqual(sorted(set(range(1, 13)) - failed), told)
