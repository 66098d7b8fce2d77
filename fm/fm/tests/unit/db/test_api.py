# SPDX-License-Identifier: Apache-2.0
"""What is stored and found in a real SQLite file."""

import dataclasses
import datetime
import itertools
import threading

import ddt
import fixtures
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from fm import catalogue, faults
from fm.db import api as db_api
from fm.db import models
from fm.tests.unit import base, test_ledger
from stx import exception, paging

_ALL = paging.Page(2000)


class StoreTest(base.DatabaseTest):
    def test_an_alarm_is_stored_with_all_that_is_said_of_it(self) -> None:
        report = base.report(entity="host=compute-1.process=sshd")
        db_api.store([report])
        (alarm,) = db_api.find_alarms()
        expected = {**catalogue.complete(report), "uuid": report.uuid, "updated_at": None}
        self.assertEqual(expected, {name: alarm[name] for name in expected})

    def test_a_change_keeps_the_row(self) -> None:
        first = base.report(severity="minor")
        db_api.store([first])
        (before,) = db_api.find_alarms()
        db_api.store([base.report(severity="critical", timestamp="2026-11-24T00:00:00.000000")])
        (after,) = db_api.find_alarms()
        kept = ("id", "uuid", "created_at")
        self.assertEqual([before[name] for name in kept], [after[name] for name in kept])
        self.assertEqual(("critical", 24), (after["severity"], after["timestamp"].day))
        self.assertIsNotNone(after["updated_at"])

    def test_an_alarm_that_is_cleared_and_set_in_one_batch_is_there_once(self) -> None:
        db_api.store([base.report()])
        again = base.report()
        db_api.store([base.report("clear"), again])
        self.assertEqual([again.uuid], [alarm["uuid"] for alarm in db_api.find_alarms()])

    def test_an_event_says_what_its_alarm_says(self) -> None:
        report = base.report()
        db_api.store([report])
        (event,) = base.events()
        alarm = catalogue.complete(report)
        expected = {name: alarm[name] for name in event if name in alarm and name != "suppression_status"}
        self.assertEqual(expected, {name: event[name] for name in expected})
        self.assertEqual(("200.006", alarm["alarm_type"]), (event["event_log_id"], event["event_log_type"]))
        self.assertGreater(len(expected), 8)

    def test_more_alarms_than_one_query_asks_for(self) -> None:
        entities = [f"host=compute-{number}" for number in range(1100)]
        db_api.store([base.report(entity=entity) for entity in entities])
        db_api.store([base.report(entity=entity) for entity in entities])
        self.assertEqual(1100, len(base.events()))
        db_api.store([base.report("clear", entity=entity) for entity in entities])
        self.assertEqual([], db_api.find_alarms())

    def test_writers_of_the_same_alarm_make_one(self) -> None:
        def set_often() -> None:
            for _ in range(10):
                db_api.store([base.report()])

        threads = [threading.Thread(target=set_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual((1, 1), (len(db_api.find_alarms()), len(base.events())))


class SequenceTest(base.DatabaseTest):
    """The database comes to what the ledger's model says, whatever is delivered in whatever batches."""

    _systems = itertools.count(1)

    @settings(max_examples=25, deadline=None)
    @given(test_ledger.sequences, st.integers(min_value=1, max_value=15), st.integers(min_value=0, max_value=3))
    def test_any_sequence_leaves_what_the_model_has(self, reports: list[faults.Report], cut: int, again: int) -> None:
        # Every example has entities and a spool of its own, in one database.
        system = f"system={next(self._systems)}"
        numbered = [
            (
                number,
                dataclasses.replace(report, uuid=base.report().uuid, entity_instance_id=f"{system}.{report.entity_instance_id}"),
            )
            for number, report in enumerate(reports, 1)
        ]
        model = test_ledger.Model([report for _, report in numbered])
        db_api.deliver(system, numbered[:cut])
        for _ in range(again):
            db_api.deliver(system, numbered[:cut])
        db_api.deliver(system, numbered)
        active = {
            (alarm["alarm_id"], alarm["entity_instance_id"]): (alarm["uuid"], alarm["severity"], alarm["reason_text"])
            for alarm in db_api.find_alarms(within=system)
        }
        self.assertEqual(model.active, active)
        told = [
            (event["state"], event["event_log_id"], event["entity_instance_id"], event["severity"])
            for event in base.events()
            if event["entity_instance_id"].startswith(f"{system}.")
        ]
        self.assertEqual(sorted(model.events), sorted(told))


class FindTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.entities = [
            "host=compute-1",
            "host=compute-1.process=a",
            "host=compute-10",
            "host=compute-10.process=a",
            "host=compute_1.x",
        ]
        db_api.store([base.report(entity=entity) for entity in self.entities])

    def found(self, **by: str) -> list[str]:
        return [alarm["entity_instance_id"] for alarm in db_api.find_alarms(**by)]

    def test_within_an_entity_is_itself_and_what_it_contains(self) -> None:
        self.assertEqual(["host=compute-1", "host=compute-1.process=a"], self.found(within="host=compute-1"))

    def test_signs_of_the_query_language_mean_themselves(self) -> None:
        self.assertEqual([], self.found(within="host=compute_1%"))
        self.assertEqual([], self.found(within="host=compute%"))
        self.assertEqual(["host=compute_1.x"], self.found(within="host=compute_1"))

    def test_clear_all_clears_what_is_found_within(self) -> None:
        db_api.store([base.report("clear-all", "host=compute-1")])
        self.assertEqual(["host=compute-10", "host=compute-10.process=a", "host=compute_1.x"], self.found())
        cleared = [event for event in base.events() if event["state"] == "clear"]
        self.assertEqual(["host=compute-1", "host=compute-1.process=a"], sorted(event["entity_instance_id"] for event in cleared))

    def test_within_tells_small_from_capital_letters(self) -> None:
        self.assertEqual([], self.found(within="host=Compute-1"))

    def test_conditions_add_up(self) -> None:
        db_api.store([base.report(alarm_id="200.001", entity="host=compute-1")])
        self.assertEqual(["host=compute-1"], self.found(alarm_id="200.001", within="host=compute-1"))
        self.assertEqual([], self.found(alarm_id="200.001", entity="host=compute-10"))

    def test_an_alarm_that_is_not_active_is_named(self) -> None:
        uuid = base.report().uuid
        self.assert_raises_with(exception.NotFound, f"No active alarm has the uuid {uuid}.", db_api.get_alarm, uuid)

    def test_an_event_that_is_not_there_is_named(self) -> None:
        uuid = base.report().uuid
        self.assert_raises_with(exception.NotFound, f"No event has the uuid {uuid}.", db_api.get_event, uuid)


class AffectingTest(base.DatabaseTest):
    def test_the_severity_and_the_type_decide(self) -> None:
        for severity in faults.SEVERITIES:
            db_api.store([base.report(entity=f"host={severity}", severity=severity)])
        shown = {alarm["severity"]: (alarm["mgmt_affecting"], alarm["degrade_affecting"]) for alarm in db_api.find_alarms()}
        self.assertEqual(
            {"critical": (True, True), "major": (True, True), "minor": (True, False), "warning": (True, False)}, shown
        )


class CountTest(base.DatabaseTest):
    def test_an_alarm_that_several_hide_is_left_out_once(self) -> None:
        around = [base.report(entity=f"host=1{part}", inhibit_alarms=True) for part in ("", ".process=a", ".process=a.thread=1")]
        db_api.store([*around, base.report(alarm_id="200.004", entity="host=1.process=a.thread=1", suppression=True)])
        self.assertEqual(3, db_api.count_alarms()["major"])

    def test_alarms_of_suppressed_types_are_counted_when_asked_for(self) -> None:
        db_api.store([base.report(severity="minor"), base.report(alarm_id="200.001", entity="host=2", severity="minor")])
        suppressed = next(row for row in db_api.list_types(_ALL) if row["alarm_id"] == "200.006")
        db_api.set_suppression(suppressed["uuid"], "suppressed")
        self.assertEqual([1, 2], [db_api.count_alarms(include_suppress)["minor"] for include_suppress in (False, True)])

    def test_alarms_are_counted_by_severity(self) -> None:
        for number, severity in enumerate(["critical", "minor", "minor", "warning"]):
            db_api.store([base.report(entity=f"host={number}", severity=severity)])
        self.assertEqual({"critical": 1, "major": 0, "minor": 2, "warning": 1}, db_api.count_alarms())


class PruneTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        db_api.store([base.report("log", reason_text=f"{number}") for number in range(10)])

    def texts(self) -> list[str]:
        return [event["reason_text"] for event in base.events()]

    def test_the_newest_stay(self) -> None:
        self.assertEqual(6, db_api.prune_events(4, 100))
        self.assertEqual(["6", "7", "8", "9"], self.texts())

    def test_the_oldest_go_first(self) -> None:
        self.assertEqual(2, db_api.prune_events(4, 2))
        self.assertEqual([f"{number}" for number in range(2, 10)], self.texts())

    def test_nothing_goes_within_the_bound(self) -> None:
        self.assertEqual(0, db_api.prune_events(10, 100))
        self.assertEqual(10, len(self.texts()))

    def test_those_stored_before_a_time_go(self) -> None:
        middle = base.events()[4]["created_at"] + datetime.timedelta(hours=1)
        _store_later(base.events()[5]["id"], datetime.timedelta(hours=2))
        self.assertEqual(2, db_api.prune_events(100, 2, middle))
        self.assertEqual(3, db_api.prune_events(100, 100, middle))
        self.assertEqual(["5", "6", "7", "8", "9"], self.texts())

    def test_when_it_happened_does_not_count_but_when_it_was_stored(self) -> None:
        stored = base.events()[0]["created_at"]
        db_api.store([base.report("log", reason_text="by a clock that stands", timestamp="1970-01-01T00:00:00")])
        self.assertEqual(0, db_api.prune_events(100, 100, stored))

    def test_ids_are_not_used_again(self) -> None:
        last = base.events()[-1]["id"]
        db_api.prune_events(0, 100)
        db_api.store([base.report("log")])
        self.assertGreater(base.events()[0]["id"], last)


@ddt.ddt
class TypesTest(base.DatabaseTest):
    def test_every_alarm_of_the_catalogue_has_a_type_and_no_log_has(self) -> None:
        expected = sorted(alarm_id for alarm_id, entry in catalogue.load().items() if entry.type == "alarm")
        self.assertEqual(expected, sorted(row["alarm_id"] for row in db_api.list_types(_ALL)))

    def test_refreshing_keeps_what_the_operator_decided(self) -> None:
        before = db_api.list_types(_ALL)[0]
        db_api.set_suppression(before["uuid"], "suppressed")
        db_api.synchronise_catalogue()
        after = db_api.get_type(before["uuid"])
        self.assertEqual(
            (before["id"], before["alarm_id"], "suppressed"), (after["id"], after["alarm_id"], after["suppression_status"])
        )

    def test_refreshing_takes_over_what_the_catalogue_says(self) -> None:
        before = db_api.list_types(_ALL)[0]
        _forget_description()
        db_api.synchronise_catalogue()
        self.assertEqual(before["description"], db_api.get_type(before["uuid"])["description"])

    def test_a_type_that_has_left_the_catalogue_goes_when_no_alarm_has_it(self) -> None:
        report = base.report()
        db_api.store([report])
        for row in db_api.list_types(_ALL):
            db_api.set_suppression(row["uuid"], "suppressed")
        entry = {"200.001": catalogue.load()["200.001"]}
        with fixtures.MonkeyPatch("fm.catalogue.load", lambda: entry):
            db_api.synchronise_catalogue()
            # The alarm that is there is seen, though its type was suppressed.
            expected = [("200.001", "suppressed"), ("200.006", "unsuppressed")]
            self.assertEqual(expected, self.statuses())
            db_api.store([base.report("clear")])
            db_api.synchronise_catalogue()
            self.assertEqual(expected[:1], self.statuses())

    def statuses(self) -> list[tuple[str, str]]:
        return sorted((row["alarm_id"], row["suppression_status"]) for row in db_api.list_types(_ALL))

    def test_changing_a_type_that_is_not_there_changes_nothing(self) -> None:
        self.assertEqual(0, db_api.set_suppression(base.report().uuid, "suppressed"))


@db_api.database.writer
def _store_later(connection: Connection, from_id: int, by: datetime.timedelta) -> None:
    """Make events look stored later, from an id on."""
    event = models.event_log
    for row in connection.execute(sa.select(event).where(event.c.id >= from_id)).all():
        connection.execute(sa.update(event).where(event.c.id == row.id).values(created_at=row.created_at + by))


@db_api.database.writer
def _forget_description(connection: Connection) -> None:
    connection.execute(sa.update(models.event_suppression).values(description="?"))


class IndexTest(base.DatabaseTest):
    """What is asked often is answered from an index, however long the tables are."""

    def test_the_newest_events_are_found_by_an_index(self) -> None:
        event = models.event_log
        newest = sa.select(event).order_by(event.c.timestamp.desc(), event.c.id.desc()).limit(10)
        self.assertIn("ix_event_log_timestamp", base.indexes_of(newest))

    def test_one_alarm_is_found_by_an_index(self) -> None:
        alarm = models.alarm
        one = sa.select(alarm).where(alarm.c.alarm_id == "200.006", alarm.c.entity_instance_id == "host=a")
        self.assertIn("uq_alarm_instance", base.indexes_of(one))

    def test_what_reports_may_change_is_found_by_an_index(self) -> None:
        reports = [base.report(), base.report("clear", "host=b"), base.report("clear-all", "host=c"), base.report("log")]
        one_by_one, within = map(base.indexes_of, db_api.touching(reports))
        self.assertIn("uq_alarm_instance (alarm_id=? AND entity_instance_id=?)", one_by_one)
        self.assertIn("ix_alarm_entity (entity_instance_id>? AND entity_instance_id<?)", within)
        self.assertNotIn("SCAN", one_by_one + within)

    def test_alarms_are_counted_from_an_index_alone(self) -> None:
        alarm = models.alarm
        kinds = sa.select(alarm.c.alarm_id, alarm.c.severity, sa.func.count()).group_by(alarm.c.alarm_id, alarm.c.severity)
        self.assertIn("COVERING INDEX ix_alarm_kind", base.indexes_of(kinds))
