# SPDX-License-Identifier: Apache-2.0
"""Alarms, the history of events, and which kinds of alarm are suppressed (spec fm.md 6)."""

import builtins
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stxclient import collection, exceptions, queries, resources, transport

# Before a connection that ended is made again.
RETRY_S = 2.0

_BOOLEANS = frozenset({"service_affecting", "suppression", "inhibit_alarms", "mgmt_affecting", "degrade_affecting"})


class Alarms(collection.Collection):
    """The alarms that are active now."""

    path = key = "alarms"
    text_booleans = _BOOLEANS

    def list(
        self, query: Iterable[queries.Condition] = (), include_suppressed: bool = False, expand: bool = False
    ) -> Iterator[resources.Resource]:
        """The active alarms, in the service's order (severity, then entity).

        :param query: on uuid, alarm_id, entity_type_id, entity_instance_id, severity or alarm_type
        :param include_suppressed: also those whose kind is suppressed
        :param expand: with all fields
        """
        expanded = [("expand", "true")] if expand else []
        return self._items(parameters=[*queries.parameters(query), *_suppressed(include_suppressed), *expanded])

    def summary(self, include_suppressed: bool = False) -> resources.Resource:
        """Counts `critical`, `major`, `minor`, `warnings`, and `status` (OK, degraded, critical)."""
        path = transport.path(self.path, "summary")
        return self._resource(self._service.get(path, _suppressed(include_suppressed)))

    def create(self, **attributes: Any) -> resources.Resource:
        """Raises or clears an alarm, or records a log; gives its `uuid`.

        :param attributes: the fields of an alarm; `alarm_state` is set, clear, log or msg
        """
        return self._resource(self._service.post(self.path, attributes))

    def delete(self, uuid: str) -> None:
        """Removes an alarm, whatever its cause does."""
        self._service.delete(transport.path(self.path, str(uuid)))


class Events(collection.Collection):
    """What happened: alarms set and cleared, and logs."""

    path = key = "event_log"
    text_booleans = _BOOLEANS

    def list(
        self,
        query: Iterable[queries.Condition] = (),
        *,
        alarms: bool = False,
        logs: bool = False,
        include_suppressed: bool = False,
        limit: int | None = None,
    ) -> Iterator[resources.Resource]:
        """The events, newest first.

        :param query: on uuid, event_log_id, entity_type_id, entity_instance_id, severity, event_log_type, start, end
        :param alarms: only alarms set and cleared
        :param logs: only logs; with `alarms` too, everything
        :param limit: events at the most
        """
        kinds = [(name, "true") for name, is_wanted in (("alarms", alarms), ("logs", logs)) if is_wanted]
        parameters = [*queries.parameters(query), *kinds, *_suppressed(include_suppressed)]
        return self._items(parameters=parameters, limit=limit)

    def follow(
        self,
        *,
        on_loss: Callable[[exceptions.ClientError], None] = lambda error: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> Iterator[builtins.list[resources.Resource]]:
        """What happens, as it happens, without end: lists of events that came together.

        An empty list comes whenever the lists of the service are to be read anew: at the beginning, after a loss, and when events
        are missing. A connection that ends or is lost is made again, and what happened meanwhile is told.

        :param on_loss: told when the connection was lost; the first one that cannot be made is an error
        :param wait: called with seconds before the connection is made again
        """
        last_event_id: str | None = None
        is_first = is_anew = True
        while True:
            try:
                for messages in self._service.stream(transport.path(self.path, "stream"), last_event_id=last_event_id):
                    if is_anew or any(message.event == "reset" for message in messages):
                        is_first = is_anew = False
                        yield []
                    last_event_id = next((message.id for message in reversed(messages) if message.id is not None), last_event_id)
                    events = [message for message in messages if message.event == "message" and message.data]
                    if events:
                        yield [self._resource(json.loads(message.data)) for message in events]
            except (exceptions.CannotConnect, exceptions.ServerError) as error:
                if is_first:
                    raise
                is_anew = True
                on_loss(error)
            wait(RETRY_S)


class EventSuppression(collection.Collection):
    """The kinds of alarm, and whether each is suppressed."""

    path = key = "event_suppression"

    def list(self, query: Iterable[queries.Condition] = ()) -> Iterator[resources.Resource]:
        """The kinds, by alarm_id.

        :param query: on uuid, alarm_id, description or suppression_status, exactly
        """
        return self._items(parameters=queries.parameters(query))

    def update(self, uuid: str, suppression_status: str) -> resources.Resource:
        """Sets a kind to `suppressed` or `unsuppressed`; gives it as it is then."""
        changes = {"suppression_status": suppression_status}
        return self._resource(self._service.patch(transport.path(self.path, uuid), changes))


def _suppressed(are_included: bool) -> list[tuple[str, str]]:
    # Said either way: services differ in what they take for granted.
    return [("include_suppress", "true" if are_included else "false")]
