# SPDX-License-Identifier: Apache-2.0
"""/v1/alarms: what is wrong now (spec fm.md 6.2)."""

from typing import Any

from wsme import types as wtypes

from fm import client, faults, policies
from fm.db import api as db_api
from stx import exception
from stx.rest import app, query, types, wire

_SHORT = (
    "uuid",
    "alarm_id",
    "entity_instance_id",
    "severity",
    "timestamp",
    "reason_text",
    "mgmt_affecting",
    "degrade_affecting",
    "suppression_status",
)
_FIELDS = frozenset({"uuid", "alarm_id", "entity_type_id", "entity_instance_id", "severity", "alarm_type"})
_ROOT = frozenset({"root_alarm_id", "root_entity_instance_id"})
_WRITABLE = faults.MODIFIABLE | _ROOT | {"alarm_id", "alarm_state", "entity_type_id", "entity_instance_id"}
_STATES = {"set": "set", "clear": "clear", "log": "log", "msg": "log"}


class Alarm(wtypes.Base):
    """An active alarm."""

    uuid = types.uuid
    alarm_id = types.Text(7, faults.ALARM_ID.pattern, "200.006")
    alarm_state = types.choice(*_STATES)
    entity_type_id = types.text
    entity_instance_id = types.text
    timestamp = types.datetime_naive
    severity = types.choice(*faults.SEVERITIES)
    reason_text = types.text
    alarm_type = types.choice(*faults.ALARM_TYPES)
    probable_cause = types.text
    proposed_repair_action = types.text
    service_affecting = types.boolean_text
    suppression = types.boolean_text
    suppression_status = wtypes.text
    mgmt_affecting = types.boolean_text
    degrade_affecting = types.boolean_text
    root_alarm_id = types.Text(7, faults.ALARM_ID.pattern, "200.004")
    root_entity_instance_id = types.text
    created_at = types.datetime_naive
    updated_at = types.datetime_naive


_short = wire.View(Alarm, "alarms", _SHORT)
_full = wire.View(Alarm, "alarms")


class AlarmController(app.Controller):
    _custom_actions = {"summary": ["GET"], "detail": ["GET"]}

    def __init__(self) -> None:
        self._manager = client.Manager()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        return self._list(_short)

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self._list(_full)

    def _list(self, view: wire.View) -> dict[str, Any]:
        self.authorize(policies.ALARM_GET)
        asked = query.parse_query({"include_suppress": types.Boolean(), "expand": types.Boolean()}, _FIELDS)
        rows = db_api.list_alarms(asked.page, asked.filters, asked.values.get("include_suppress", False))
        shown = _full if asked.values.get("expand") else view
        return {"alarms": [shown.render(row, "") for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def summary(self) -> dict[str, Any]:
        self.authorize(policies.ALARM_GET)
        asked = query.parse_query({"include_suppress": types.Boolean()})
        counts = db_api.count_alarms(asked.values.get("include_suppress", False))
        return {
            "critical": counts["critical"],
            "major": counts["major"],
            "minor": counts["minor"],
            "warnings": counts["warning"],
            "status": faults.status(counts["critical"], counts["major"], counts["minor"]),
        }

    @app.expose
    def get_one(self, alarm_uuid: str) -> dict[str, Any]:
        self.authorize(policies.ALARM_GET)
        return _full.render(db_api.get_alarm(alarm_uuid, include_masked=False), "")

    @app.expose
    def post(self) -> dict[str, Any]:
        """Raise an alarm, clear one, or write a log, by alarm_state."""
        context = self.authorize(policies.ALARM_CREATE)
        values = wire.from_body(Alarm, _WRITABLE)
        _require(values, "alarm_id", "entity_instance_id")
        return {"uuid": self._manager.store(context, _report(values))}

    @app.expose
    def put(self, alarm_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.ALARM_MODIFY)
        changes = wire.from_body(Alarm, faults.MODIFIABLE)
        if "reason_text" in changes:
            _require(changes, "reason_text")
        self._manager.modify_alarm(context, alarm_uuid, changes)
        return _full.render(db_api.get_alarm(alarm_uuid), "")

    @app.expose
    def delete(self, alarm_uuid: str) -> None:
        context = self.authorize(policies.ALARM_DELETE)
        self._manager.delete_alarm(context, alarm_uuid)


def _require(values: dict[str, Any], *names: str) -> None:
    for name in names:
        if values.get(name) is None:
            raise exception.Invalid(f"The attribute {name} is missing.")


def _report(values: dict[str, Any]) -> client.Report:
    state = _STATES[values.pop("alarm_state", None) or "set"]
    values.pop("entity_type_id", None)
    if state == "clear":
        return client.clear(values["alarm_id"], values["entity_instance_id"])
    _require(values, "reason_text")
    if state == "log" and values.keys() & _ROOT:
        raise exception.Invalid("A log has no root: leave root_alarm_id and root_entity_instance_id out.")
    make = client.set_alarm if state == "set" else client.log
    return make(values.pop("alarm_id"), values.pop("entity_instance_id"), values.pop("reason_text"), **values)
