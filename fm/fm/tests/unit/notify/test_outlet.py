# SPDX-License-Identifier: Apache-2.0
"""One receiver: what it gets, what happens when it takes nothing."""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import fixtures

from fm import client, following
from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.notify import course, outlet
from fm.tests.unit import base
from stx import exception, paging


class Receiver(outlet.Sender):
    """Somebody who is told.

    :ivar is_up: whether it takes what it gets, and raises no error
    :ivar is_rest_up: whether it takes what it gets besides
    :ivar meanwhile: what happens while it takes something
    """

    def __init__(self) -> None:
        self.is_up = self.is_rest_up = True
        self.tries = self.rests = 0
        self.error: Exception = outlet.Undelivered("It is away.")
        self.got: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def send(self, events: Sequence[course.Event]) -> None:
        self.tries += 1
        self.meanwhile()
        if not self.is_up:
            raise self.error
        self.got += [event["reason_text"] for event in events]

    def rest(self) -> None:
        self.rests += 1
        if not self.is_rest_up:
            raise outlet.Undelivered("It does not take that.")


class OutletTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="fm_notify", queue_limit=100, max_age=600)
        self.receiver = Receiver()
        self.later_s = 0.0
        self.outlet = self.make()

    def make(self) -> outlet.Outlet:
        made = outlet.Outlet("one", self.receiver, client.FaultReporter(), self.now, lambda: self.later_s)
        self.addCleanup(made.stop)
        return made

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=self.later_s)

    def happen(self, *texts: str, alarm_id: str = "200.006") -> None:
        db_api.store([base.report("log", reason_text=text, alarm_id=alarm_id) for text in texts])

    @contextlib.contextmanager
    def hidden(self, event_id: int) -> Iterator[None]:
        """While a transaction is not over: its event has a number and is not there."""
        real = db_outlets.events_after

        def shown(after: int, limit: int) -> list[dict[str, Any]]:
            return [event for event in real(after, limit) if event["id"] != event_id]

        with mock.patch.object(db_outlets, "events_after", shown):
            yield

    def reported(self) -> list[str]:
        """What was reported of the outlet, in order."""
        spool = client.open_spool()
        try:
            found = [client.msgspec.json.decode(body) for _, body in spool.read(100).reports]
        finally:
            spool.close()
        self.assertLessEqual(
            {(each["alarm_id"], each["entity_instance_id"]) for each in found}, {("100.130", "notification=one")}
        )
        return [each["operation"] for each in found]

    def test_it_is_told_what_happens_from_the_first_look_on_in_order(self) -> None:
        self.happen("before")
        self.outlet.step()
        self.happen(*(f"{number}" for number in range(80)))
        self.happen("last")
        self.outlet.step()
        self.assertEqual([*(f"{number}" for number in range(80)), "last"], self.receiver.got)

    def test_another_process_goes_on_where_the_last_one_was(self) -> None:
        self.outlet.step()
        self.happen("1")
        self.outlet.step()
        self.happen("2")
        self.make().step()
        self.assertEqual(["1", "2"], self.receiver.got)

    def test_what_became_visible_late_is_told_before_what_came_after_it(self) -> None:
        self.outlet.step()
        self.happen("1", "2", "3")
        with self.hidden(2):
            # As long after its making as it may be: what counts is since when the gap is seen.
            self.later_s = 60
            self.outlet.step()
            self.assertEqual(["1"], self.receiver.got)
        self.outlet.step()
        self.assertEqual(["1", "2", "3"], self.receiver.got)

    def test_a_number_that_stays_away_is_not_waited_for_for_ever(self) -> None:
        self.outlet.step()
        self.happen("1", "2", "3")
        with self.hidden(2):
            self.outlet.step()
            self.later_s = following.GRACE_S
            self.receiver.is_up = False
            self.outlet.step()
            self.receiver.is_up = True
            self.later_s += 1
            self.outlet.step()
        self.assertEqual(["1", "3"], self.receiver.got)

    def test_what_it_does_not_take_is_sent_again_after_a_pause(self) -> None:
        self.outlet.step()
        self.receiver.is_up = False
        self.happen("1")
        self.outlet.step()
        self.outlet.step()
        self.assertEqual(1, self.receiver.tries)
        self.receiver.is_up = True
        self.later_s = 1
        self.outlet.step()
        self.assertEqual(["1"], self.receiver.got)
        self.assertEqual(["clear"], self.reported())

    def test_an_error_that_nobody_thought_of_is_a_failure_like_another_and_no_secret_of_it_is_logged(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.outlet.step()
        self.receiver.is_up, self.receiver.error = False, OverflowError("a-secret-key")
        self.happen("1")
        for self.later_s in (0, 0.5, 1):
            self.outlet.step()
        self.assertEqual(2, self.receiver.tries)
        (line,) = log.output.splitlines()
        self.assertRegex(line, r"one cannot be told of what happens, which waits: OverflowError at .*test_outlet.py:\d+\.$")

    def test_a_database_that_is_away_is_no_failure_of_the_receiver(self) -> None:
        self.outlet.step()
        self.receiver.is_up, self.receiver.error = False, exception.Unavailable("The database is away.")
        self.happen("1")
        for _ in range(2):
            self.assertRaises(exception.Unavailable, self.outlet.step)

    def test_more_than_the_bound_is_dropped_counted_and_alarmed_until_all_is_told(self) -> None:
        self.outlet.step()
        self.receiver.is_up = False
        for first in (0, 150):
            self.happen(*(f"{number}" for number in range(first, first + 150)))
            self.outlet.step()
        self.assertEqual(200, db_outlets.places()["one"].dropped)
        # An alarm that is set already is not set again.
        self.assertEqual(["clear", "set"], self.reported())
        self.receiver.is_up = True
        self.later_s = 10
        self.outlet.step()
        self.assertEqual([f"{number}" for number in range(200, 300)], self.receiver.got)
        self.assertEqual(["clear", "set", "clear"], self.reported())
        self.assertEqual(200, db_outlets.places()["one"].dropped)

    def test_an_alarm_that_the_spool_refuses_is_set_later(self) -> None:
        self.outlet.step()
        self.receiver.is_up = False
        self.happen(*(f"{number}" for number in range(150)))
        with mock.patch.object(client.FaultReporter, "report", side_effect=exception.Unavailable("The spool is full.")):
            self.outlet.step()
        self.assertEqual(1, self.receiver.tries)
        self.outlet.step()
        self.assertEqual(["clear", "set"], self.reported())

    def test_the_bound_holds_while_a_slow_one_takes_what_it_gets(self) -> None:
        self.outlet.step()
        self.happen("first")

        def meanwhile() -> None:
            self.receiver.meanwhile = lambda: None
            self.happen(*(f"{number}" for number in range(150)))

        self.receiver.meanwhile = meanwhile
        self.outlet.step()
        self.assertEqual(["first", *(f"{number}" for number in range(50, 150))], self.receiver.got)
        self.assertEqual(50, db_outlets.places()["one"].dropped)
        self.assertEqual(["clear", "set", "clear"], self.reported())

    def test_what_waits_for_too_long_is_dropped(self) -> None:
        self.outlet.step()
        self.receiver.is_up = False
        self.happen("1", "2")
        self.outlet.step()
        self.later_s = 601
        self.outlet.step()
        self.assertEqual(2, db_outlets.places()["one"].dropped)
        self.receiver.is_up = True
        self.happen("3")
        self.outlet.step()
        self.assertEqual([], self.receiver.got)

    def test_suppressed_kinds_are_for_those_who_want_them(self) -> None:
        kind = next(row for row in db_api.list_types(paging.Page(2000)) if row["alarm_id"] == "200.006")
        db_api.set_suppression(kind["uuid"], "suppressed")
        self.outlet.step()
        self.happen("1")
        db_api.store([base.report("log", "host=compute-1", alarm_id="200.004", reason_text="2")])
        self.outlet.step()
        self.assertEqual(["2"], self.receiver.got)
        self.receiver.takes_suppressed = True
        self.happen("3")
        self.outlet.step()
        self.assertEqual(["2", "3"], self.receiver.got)

    def test_it_rests_after_events_too(self) -> None:
        self.outlet.step()
        self.happen(*(f"{number}" for number in range(80)))
        self.outlet.step()
        self.assertEqual((4, 2), (self.receiver.rests, self.receiver.tries))

    def test_what_was_sent_is_not_sent_again_when_the_rest_fails(self) -> None:
        self.outlet.step()
        self.receiver.is_rest_up = False
        self.happen("1")
        self.outlet.step()
        self.receiver.is_rest_up = True
        self.later_s = 1
        self.outlet.step()
        self.assertEqual(["1"], self.receiver.got)

    def test_it_rests_while_nothing_happens(self) -> None:
        self.outlet.step()
        self.outlet.step()
        self.assertEqual((2, 0), (self.receiver.rests, self.receiver.tries))

    def test_one_that_is_no_more_is_forgotten_with_its_alarm(self) -> None:
        self.outlet.step()
        outlet.forget(["one"], client.FaultReporter())
        self.assertEqual({}, db_outlets.places())
        self.assertEqual("clear", self.reported()[-1])
