# SPDX-License-Identifier: Apache-2.0
"""Tests of columns."""

from oslotest import base

from stxclient import columns
from stxclient.columns import Column
from stxclient.resources import Resource


class GibTest(base.BaseTestCase):
    def test_mib_become_gib_rounded_down_to_three_decimals(self) -> None:
        self.assertEqual([500.0, 0.999, 0.0], [columns.gib(mib) for mib in (512000, 1023, 0)])

    def test_what_is_no_number_stays(self) -> None:
        self.assertEqual("N/A", columns.gib("N/A"))


class ColumnTest(base.BaseTestCase):
    def test_field_is_the_label_unless_given(self) -> None:
        item = Resource({"cpu": 3, "thread": 0})
        self.assertEqual(3, Column("log_core", "cpu").value(item))
        self.assertEqual(0, Column("thread").value(item))

    def test_missing_and_null_fields_have_no_value_and_are_not_formatted(self) -> None:
        size = Column("size_gib", "size_mib", columns.gib)
        self.assertIsNone(size.value(Resource({})))
        self.assertIsNone(size.value(Resource({"size_mib": None})))

    def test_text_that_would_command_the_terminal_is_escaped_for_people_and_itself_for_programs(self) -> None:
        value = Column("reason_text").value(Resource({"reason_text": "a\x1b[2Jb\x9b\r"}))
        self.assertEqual(("a\\x1b[2Jb\\x9b\\x0d", "a\x1b[2Jb\x9b\r"), (value.human_readable(), value.machine_readable()))

    def test_lines_of_a_text_stay(self) -> None:
        self.assertEqual("a\n\tb", Column("reason_text").value(Resource({"reason_text": "a\n\tb"})))

    def test_structured_value_is_json_for_people_and_itself_for_programs(self) -> None:
        value = Column("capabilities").value(Resource({"capabilities": {"b": 1, "a": "ü"}}))
        self.assertEqual('{"a": "ü", "b": 1}', value.human_readable())
        self.assertEqual({"b": 1, "a": "ü"}, value.machine_readable())


class SheetTest(base.BaseTestCase):
    def test_fields_that_the_service_does_not_give_are_left_out(self) -> None:
        labels, values = columns.sheet(columns.named("a", "b", "c"), Resource({"a": 1, "c": None}))
        self.assertEqual((("a", "c"), (1, None)), (labels, values))

    def test_optional_fields_without_a_value_are_left_out(self) -> None:
        lines = [Column(name, optional=True) for name in "abc"]
        self.assertEqual((("c",), (False,)), columns.sheet(lines, Resource({"a": None, "b": "", "c": False})))

    def test_table_has_a_cell_for_each_column_of_each_item(self) -> None:
        labels, rows = columns.table(columns.named("a", "b"), [Resource({"a": 1}), Resource({"b": 2})])
        self.assertEqual((("a", "b"), [(1, None), (None, 2)]), (labels, rows))
