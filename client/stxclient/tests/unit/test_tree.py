# SPDX-License-Identifier: Apache-2.0
"""Tests of alarms below those that they follow from."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from stxclient import tree


def alarm(alarm_id: str, entity: str, root: tuple[str, str] | None = None) -> dict[str, Any]:
    named = {"root_alarm_id": root[0], "root_entity_instance_id": root[1]} if root else {}
    return {"alarm_id": alarm_id, "entity_instance_id": entity, **named}


def drawn(*alarms: dict[str, Any]) -> list[str]:
    """The alarms' ids, indented by their depth."""
    return [f"{'  ' * depth}{alarms[index]['alarm_id']}" for index, depth in tree.arranged(alarms)]


class ArrangedTest(base.BaseTestCase):
    def test_what_is_wrong_on_a_host_that_failed_is_below_that(self) -> None:
        self.assertEqual(
            ["300.001", "200.004", "  200.006", "  400.001", "  200.005"],
            drawn(
                alarm("200.006", "host=compute-1.process=sshd"),
                alarm("300.001", "host=compute-2.port=eth0"),
                alarm("400.001", "service_domain=controller.service_group=vim.host=compute-1"),
                alarm("200.004", "host=compute-1"),
                alarm("200.005", "host=compute-1"),
            ),
        )

    def test_a_host_whose_name_begins_alike_is_another_one(self) -> None:
        found = drawn(alarm("200.004", "host=compute-1"), alarm("200.006", "host=compute-10.process=a"))
        self.assertEqual(["200.004", "200.006"], found)

    def test_a_named_root_counts_before_the_host(self) -> None:
        self.assertEqual(
            ["200.004", "  400.001", "    700.001"],
            drawn(
                alarm("700.001", "tenant=t.instance=i", ("400.001", "host=a.service=s")),
                alarm("200.004", "host=a"),
                alarm("400.001", "host=a.service=s"),
            ),
        )

    def test_a_root_that_is_not_active_leaves_an_alarm_where_it_was(self) -> None:
        found = drawn(alarm("700.001", "tenant=t.instance=i", ("200.004", "host=a")), alarm("200.004", "host=b"))
        self.assertEqual(["700.001", "200.004"], found)

    def test_without_a_root_the_order_stays(self) -> None:
        alarms = [alarm(f"100.10{number}", f"host=h{number}") for number in (3, 1, 2)]
        self.assertEqual(["100.103", "100.101", "100.102"], drawn(*alarms))

    def test_alarms_that_name_each_other_begin_with_the_first(self) -> None:
        circle = [alarm("100.001", "a", ("100.003", "c")), alarm("100.002", "b", ("100.001", "a"))]
        self.assertEqual(["100.001", "  100.002", "    100.003"], drawn(*circle, alarm("100.003", "c", ("100.002", "b"))))

    def test_alarms_without_fields_are_shown(self) -> None:
        self.assertEqual([(0, 0), (1, 0)], tree.arranged([{"alarm_id": None}, {"entity_instance_id": None}]))

    def test_a_long_chain_is_followed_to_its_end(self) -> None:
        chain = [alarm(f"{number}", "a", (f"{number - 1}", "a")) for number in range(3000)]
        self.assertEqual((2999, 2999), tree.arranged(chain)[-1])

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8, unique_by=lambda each: each[0]))
    def test_each_alarm_is_there_once_and_right_below_an_alarm(self, links: list[tuple[int, int]]) -> None:
        alarms = [alarm(f"100.00{own}", "a", (f"100.00{root}", "a")) for own, root in links]
        found = tree.arranged(alarms)
        self.assertEqual(list(range(len(alarms))), sorted(index for index, _ in found))
        above: list[int] = []
        for index, depth in found:
            self.assertLessEqual(depth, len(above))
            above = [*above[:depth], index]
            if depth:
                self.assertEqual(alarms[index]["root_alarm_id"], alarms[above[depth - 1]]["alarm_id"])
