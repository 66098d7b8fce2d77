# SPDX-License-Identifier: Apache-2.0
"""Tests of the raw attributes."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import fields


class FieldsTestCase(base.BaseTestCase):
    def test_numbers_are_read_from_digits_hexadecimals_and_json(self):
        self.assertEqual([12, 12, -1, 0x8086], [fields.number(value) for value in (12, "12\n", "-1", "0x8086")])

    def test_what_is_no_whole_number_is_none(self):
        for value in (True, 1.5, "", "12 kB", "1_000", "\u0661", "0x", None, [], "9" * 5000):
            self.assertIsNone(fields.number(value), value)

    def test_booleans_of_old_tools_are_digits(self):
        self.assertEqual([True, False, True, None], [fields.boolean(value) for value in ("1", "0", True, "-")])

    def test_padding_of_firmware_is_cut_off(self):
        self.assertEqual("NVME 0001", fields.text("  NVME\x00\x00 0001\n  "))
        self.assertIsNone(fields.text(" \x00 "))

    def test_text_is_bounded_and_can_be_stored(self):
        self.assertEqual(7, len(fields.text("x" * 100, limit=7) or ""))
        self.assertEqual("a b", fields.text("a\ud800b"))

    def test_a_kernel_list_is_spelled_out(self):
        self.assertEqual([0, 1, 2, 7], fields.ids("7,0-2"))
        self.assertEqual([], fields.ids(None))

    @given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text())))
    def test_junk_never_raises(self, value):
        (
            fields.number(value),
            fields.boolean(value),
            fields.text(value),
            fields.mapping(value),
            fields.objects(value),
        )
        fields.ids(str(value)[:20]), fields.document(str(value))

    def test_json_nested_without_end_is_no_document(self):
        self.assertIsNone(fields.document("[" * 200_000))
