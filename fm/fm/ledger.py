# SPDX-License-Identifier: Apache-2.0
"""Decides what a sequence of reports changes in the list of active alarms, and which events it makes.

An alarm is one per (alarm_id, entity_instance_id). Setting it again changes nothing and makes no event unless what it says is
different; clearing what is not active makes no event (spec fm.md 13).
"""

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fm import faults

Key = tuple[str, str]
Alarm = dict[str, Any]

# The attributes whose change makes a new event.
TOLD = (
    "severity",
    "reason_text",
    "proposed_repair_action",
    "alarm_type",
    "probable_cause",
    "service_affecting",
    "suppression",
    "inhibit_alarms",
)
# What an alarm says of others; it changes without an event.
ROOT = ("root_alarm_id", "root_entity_instance_id")
_EVENT_NAMESPACE = uuid.UUID("6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11")


@dataclasses.dataclass
class Outcome:
    """What to write: alarms that are new or changed, keys of those that are gone, and events in their order."""

    stored: dict[Key, Alarm] = dataclasses.field(default_factory=dict)
    removed: dict[Key, Alarm] = dataclasses.field(default_factory=dict)
    events: list[dict[str, Any]] = dataclasses.field(default_factory=list)


def decide(active: Mapping[Key, Alarm], reports: Iterable[faults.Report], complete: Callable[[faults.Report], Alarm]) -> Outcome:
    """Carry out reports in their order.

    :param active: the active alarms that the reports could touch, with their `id` and `uuid`
    :param complete: gives a report's attributes with the catalogue's in the gaps
    """
    now = dict(active)
    events: list[dict[str, Any]] = []
    for report in reports:
        _STEPS[report.operation](now, report, complete, events)
    return Outcome(
        stored={key: alarm for key, alarm in now.items() if active.get(key) is not alarm},
        # One that was cleared and set again is another alarm: its old row goes before the new one comes.
        removed={key: alarm for key, alarm in active.items() if key not in now or now[key]["uuid"] != alarm["uuid"]},
        events=events,
    )


def _set(now: dict[Key, Alarm], report: faults.Report, complete: Any, events: list[dict[str, Any]]) -> None:
    key = (report.alarm_id, report.entity_instance_id)
    before = now.get(key)
    if before is not None and report.keep_existing:
        return
    alarm = complete(report)
    if before is not None and all(before[name] == alarm[name] for name in TOLD):
        if any(before[name] != alarm[name] for name in ROOT):
            now[key] = before | {name: alarm[name] for name in ROOT}
        return
    alarm["uuid"] = before["uuid"] if before else report.uuid
    alarm["created_at"] = before["created_at"] if before else alarm["timestamp"]
    if before and "id" in before:
        alarm["id"] = before["id"]
    now[key] = alarm
    events.append(_event(alarm, "set", report, report.uuid))


def _clear(now: dict[Key, Alarm], report: faults.Report, complete: Any, events: list[dict[str, Any]]) -> None:
    alarm = now.pop((report.alarm_id, report.entity_instance_id), None)
    if alarm is not None:
        events.append(_event(alarm, "clear", report, report.uuid))


def _clear_all(now: dict[Key, Alarm], report: faults.Report, complete: Any, events: list[dict[str, Any]]) -> None:
    for key in [key for key in now if faults.is_within(key[1], report.entity_instance_id)]:
        events.append(_event(now.pop(key), "clear", report, f"{report.uuid} {key}"))


def _log(now: dict[Key, Alarm], report: faults.Report, complete: Any, events: list[dict[str, Any]]) -> None:
    events.append(_event(complete(report), "log", report, report.uuid))


_STEPS = {"set": _set, "clear": _clear, "clear-all": _clear_all, "log": _log}


def _event(alarm: Alarm, state: str, report: faults.Report, name: str) -> dict[str, Any]:
    return {
        # Made from the report, so that a repeated transaction makes the same event.
        "uuid": str(uuid.uuid5(_EVENT_NAMESPACE, name)),
        "event_log_id": alarm["alarm_id"],
        "state": state,
        "timestamp": report.timestamp,
        "entity_type_id": alarm["entity_type_id"],
        "entity_instance_id": alarm["entity_instance_id"],
        "severity": alarm["severity"],
        "reason_text": alarm["reason_text"],
        "event_log_type": alarm["alarm_type"],
        "probable_cause": alarm["probable_cause"],
        "proposed_repair_action": alarm["proposed_repair_action"],
        "service_affecting": alarm["service_affecting"],
        "suppression": alarm["suppression"],
    }
