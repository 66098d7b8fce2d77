# SPDX-License-Identifier: Apache-2.0
"""Tests of the types of the wire."""

import datetime
import uuid
from typing import Any

import hypothesis
from hypothesis import strategies

from stx import testing
from stx.rest import types

_any_json = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(), inner, max_size=3),
    max_leaves=5,
)
_CHECKED = (
    types.boolean_text,
    types.Boolean(),
    types.json,
    types.uuid,
    types.text,
    types.secret,
    types.Text(7, r"\d{3}\.\d{3}", "200.006"),
    types.integer,
    types.mac_address,
    types.ip_address,
    types.choice("locked", "unlocked"),
)


class TypesTest(testing.TestCase):
    def assert_takes(self, kind: Any, values: dict[Any, Any]) -> None:
        self.assertEqual(values, {value: kind.validate(value) for value in values})

    def assert_refuses(self, kind: Any, *values: Any) -> None:
        for value in values:
            self.assertRaises(ValueError, kind.validate, value)

    @hypothesis.given(_any_json)
    @hypothesis.settings(max_examples=80, deadline=None, derandomize=True, database=None)
    def test_whatever_comes_is_taken_or_refused_with_a_short_sentence(self, value: Any) -> None:
        for kind in _CHECKED:
            try:
                kind.validate(value)
            except (ValueError, TypeError) as error:
                self.assertLess(len(str(error)), 250)

    def test_times_are_told_with_microseconds_and_the_service_s_sign_for_utc(self) -> None:
        instant = datetime.datetime(2026, 1, 2, 3, 4, 5)

        self.assertEqual("2026-01-02T03:04:05.000000+00:00", types.datetime_utc.tobasetype(instant))
        self.assertEqual("2026-01-02T03:04:05.000000", types.datetime_naive.tobasetype(instant))
        self.assertIsNone(types.datetime_utc.tobasetype(None))

    def test_a_secret_is_text_that_no_refusal_quotes(self) -> None:
        self.assert_takes(types.secret, {"Secret*1": "Secret*1"})
        for value in (["Secret*1"], {"Secret*1": 1}, "Secret*1\0", "Secret*1" * 40):
            error = self.assertRaises(ValueError, types.secret.validate, value)
            self.assertNotIn("Secret*1", str(error))

    def test_booleans_are_taken_as_the_command_line_sends_them(self) -> None:
        self.assert_takes(types.Boolean(), {"true": True, "True": True, "yes": True, "False": False, " no ": False, "0": False})
        self.assert_takes(types.Boolean(), {True: True, False: False})
        self.assert_refuses(types.Boolean(), "", "maybe", 2, None, [], "truee")

    def test_booleans_for_old_clients_are_told_as_text(self) -> None:
        told = [types.boolean_text.tobasetype(value) for value in (True, False, None, 1)]

        self.assertEqual(["True", "False", None, "True"], told)

    def test_json_is_an_object(self) -> None:
        self.assertEqual({"a": [1]}, types.json.validate({"a": [1]}))
        self.assert_refuses(types.json, [], "{}", 1, None)

    def test_uuids_are_taken_in_their_usual_form(self) -> None:
        given = str(uuid.uuid4())

        self.assert_takes(types.uuid, {given: given})
        self.assert_refuses(types.uuid, "", "1234", given[:-1], 7, None, [given])

    def test_text_has_a_bounded_length_and_no_nul(self) -> None:
        self.assert_takes(types.text, {"": "", "ü" * 255: "ü" * 255})
        self.assert_refuses(types.text, "x" * 256, "a\0b", 1, None, ["a"])

    def test_text_of_a_pattern_is_refused_with_an_example_of_a_right_one(self) -> None:
        kind = types.Text(7, r"\d{3}\.\d{3}", "200.006")

        self.assert_takes(kind, {"100.101": "100.101"})
        error = self.assertRaises(ValueError, kind.validate, "100.1x1")
        self.assertIn("200.006", str(error))
        self.assert_refuses(kind, "100.101\n", "x100.101")

    def test_integers_are_taken_also_as_text_within_the_database_s_range(self) -> None:
        largest = 2**31 - 1

        self.assert_takes(types.integer, {1: 1, "-7": -7, "007": 7, largest: largest, -largest - 1: -largest - 1})
        self.assert_refuses(
            types.integer, largest + 1, -largest - 2, "1" * 19, 10**30, "", "1.0", 1.0, "+1", " 1", True, None, "1\n"
        )

    def test_integers_may_have_closer_bounds(self) -> None:
        kind = types.Integer(1, 4094)

        self.assert_takes(kind, {1: 1, "4094": 4094})
        self.assertIn("from 1 to 4094", str(self.assertRaises(ValueError, kind.validate, 0)))
        self.assert_refuses(kind, 4095, -1)

    def test_mac_addresses_are_kept_in_lower_case(self) -> None:
        self.assert_takes(types.mac_address, {"08:00:27:AA:bb:0C": "08:00:27:aa:bb:0c"})
        self.assert_refuses(types.mac_address, "", "08:00:27:aa:bb", "08:00:27:aa:bb:zz", "080027aabbcc", 8, None)

    def test_ip_addresses_are_of_both_versions(self) -> None:
        self.assert_takes(types.ip_address, {"192.168.204.2": "192.168.204.2", "fd00::2": "fd00::2"})
        self.assert_refuses(
            types.ip_address, "", "192.168.204", "192.168.204.256", "controller-0", "fd00::g", "fd00::2\0", "1\0", 1, None
        )

    def test_a_choice_is_one_of_its_values(self) -> None:
        kind = types.choice("locked", "unlocked")

        self.assert_takes(kind, {"locked": "locked"})
        self.assertIn("unlocked", str(self.assertRaises(ValueError, kind.validate, "broken")))

    def test_a_value_of_any_size_is_shown_short(self) -> None:
        for value in ("x" * 10**6, ["x" * 1000] * 1000, {"k" * 1000: [[["x"]]]}, 10**3000):
            self.assertLess(len(types.shown(value)), 500)
