# SPDX-License-Identifier: Apache-2.0
"""Follows the event log for all who listen to its stream, by one reader.

What the bus says is a nudge; the database is read, so that no event is missed and each is told once.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from fm import following
from fm.db import api as db_api
from stx import rpc, service
from stx.rest import stream, wire

LOG = logging.getLogger(__name__)

# Without a nudge the log is looked at so often.
PERIOD_S = 2.0
_PAGE = 500
# How long the end waits for a broker that has never answered.
_SUBSCRIBE_S = 1.0

Wants = Callable[[Mapping[str, Any]], bool]


class Follower:
    """:param view: how an event is shown
    :param now: monotonic seconds
    """

    def __init__(self, view: wire.View, now: Callable[[], float] = time.monotonic) -> None:
        self.hub = stream.Hub()
        self._view = view
        self._now = now
        # Nobody begins to listen in the midst of a step.
        self._lock = threading.Lock()
        self._order: following.Order | None = None
        self._opens_at = 0.0
        self._worker = service.Worker("fm-follow-events", self.step, PERIOD_S)
        self._subscribing: threading.Thread | None = None
        self._subscriber: rpc.Subscriber | None = None

    def start(self) -> None:
        self._worker.start()
        # Apart, so that lists are served while the broker is away.
        self._subscribing = threading.Thread(target=self._subscribe, name="fm-subscribe-events", daemon=True)
        self._subscribing.start()

    def stop(self) -> None:
        """End all streams."""
        self.hub.close()
        if self._subscribing is not None:
            self._subscribing.join(_SUBSCRIBE_S)
        if self._subscriber is not None:
            self._subscriber.stop()
        self._worker.stop()
        self.hub.close()

    def _subscribe(self) -> None:
        try:
            subscriber = rpc.Subscriber(self._nudge, "fm.events")
            subscriber.start()
        except Exception:
            LOG.exception("The message bus cannot be listened to: events are told %g s late", PERIOD_S)
        else:
            self._subscriber = subscriber

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()

    def step(self) -> None:
        """Tell what is new."""
        with self._lock:
            now = self._now()
            if self._order is None:
                _, newest = db_api.event_bounds()
                self._order = following.Order(newest)
                # By then all is stored that took an id before this one.
                self._opens_at = now + following.GRACE_S
            is_heard = self.hub.count() > 0
            while True:
                rows = (db_api.events_after if is_heard else db_api.event_ids_after)(self._order.position, _PAGE)
                ready = self._order.take(rows, now)
                if is_heard:
                    self.hub.tell([self._event(row) for row in ready])
                if len(ready) < _PAGE:
                    break
            if now >= self._opens_at:
                self.hub.open(self._order.position)

    def _nudge(self, event: rpc.Event) -> None:
        if self.hub.count():
            self._worker.nudge()

    def listen(self, limit: int, lasts_s: float, wants: Wants, last_event_id: int | None) -> stream.Listener:
        """A listener, to whom first is told what happened after the last event that it has.

        :raises exception.Unavailable: when nobody more may listen
        """
        with self._lock:
            return self.hub.listen(limit, lasts_s, wants, functools.partial(self._earlier, last_event_id, wants))

    def _earlier(self, last_event_id: int | None, wants: Wants, position: int) -> Iterator[bytes]:
        if last_event_id is None:
            return
        oldest, _ = db_api.event_bounds()
        # Pruned meanwhile, or of another database.
        if last_event_id > position or last_event_id + 1 < oldest:
            yield stream.RESET
            return
        while rows := db_api.events_after(last_event_id, _PAGE, up_to=position):
            last_event_id = rows[-1]["id"]
            wanted = [self._event(row).sent() for row in rows if wants(row)]
            if wanted:
                yield b"".join(wanted)

    def _event(self, row: Mapping[str, Any]) -> stream.Event:
        return stream.Event(row["id"], msgspec.json.encode(self._view.render(row, "")), row)
