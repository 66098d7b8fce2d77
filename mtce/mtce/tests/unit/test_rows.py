# SPDX-License-Identifier: Apache-2.0
"""A host's life as it is stored."""

import unittest
from typing import Any

import hypothesis
from hypothesis import strategies as st

from mtce import rows
from mtce.life.model import Cause, Life, Procedure, Stage
from sysinv import client as sysinv_client
from sysinv import defaults

_lives = st.builds(
    Life,
    administrative=st.sampled_from(("locked", "unlocked")),
    operational=st.sampled_from(("enabled", "disabled")),
    availability=st.sampled_from(("available", "failed", "offline")),
    task=st.sampled_from(("", "Booting")),
    procedure=st.none() | st.sampled_from(Procedure),
    stage=st.none() | st.sampled_from(Stage),
    attempts=st.integers(0, 9),
    boot_id=st.sampled_from(("", "a-boot")),
    number=st.integers(0, 999),
    failures=st.dictionaries(st.sampled_from(list(map(str, Cause))), st.integers(1, 5)),
    cause=st.none() | st.sampled_from(Cause),
    action_taken=st.integers(0, 99),
    since=st.just(7.0),
)


def row(**changes: Any) -> dict[str, Any]:
    return {**defaults.host("26.11"), **changes}


class RowsTest(unittest.TestCase):
    @hypothesis.given(_lives)
    def test_what_is_stored_is_what_is_read_and_then_nothing_is_left_to_store(self, life: Life) -> None:
        stored = row() | rows.changes(row(), life)
        self.assertEqual(life, rows.life_of(stored, 7.0))
        self.assertEqual({}, rows.changes(stored, life))

    @hypothesis.given(_lives)
    def test_all_that_is_stored_may_be(self, life: Life) -> None:
        self.assertLessEqual(rows.changes(row(), life).keys(), set(sysinv_client.STATE_FIELDS))

    def test_what_another_version_has_written_counts_as_not_there(self) -> None:
        found = rows.life_of(row(mtce_procedure="levitate", mtce_stage="hover", mtce_cause="bored"), 0.0)
        self.assertEqual((None, None, None), (found.procedure, found.stage, found.cause))

    def test_a_request_is_open_until_it_was_taken_up(self) -> None:
        self.assertTrue(rows.is_open(row(action_number=3, action_taken=2)))
        self.assertFalse(rows.is_open(row(action_number=3, action_taken=3)))
