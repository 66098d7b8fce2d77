# SPDX-License-Identifier: Apache-2.0
"""What is sent where no SNMP is spoken: the customer log's line, the webhook's body, the alerts of Alertmanager."""

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

# An alert that is not told again has ended for Alertmanager after this time; it is told again four times as often.
ALERT_LASTS_S = 240.0
ALERT_PERIOD_S = ALERT_LASTS_S / 4

_LOGGED = (
    "event_log_id",
    "reason_text",
    "entity_instance_id",
    "severity",
    "state",
    "timestamp",
    "proposed_repair_action",
)
_TOLD = (
    "uuid",
    *_LOGGED,
    "entity_type_id",
    "event_log_type",
    "probable_cause",
    "service_affecting",
    "suppression",
)


def log_line(event: Record) -> str:
    """An event as one line of the customer log (spec fm.md 8.5)."""
    return json.dumps({name: _plain(event[name]) for name in _LOGGED}, ensure_ascii=True)


def webhook_body(system_name: str, events: Sequence[Record]) -> dict[str, Any]:
    return {"system_name": system_name, "events": [{name: _plain(event[name]) for name in _TOLD} for event in events]}


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime.datetime) else value


def alerts_of_events(system_name: str, events: Iterable[Record], now: datetime.datetime) -> list[dict[str, Any]]:
    """What Alertmanager is told of events: alerts that are on, or have ended. Logs are no alerts."""
    return [
        _alert(
            system_name,
            {**event, "alarm_id": event["event_log_id"]},
            now,
            event["timestamp"] if event["state"] == "clear" else None,
        )
        for event in events
        if event["state"] != "log"
    ]


def alerts_of_alarms(system_name: str, alarms: Iterable[Record], now: datetime.datetime) -> list[dict[str, Any]]:
    return [_alert(system_name, alarm, now) for alarm in alarms]


def _alert(system_name: str, alarm: Record, now: datetime.datetime, ended: datetime.datetime | None = None) -> dict[str, Any]:
    ends = ended or now + datetime.timedelta(seconds=ALERT_LASTS_S)
    alert = {
        # What makes alerts the same one.
        "labels": {
            "alertname": alarm["alarm_id"],
            "system": system_name,
            "entity_instance_id": alarm["entity_instance_id"],
            "severity": alarm["severity"],
        },
        "annotations": {
            "summary": alarm["reason_text"],
            "proposed_repair_action": alarm["proposed_repair_action"],
            "probable_cause": alarm["probable_cause"],
            "service_affecting": str(alarm["service_affecting"]).lower(),
        },
        "endsAt": _rfc3339(ends),
    }
    if ended is None:
        alert["startsAt"] = _rfc3339(alarm["timestamp"])
    return alert


def _rfc3339(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
