# SPDX-License-Identifier: Apache-2.0
"""/v1/event_log: what happened (spec fm.md 6.3)."""

from typing import Any

from wsme import types as wtypes

from fm import policies
from fm.db import api as db_api
from stx.rest import app, query, types, wire

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


class EventLogController(app.Controller):
    _custom_actions = {"detail": ["GET"]}

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

    def _list(self, view: wire.View) -> dict[str, Any]:
        self.authorize(policies.EVENT_GET)
        asked = query.parse_query(_FLAGS, _FIELDS, sort_key="timestamp", sort_dir="desc")
        only_alarms, only_logs = asked.values.get("alarms", False), asked.values.get("logs", False)
        states = None if only_alarms == only_logs else (("set", "clear") if only_alarms else ("log",))
        rows = db_api.list_events(asked.page, asked.filters, states, asked.values.get("include_suppress", True))
        return {"event_log": [view.render(row, "") for row in rows], **query.next_link(asked.page, rows)}
