# SPDX-License-Identifier: Apache-2.0
"""/v1/event_log: what happened (spec fm.md 6.3)."""

from collections.abc import Iterable
from typing import Any

import pecan
from oslo_config import cfg
from wsme import types as wtypes

from fm import policies
from fm.api import follower
from fm.db import api as db_api
from stx.rest import app, query, stream, types, wire

CONF = cfg.CONF

_SHORT = (
    "uuid",
    "event_log_id",
    "entity_instance_id",
    "severity",
    "timestamp",
    "reason_text",
    "state",
    "suppression_status",
)
_FIELDS = frozenset(
    {"uuid", "event_log_id", "entity_type_id", "entity_instance_id", "severity", "event_log_type", "start", "end"}
)
_FLAGS = {"alarms": types.Boolean(), "logs": types.Boolean(), "include_suppress": types.Boolean()}


_ALL = ("set", "clear", "log")


class Event(wtypes.Base):
    """The setting or clearing of an alarm, or a log."""

    uuid = types.uuid
    event_log_id = wtypes.text
    state = types.choice("set", "clear", "log")
    entity_type_id = wtypes.text
    entity_instance_id = wtypes.text
    timestamp = types.datetime_naive
    severity = wtypes.text
    reason_text = wtypes.text
    event_log_type = wtypes.text
    probable_cause = wtypes.text
    proposed_repair_action = wtypes.text
    service_affecting = types.boolean_text
    suppression = types.boolean_text
    suppression_status = wtypes.text
    created_at = types.datetime_naive
    updated_at = types.datetime_naive


_short = wire.View(Event, "event_log", _SHORT)
_full = wire.View(Event, "event_log")


def make_follower() -> follower.Follower:
    return follower.Follower(_full)


class EventLogController(app.Controller):
    """:param events: who follows the event log"""

    _custom_actions = {"detail": ["GET"], "stream": ["GET"]}

    def __init__(self, events: follower.Follower) -> None:
        self._events = events

    @app.expose
    def get_all(self) -> dict[str, Any]:
        return self._list(_short)

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self._list(_full)

    @app.expose
    def get_one(self, event_uuid: str) -> dict[str, Any]:
        self.authorize(policies.EVENT_GET)
        return _full.render(db_api.get_event(event_uuid), "")

    @app.expose_stream
    def stream(self) -> Iterable[bytes]:
        self.authorize(policies.EVENT_GET)
        asked = query.parse_plain(_FLAGS)
        states, include_suppress = _states(asked), asked.get("include_suppress", True)

        def wants(event: Any) -> bool:
            return event["state"] in states and (include_suppress or event["suppression_status"] == "unsuppressed")

        request = pecan.request
        lasts_s = stream.lasts_s(request.environ, CONF.fm_api.stream_lifetime)
        return self._events.listen(CONF.fm_api.stream_listeners, lasts_s, wants, stream.last_event_id(request.headers))

    def _list(self, view: wire.View) -> dict[str, Any]:
        self.authorize(policies.EVENT_GET)
        asked = query.parse_query(_FLAGS, _FIELDS, sort_key="timestamp", sort_dir="desc")
        states, include_suppress = _states(asked.values), asked.values.get("include_suppress", True)
        rows = db_api.list_events(asked.page, asked.filters, None if states == _ALL else states, include_suppress)
        return {"event_log": [view.render(row, "") for row in rows], **query.next_link(asked.page, rows)}


def _states(flags: dict[str, bool]) -> tuple[str, ...]:
    """Which events are asked for; both flags mean the same as none."""
    only_alarms, only_logs = flags.get("alarms", False), flags.get("logs", False)
    if only_alarms == only_logs:
        return _ALL
    return ("set", "clear") if only_alarms else ("log",)
