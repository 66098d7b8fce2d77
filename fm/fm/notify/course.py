# SPDX-License-Identifier: Apache-2.0
"""What an outlet sends next, what it gives up, and when it tries again.

The event log is the queue: an outlet has a place in it, the number of the last event that it is done with.
"""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]

BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an outlet stands.

    :ivar event_id: number of the last event that it is done with
    :ivar dropped: how many events it gave up, since it is there
    """

    event_id: int
    dropped: int = 0

    def past(self, event_id: int, dropped: int = 0) -> "Place":
        return Place(event_id, self.dropped + dropped)


def bounded(place: Place, newest: int, limit: int) -> Place:
    """The place with no more than `limit` events behind it; the oldest are dropped."""
    over = newest - place.event_id - limit
    return place.past(place.event_id + over, over) if over > 0 else place


def too_old(events: Sequence[Event], max_age_s: float, now: datetime.datetime) -> int:
    """How many of the first events have waited for longer than `max_age_s`.

    :param now: UTC without time zone, as created_at is
    """
    oldest = now - datetime.timedelta(seconds=max_age_s)
    return next((index for index, event in enumerate(events) if event["created_at"] >= oldest), len(events))


def backoff_s(failures: int) -> float:
    """How long to wait after so many failures, one or more, in a row."""
    return BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
