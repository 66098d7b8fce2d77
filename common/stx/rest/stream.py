# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: what happens, told over one long answer to each of a few listeners (HTML standard, chapter 9.2).

Each listener has a queue of its own, and a thread of the server that sends from it: one that reads slowly slows nobody else. When its
queue is full its stream ends; it comes back with the id of the last event that it has, and is told what it missed.
"""

import collections
import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from oslo_utils import timeutils

from stx import exception

LOG = logging.getLogger(__name__)

# Events that wait for a listener.
QUEUE_LIMIT = 1000
# After so long without an event it is said where the stream stands: proxies see that it lives, the server that its reader does, and
# who comes back need not have what it does not want looked through again.
HEARTBEAT_S = 10.0
# Events that are sent in one piece.
_PIECE = 100
_RETRY_MS = 2000


@dataclasses.dataclass(frozen=True)
class Event:
    """One event.

    :ivar id: higher than those of all events before
    :ivar data: JSON without line breaks
    :ivar facts: what listeners choose by
    """

    id: int
    data: bytes
    facts: Mapping[str, Any]

    def sent(self) -> bytes:
        return b"id: %d\ndata: %b\n\n" % (self.id, self.data)


# Not all that a listener missed can be told.
RESET = b'event: reset\ndata: {"reason": "Events are missing here. Read the lists again."}\n\n'


class Listener:
    """The body of one answer. Iterating waits for what is next; close() takes it off the hub."""

    def __init__(
        self, hub: "Hub", wants: Callable[[Mapping[str, Any]], bool], ends_at: float, clock: Callable[[], float]
    ) -> None:
        self._hub = hub
        self._wants = wants
        self._ends_at = ends_at
        self._clock = clock
        self._beginning: Iterator[bytes] = iter(())
        self._waiting: collections.deque[Event] = collections.deque()
        self._is_ended = False
        self._changed = threading.Condition()

    def begin(self, beginning: Iterator[bytes]) -> None:
        """:param beginning: what is sent before all events that are told from now on"""
        self._beginning = beginning

    def tell(self, events: Sequence[Event]) -> bool:
        """Have those sent that are wanted. Gives whether there was room."""
        wanted = [event for event in events if self._wants(event.facts)]
        with self._changed:
            if len(self._waiting) + len(wanted) > QUEUE_LIMIT:
                return False
            self._waiting.extend(wanted)
            self._changed.notify()
        return True

    def end(self) -> None:
        with self._changed:
            self._is_ended = True
            self._changed.notify()

    def is_over(self) -> bool:
        return self._is_ended or self._clock() >= self._ends_at

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        for piece in self._beginning:
            if self.is_over():
                break
            return piece
        with self._changed:
            left_s = max(0.0, min(HEARTBEAT_S, self._ends_at - self._clock()))
            self._changed.wait_for(lambda: self._is_ended or self._waiting, left_s)
            if self.is_over():
                raise StopIteration
            # Read before it is seen that nothing waits: what is told meanwhile waits before the hub stands behind it.
            position = self._hub.position
            if not self._waiting:
                return b":\nid: %d\n\n" % position
            return b"".join(self._waiting.popleft().sent() for _ in range(min(_PIECE, len(self._waiting))))

    def close(self) -> None:
        self.end()
        self._hub.forget(self)


class Hub:
    """Tells events to all who listen. Threads may share it.

    :param clock: monotonic seconds
    :ivar position: id of the last event that was told
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._is_open = False
        self.position = 0

    def open(self, position: int) -> None:
        """Take listeners from now on.

        :param position: id of the last event that is over
        """
        with self._lock:
            self._is_open = True
            self.position = position

    def tell(self, events: Sequence[Event]) -> None:
        """Tell events, in the order of their ids. It waits for nobody."""
        with self._lock:
            # Those whose server never came to close them go too.
            gone = {listener for listener in self._listeners if listener.is_over()}
            for listener in self._listeners - gone:
                if not listener.tell(events):
                    LOG.warning("A reader of events is too slow and is dropped; it can come back for what it has not read")
                    gone.add(listener)
            for listener in gone:
                listener.end()
            self._listeners -= gone
            if events:
                self.position = events[-1].id

    def listen(
        self,
        limit: int,
        lasts_s: float,
        wants: Callable[[Mapping[str, Any]], bool],
        earlier: Callable[[int], Iterable[bytes]],
    ) -> Listener:
        """A new listener.

        :param limit: listeners at the most
        :param lasts_s: seconds after which the stream ends
        :param wants: whether an event with these facts is for it
        :param earlier: gives what is to be sent of events up to a position
        :raises exception.Unavailable: when there are as many as may be, or nothing can be told yet
        """
        listener = Listener(self, wants, self._clock() + lasts_s, self._clock)
        with self._lock:
            if not self._is_open:
                raise exception.Unavailable("Events cannot be followed yet. Try again in a few seconds.")
            if len(self._listeners) >= limit:
                raise exception.Unavailable(
                    f"There are {limit} listeners already, and no more may be. End one, or raise the bound in the service's options."
                )
            self._listeners.add(listener)
            position = self.position
        listener.begin(_beginning(position, earlier))
        return listener

    def forget(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def count(self) -> int:
        """How many listen."""
        with self._lock:
            return len(self._listeners)

    def close(self) -> None:
        """End all streams and take no more."""
        with self._lock:
            self._is_open = False
            for listener in self._listeners:
                listener.end()
            self._listeners.clear()


def _beginning(position: int, earlier: Callable[[int], Iterable[bytes]]) -> Iterator[bytes]:
    # At once, so that the reader sees that it is connected.
    yield b"retry: %d\n\n" % _RETRY_MS
    yield from earlier(position)
    # An id without data is no event; who loses the connection before the first one comes back with it.
    yield b"id: %d\n\n" % position


def last_event_id(headers: Mapping[str, str]) -> int | None:
    """The id that a listener comes back with.

    :raises exception.Invalid: when it is none
    """
    text = headers.get("Last-Event-ID")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise exception.Invalid(
            f"The header Last-Event-ID {text[:40]!r} is not an id of this stream. Leave it out to begin anew."
        )
    return int(text)


def lasts_s(environ: Mapping[str, Any], lifetime_s: float) -> float:
    """For how many seconds whoever asks may listen before the token is to be looked at again: never beyond its end."""
    expires_at = environ.get("keystone.token_info", {}).get("token", {}).get("expires_at")
    if expires_at is None:
        return lifetime_s
    end = timeutils.normalize_time(timeutils.parse_isotime(expires_at))
    return min(lifetime_s, (end - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)).total_seconds())
