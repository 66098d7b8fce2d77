# SPDX-License-Identifier: Apache-2.0
"""Which alarms others hide."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from fm import faults
from fm.db import api as db_api
from fm.db import masking
from fm.tests.unit import base
from stx import paging

_ALL = paging.Page(2000)


def _lock(host: str) -> faults.Report:
    return base.report(alarm_id="200.001", entity=f"host={host}", severity="warning")


_NAMES = st.lists(st.sampled_from(["a", "A", "aa", "_", "%"]), min_size=1, max_size=3)
_ALARMS = st.lists(st.tuples(_NAMES, st.booleans(), st.booleans()), max_size=8, unique_by=lambda alarm: tuple(alarm[0]))


class MaskTest(base.DatabaseTest):
    """An alarm that inhibits hides those of its entity, and of what is inside it, that may be hidden."""

    _systems = itertools.count(1)

    def shown(self) -> list[tuple[str, str]]:
        return [(alarm["alarm_id"], alarm["entity_instance_id"]) for alarm in db_api.list_alarms(_ALL)]

    def test_a_locked_host_hides_its_alarms_and_no_others(self) -> None:
        entities = ["host=compute-1", "host=compute-1.process=a", "host=compute-10.process=a"]
        db_api.store([*[base.report(entity=entity, suppression=True) for entity in entities], _lock("compute-1")])
        self.assertEqual([("200.006", entities[2]), ("200.001", "host=compute-1")], self.shown())

    def test_unlocking_shows_them_again(self) -> None:
        db_api.store([base.report(suppression=True), _lock("compute-1")])
        db_api.store([base.report("clear", alarm_id="200.001", entity="host=compute-1")])
        self.assertEqual([("200.006", "host=compute-1.process=sshd")], self.shown())

    def test_what_is_raised_or_changed_while_the_host_is_locked_is_hidden_too(self) -> None:
        db_api.store([_lock("compute-1")])
        for severity in ("minor", "critical"):
            db_api.store([base.report(suppression=True, severity=severity)])
            self.assertEqual([("200.001", "host=compute-1")], self.shown())

    def test_what_may_not_be_hidden_is_shown(self) -> None:
        db_api.store([base.report(suppression=False), _lock("compute-1")])
        self.assertEqual(2, len(self.shown()))

    def test_what_is_hidden_is_not_counted(self) -> None:
        db_api.store([base.report(suppression=True), _lock("compute-1")])
        for include_suppress in (False, True):
            self.assertEqual(
                {"critical": 0, "major": 0, "minor": 0, "warning": 1}, db_api.count_alarms(include_suppress=include_suppress)
            )

    def test_what_is_hidden_is_active_for_those_who_ask_the_manager(self) -> None:
        db_api.store([base.report(suppression=True), _lock("compute-1")])
        self.assertEqual(2, len(db_api.find_alarms(within="host=compute-1")))

    def test_hiding_makes_no_event(self) -> None:
        db_api.store([base.report(suppression=True), _lock("compute-1")])
        self.assertEqual(["set", "set"], [event["state"] for event in base.events()])

    @settings(max_examples=50, deadline=None)
    @given(_ALARMS)
    def test_any_alarms_hide_those_that_the_rule_names(self, alarms: list[tuple[list[str], bool, bool]]) -> None:
        top = f"system={next(self._systems)}"
        made = {f"{top}." + ".".join(f"part={name}" for name in names): flags for names, *flags in alarms}
        db_api.store(
            [
                base.report(entity=entity, suppression=may_be_hidden, inhibit_alarms=inhibits)
                for entity, (may_be_hidden, inhibits) in made.items()
            ]
        )
        expected = [
            entity
            for entity, (may_be_hidden, _) in made.items()
            if not may_be_hidden
            or made[entity][1]
            or not any(inhibits and faults.is_within(entity, other) for other, (_, inhibits) in made.items())
        ]
        shown = self.shown()
        self.assertEqual(sorted(expected), sorted(entity for _, entity in shown if faults.is_within(entity, top)))
        # What is counted is worked out in another way.
        self.assertEqual(len(shown), sum(db_api.count_alarms().values()))

    def test_what_hides_others_is_found_by_an_index(self) -> None:
        self.assertIn("ix_alarm_inhibiting", base.indexes_of(masking.inhibiting()))

    def test_what_is_hidden_is_found_by_indexes(self) -> None:
        plan = base.indexes_of(masking.masked("sqlite"))
        self.assertIn("ix_alarm_inhibiting", plan)
        self.assertIn("ix_alarm_entity (entity_instance_id>? AND entity_instance_id<?)", plan)

    def test_on_postgresql_what_is_hidden_is_looked_for_name_by_name(self) -> None:
        statement = str(masking.masked("postgresql").compile(dialect=postgresql.dialect()))
        self.assertIn("JOIN LATERAL (SELECT", statement)
        self.assertIn("OFFSET", statement)
