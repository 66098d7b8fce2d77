# SPDX-License-Identifier: Apache-2.0
"""Carries the events of the log, one after another, to one receiver. What another receiver does is nothing to it."""

import contextlib
import datetime
import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence

from oslo_config import cfg

from fm import client, following
from fm.db import outlets as db_outlets
from fm.notify import course
from stx import exception, service

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

ALARM_ID = "100.130"
POLL_S = 0.5
# Events that are sent together; those of one that fails are all sent again.
_BATCH = 50


class Undelivered(exception.StxException):
    """The receiver did not take it. The message has no secret in it: it goes into logs and alarms."""


class Sender:
    """How events get to one kind of receiver.

    :cvar takes_suppressed: whether it is told of kinds of alarms that are suppressed, too
    """

    takes_suppressed = False

    def send(self, events: Sequence[course.Event]) -> None:
        """Give events to the receiver, one or more, by ascending number.

        :raises Undelivered: when it may not have got all of them
        """
        raise NotImplementedError

    def rest(self) -> None:
        """What is to be done besides; called about twice a second, and after each batch of events. It bounds how often it does it.

        :raises Undelivered: when the receiver does not take it
        """

    def close(self) -> None:
        """Give up what is held for the receiver."""


class Outlet:
    """One receiver: its place in the event log, and the thread that moves it forward.

    :param name: tells it from others, in the database, in logs and in the alarm about it
    :param now: tells the time in UTC without time zone
    """

    def __init__(
        self,
        name: str,
        sender: Sender,
        faults: client.FaultReporter,
        now: Callable[[], datetime.datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._sender = sender
        self._faults = faults
        self._now = now or (lambda: datetime.datetime.now(datetime.UTC).replace(tzinfo=None))
        self._monotonic = monotonic
        self._place: course.Place | None = None
        self._order = following.Order(0)
        self._failures = 0
        self._retry_at = 0.0
        # Whether events were given up and more of them wait, and what was said of that. None: an earlier process knows.
        self._is_behind: bool | None = None
        self._is_alarmed: bool | None = None
        self._stopping = threading.Event()
        self._worker = service.Worker(f"fm-outlet-{name}", self.step, POLL_S)

    def start(self) -> None:
        self._worker.start()

    def stop_soon(self) -> None:
        """Begin nothing more. Who stops many says it to all of them before any is waited for."""
        self._stopping.set()

    def stop(self) -> None:
        self.stop_soon()
        self._worker.stop()
        self._sender.close()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()

    def step(self) -> None:
        """Send what there is, as far as the receiver takes it."""
        self._report()
        if self._place is None:
            # A new receiver is told what happens from now on.
            place = db_outlets.places().get(self.name)
            self._place = place or course.Place(db_outlets.newest_event())
            self._order.move(self._place.event_id)
            if place is None:
                db_outlets.move(self.name, self._place)
        while not self._stopping.is_set() and self._send_batch():
            pass

    def _send_batch(self) -> bool:
        """Send a batch. Gives whether there may be more."""
        # Before each: to one that is slow, a step may never come to an end.
        limit = min(CONF.fm_notify.queue_limit, CONF.fm.event_log_max_size)
        self._advance(course.bounded(self._place, db_outlets.newest_event(), limit))
        rows = db_outlets.events_after(self._place.event_id, _BATCH)
        events = self._order.ready(rows, self._monotonic())
        if stale := course.too_old(events, CONF.fm_notify.max_age, self._now()):
            self._advance(self._place.past(events[stale - 1]["id"], stale))
            return True
        if self._monotonic() < self._retry_at:
            return False
        wanted = [event for event in events if self._sender.takes_suppressed or not event["is_suppressed"]]
        if wanted and not self._is_done(lambda: self._sender.send(wanted)):
            return False
        if events:
            self._advance(self._place.past(events[-1]["id"]))
        # After events too: under a steady load there is always something to send.
        if not self._is_done(self._sender.rest):
            return False
        if self._failures:
            LOG.info("%s is told again of what happens", self.name)
            self._failures, self._retry_at = 0, 0.0
        if not rows:
            self._is_behind = False
            self._report()
        return bool(events)

    def _is_done(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except Undelivered as error:
            self._fail(error.message)
        except exception.Unavailable:
            # The database is, which is nothing of the receiver's.
            raise
        except Exception as error:
            # Its text may have a secret in it.
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(f"{type(error).__name__} at {where.filename}:{where.lineno}.")
        else:
            return True
        return False

    def _fail(self, why: str) -> None:
        self._failures += 1
        self._retry_at = self._monotonic() + course.backoff_s(self._failures)
        if self._failures == 1:
            LOG.warning("%s cannot be told of what happens, which waits: %s", self.name, why)

    def _advance(self, place: course.Place) -> None:
        before, self._place = self._place, place
        if place == before:
            return
        self._order.move(place.event_id)
        db_outlets.move(self.name, place)
        if place.dropped == before.dropped:
            return
        LOG.error("%s is never told of %d events, up to number %d", self.name, place.dropped - before.dropped, place.event_id)
        self._is_behind = True
        self._report()

    def _report(self) -> None:
        """Raise or clear the alarm about the outlet, where that is not done yet."""
        if self._is_behind == self._is_alarmed:
            return
        # A spool that takes nothing now may take it at the next step.
        with contextlib.suppress(exception.Unavailable):
            if self._is_behind:
                text = f"{self.name} could not be told of events, and some were given up. The log of fm-notifier has how many."
                self._faults.set_fault(ALARM_ID, entity(self.name), text)
            else:
                self._faults.clear_fault(ALARM_ID, entity(self.name))
            self._is_alarmed = self._is_behind


def entity(name: str) -> str:
    """What an alarm about the outlet is about."""
    return f"notification={name}"


def forget(names: Sequence[str], faults: client.FaultReporter) -> None:
    """Forget outlets that are no more, and what was wrong with them."""
    faults.report([client.clear(ALARM_ID, entity(name)) for name in names])
    db_outlets.remove(names)
