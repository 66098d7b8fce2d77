# SPDX-License-Identifier: Apache-2.0
"""Tests of the query grammar."""

import hypothesis
from hypothesis import strategies
from oslotest import base

from stxclient import queries
from stxclient.queries import Condition


class ParseTest(base.BaseTestCase):
    def test_each_operator_has_its_name_on_the_wire(self) -> None:
        expected = {"a!=1": "ne", "a>=1": "ge", "a<=1": "le", "a>1": "gt", "a<1": "lt", "a=1": "eq"}
        for text, op in expected.items():
            self.assertEqual([Condition("a", "1", op)], queries.parse(text), text)

    def test_conditions_are_separated_by_semicolons(self) -> None:
        self.assertEqual(
            [Condition("severity", "major"), Condition("alarm_id", "100.101", "ne")],
            queries.parse("severity=major; alarm_id != 100.101;"),
        )

    def test_type_stands_before_the_value(self) -> None:
        self.assertEqual([Condition("uptime", "5", "gt", "integer")], queries.parse("uptime>integer::5"))

    def test_two_colons_in_a_value_are_no_type(self) -> None:
        self.assertEqual([Condition("address", "fd00::1")], queries.parse("address=fd00::1"))

    def test_value_may_have_operators(self) -> None:
        self.assertEqual(
            [Condition("entity_instance_id", "host=compute-0.port=eth0")],
            queries.parse("entity_instance_id=host=compute-0.port=eth0"),
        )

    def test_value_may_be_empty(self) -> None:
        self.assertEqual([Condition("uuid", "")], queries.parse("uuid="))

    def test_what_is_no_condition_is_named(self) -> None:
        for text in ("severity", "=major", "two words=1", "a-b=1"):
            error = self.assertRaises(ValueError, queries.parse, f"uuid=1;{text}")
            self.assertIn(repr(text), str(error))

    def test_empty_query_is_refused(self) -> None:
        for text in ("", " ; ;"):
            self.assertRaises(ValueError, queries.parse, text)

    @hypothesis.given(
        strategies.from_regex(r"[a-z_.]{1,10}", fullmatch=True),
        strategies.sampled_from(sorted(queries.OPERATORS)),
        strategies.text(strategies.characters(blacklist_characters=";", blacklist_categories=("Z", "C"))),
    )
    def test_what_was_written_is_read(self, field: str, op: str, value: str) -> None:
        hypothesis.assume(not (op in "<>" and value.startswith("=")) and "::" not in value)
        self.assertEqual([Condition(field, value, queries.OPERATORS[op])], queries.parse(f"{field}{op}{value}"))


class ParametersTest(base.BaseTestCase):
    def test_parameters_run_in_parallel(self) -> None:
        pairs = queries.parameters(queries.parse("a=1;b!=2"))
        self.assertEqual(["a", "b"], [value for name, value in pairs if name == "q.field"])
        self.assertEqual(["eq", "ne"], [value for name, value in pairs if name == "q.op"])
        self.assertEqual(["1", "2"], [value for name, value in pairs if name == "q.value"])
        self.assertEqual([], [value for name, value in pairs if name == "q.type"])

    def test_one_type_makes_a_place_for_each(self) -> None:
        pairs = queries.parameters(queries.parse("a=1;b=integer::2"))
        self.assertEqual(["", "integer"], [value for name, value in pairs if name == "q.type"])
