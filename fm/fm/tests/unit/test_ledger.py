# SPDX-License-Identifier: Apache-2.0
"""What reports change in the list of active alarms, held against a simple model of it."""

import itertools
import uuid
from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from fm import catalogue, faults, ledger
from fm.tests.unit import base
from stx import testing

_ENTITIES = ("host=compute-1", "host=compute-1.process=a", "host=compute-10", "host=compute-10.process=a", "host=compute-2")
_entities = st.sampled_from(_ENTITIES)
_ids = st.sampled_from(["200.006", "200.001"])


def _numbered(steps: list[dict[str, Any]]) -> list[faults.Report]:
    """Reports that differ in uuid and time, as those of a real reporter do."""
    return [
        base.report(**step, uuid=str(uuid.UUID(int=number + 1)), timestamp=f"2026-11-23T10:00:{number:02d}.000000")
        for number, step in enumerate(steps)
    ]


_sets = st.fixed_dictionaries(
    {
        "operation": st.just("set"),
        "alarm_id": _ids,
        "entity": _entities,
        "severity": st.sampled_from(["minor", "major"]),
        "reason_text": st.sampled_from(["a", "b"]),
        "keep_existing": st.booleans(),
    }
)
_clears = st.fixed_dictionaries({"operation": st.just("clear"), "alarm_id": _ids, "entity": _entities})
_clear_alls = st.fixed_dictionaries({"operation": st.just("clear-all"), "entity": _entities})
_logs = st.fixed_dictionaries({"operation": st.just("log"), "alarm_id": _ids, "entity": _entities})
sequences = st.lists(st.one_of(_sets, _sets, _clears, _clear_alls, _logs), max_size=16).map(_numbered)


class Model:
    """Carries out one report after another, in the simplest way.

    :ivar active: (uuid, severity, reason) by (alarm id, entity)
    :ivar events: (state, alarm id, entity, severity) in their order
    """

    def __init__(self, reports: list[faults.Report]) -> None:
        self.active: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.events: list[tuple[Any, ...]] = []
        for report in reports:
            key = (report.alarm_id, report.entity_instance_id)
            if report.operation == "set":
                self._set(key, report)
            elif report.operation == "log":
                self.events.append(("log", *key, report.severity))
            else:
                gone = [key] if report.operation == "clear" else self._inside(report.entity_instance_id)
                for each in gone:
                    if each in self.active:
                        self.events.append(("clear", *each, self.active.pop(each)[1]))

    def _set(self, key: tuple[str, str], report: faults.Report) -> None:
        before = self.active.get(key)
        if before and (report.keep_existing or before[1:] == (report.severity, report.reason_text)):
            return
        self.active[key] = (before[0] if before else report.uuid, report.severity, report.reason_text)
        self.events.append(("set", *key, report.severity))

    def _inside(self, parent: str) -> list[tuple[str, str]]:
        parts = parent.split(".")
        return [key for key in self.active if key[1].split(".")[: len(parts)] == parts]


class Table:
    """Writes outcomes as the database does: a key exists once, rows are found by their id."""

    def __init__(self) -> None:
        self.rows: dict[ledger.Key, ledger.Alarm] = {}
        self.events: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def carry_out(self, reports: list[faults.Report]) -> ledger.Outcome:
        outcome = ledger.decide(self.rows, reports, catalogue.complete)
        for key, alarm in outcome.removed.items():
            if self.rows.pop(key)["id"] != alarm["id"]:
                raise AssertionError(f"{key} removes another row")
        for key, alarm in outcome.stored.items():
            if "id" not in alarm and key in self.rows:
                raise AssertionError(f"{key} would be there twice")
            if "id" in alarm and self.rows[key]["id"] != alarm["id"]:
                raise AssertionError(f"{key} changes another row")
            self.rows[key] = {"id": next(self._ids), **alarm}
        self.events += outcome.events
        return outcome

    def active(self) -> dict[ledger.Key, tuple[Any, ...]]:
        return {key: (row["uuid"], row["severity"], row["reason_text"]) for key, row in self.rows.items()}

    def told(self) -> list[tuple[Any, ...]]:
        return [(event["state"], event["event_log_id"], event["entity_instance_id"], event["severity"]) for event in self.events]


class SequenceTest(testing.TestCase):
    @settings(max_examples=100, deadline=None)
    @given(sequences)
    def test_any_sequence_leaves_the_alarms_that_the_model_has(self, reports: list[faults.Report]) -> None:
        table = Table()
        table.carry_out(reports)
        self.assertEqual(Model(reports).active, table.active())

    @settings(max_examples=100, deadline=None)
    @given(sequences)
    def test_any_sequence_makes_one_event_for_every_real_change(self, reports: list[faults.Report]) -> None:
        table = Table()
        table.carry_out(reports)
        expected = Model(reports).events
        # In which order clear-all clears is nobody's business, but that it comes before what was reported later.
        self.assertEqual(sorted(expected), sorted(table.told()))
        self.assertEqual([event[0] for event in expected], [event[0] for event in table.told()])
        self.assertEqual(len(table.events), len({event["uuid"] for event in table.events}))

    @settings(max_examples=100, deadline=None)
    @given(sequences, st.sets(st.integers(min_value=1, max_value=15)))
    def test_batches_split_anywhere_come_to_the_same(self, reports: list[faults.Report], cuts: set[int]) -> None:
        whole, pieces = Table(), Table()
        whole.carry_out(reports)
        edges = [0, *sorted(cut for cut in cuts if cut < len(reports)), len(reports)]
        for start, end in itertools.pairwise(edges):
            pieces.carry_out(reports[start:end])
        self.assertEqual(whole.active(), pieces.active())

        def order(event: dict[str, Any]) -> tuple[str, str]:
            return event["timestamp"], event["uuid"]

        self.assertEqual(sorted(whole.events, key=order), sorted(pieces.events, key=order))

    @settings(max_examples=50, deadline=None)
    @given(sequences)
    def test_what_did_not_change_is_not_written(self, reports: list[faults.Report]) -> None:
        table = Table()
        table.carry_out(reports)
        again = [
            base.report(
                "set", key[1], alarm_id=key[0], severity=row["severity"], reason_text=row["reason_text"], uuid=str(uuid.uuid4())
            )
            for key, row in table.rows.items()
        ]
        self.assertEqual(ledger.Outcome(), ledger.decide(table.rows, again, catalogue.complete))


@ddt.ddt
class DecideTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.table = Table()

    def carry_out(self, *reports: faults.Report) -> list[str]:
        """Gives the states of the events that the reports make."""
        return [event["state"] for event in self.table.carry_out(list(reports)).events]

    def only_row(self) -> ledger.Alarm:
        (row,) = self.table.rows.values()
        return row

    def test_an_alarm_is_named_by_its_first_report_as_long_as_it_is_active(self) -> None:
        first = base.report(severity="minor", timestamp="2026-11-23T10:00:00.000000")
        self.carry_out(first)
        self.carry_out(base.report(severity="major", timestamp="2026-11-23T11:00:00.000000"))
        row = self.only_row()
        self.assertEqual((first.uuid, "major"), (row["uuid"], row["severity"]))
        self.assertEqual((10, 11), (row["created_at"].hour, row["timestamp"].hour))

    def test_an_alarm_that_comes_back_has_another_name(self) -> None:
        first, second = base.report(), base.report()
        self.carry_out(first, base.report("clear"), second)
        self.assertEqual(second.uuid, self.only_row()["uuid"])

    def test_an_active_alarm_that_is_cleared_and_set_in_one_batch_is_another_alarm(self) -> None:
        self.carry_out(base.report())
        again = base.report()
        self.assertEqual(["clear", "set"], self.carry_out(base.report("clear"), again))
        self.assertEqual(again.uuid, self.only_row()["uuid"])

    def test_setting_again_what_is_set_makes_no_event(self) -> None:
        self.assertEqual(["set"], self.carry_out(base.report(), base.report()))
        self.assertEqual([], self.carry_out(base.report()))

    def test_clearing_what_is_not_active_makes_no_event(self) -> None:
        self.assertEqual([], self.carry_out(base.report("clear"), base.report("clear-all")))

    @ddt.data(
        {"severity": "critical"},
        {"reason_text": "something else"},
        {"proposed_repair_action": "another way"},
        {"alarm_type": "equipment"},
        {"probable_cause": "power-problem"},
        {"service_affecting": False},
        {"suppression": False},
        {"inhibit_alarms": True},
    )
    def test_an_alarm_that_says_something_else_makes_an_event(self, difference: dict[str, Any]) -> None:
        self.carry_out(base.report())
        self.assertEqual(["set"], self.carry_out(base.report(**difference)))
        self.assertEqual(difference, {name: self.only_row()[name] for name in difference})

    def test_another_root_is_kept_without_an_event(self) -> None:
        root = {"root_alarm_id": "200.004", "root_entity_instance_id": "host=compute-1"}
        self.carry_out(base.report(timestamp="2026-11-23T10:00:00.000000"))
        before = self.only_row()
        self.assertEqual([], self.carry_out(base.report(timestamp="2026-11-23T11:00:00.000000", **root)))
        self.assertEqual(before | root, self.only_row())
        self.assertEqual([], self.carry_out(base.report()))
        self.assertEqual(before, self.only_row())

    def test_an_alarm_that_says_something_else_is_told_with_its_root_kept_up(self) -> None:
        root = {"root_alarm_id": "200.004", "root_entity_instance_id": "host=compute-1"}
        self.carry_out(base.report())
        self.assertEqual(["set"], self.carry_out(base.report(severity="critical", **root)))
        self.assertEqual(root, {name: self.only_row()[name] for name in root})

    def test_keep_existing_leaves_an_active_alarm_as_it_is(self) -> None:
        self.carry_out(base.report(severity="minor"))
        self.assertEqual([], self.carry_out(base.report(severity="critical", keep_existing=True)))
        self.assertEqual("minor", self.only_row()["severity"])

    def test_keep_existing_sets_an_alarm_that_is_not_active(self) -> None:
        self.assertEqual(["set"], self.carry_out(base.report(keep_existing=True)))

    def test_clear_all_clears_an_entity_and_what_is_inside_it_only(self) -> None:
        self.carry_out(*[base.report(entity=entity) for entity in _ENTITIES])
        self.assertEqual(["clear", "clear"], self.carry_out(base.report("clear-all", "host=compute-1")))
        self.assertEqual(
            {"host=compute-10", "host=compute-10.process=a", "host=compute-2"}, {entity for _, entity in self.table.rows}
        )

    def test_a_cleared_alarm_is_told_as_it_was_at_the_time_of_its_clearing(self) -> None:
        self.carry_out(base.report(severity="minor", reason_text="so it was"))
        self.carry_out(base.report("clear", timestamp="2026-11-24T00:00:00.000000"))
        event = self.table.events[-1]
        self.assertEqual(("clear", "minor", "so it was"), (event["state"], event["severity"], event["reason_text"]))
        self.assertEqual("2026-11-24T00:00:00.000000", event["timestamp"])

    def test_a_log_touches_no_alarm(self) -> None:
        self.carry_out(base.report())
        before = self.only_row()
        self.assertEqual(["log"], self.carry_out(base.report("log", reason_text="in passing")))
        self.assertIs(before, self.only_row())

    def test_the_same_reports_make_the_same_events(self) -> None:
        reports = [base.report(), base.report("log"), base.report("clear-all")]
        first, second = (ledger.decide({}, reports, catalogue.complete).events for _ in range(2))
        self.assertEqual(first, second)
