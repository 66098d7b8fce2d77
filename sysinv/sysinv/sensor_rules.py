# SPDX-License-Identifier: Apache-2.0
"""What may be set of sensors and of groups of them (spec sysinv.md 1.7.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sysinv.rules import Refusal

STATUSES = ("ok", "minor", "major", "critical", "offline", "disabled")
SEVERITIES = ("minor", "major", "critical")
LEAST_AUDIT_S = 10
MOST_AUDIT_S = 3600
MOST_SENSORS = 512
MOST_GROUPS = 20
OF_GROUP = frozenset({"suppress", "audit_interval_group", *(f"actions_{severity}_group" for severity in SEVERITIES)})
# What belongs to the group, by what it is called of a sensor.
_AT_GROUP = {
    "audit_interval": "audit_interval_group",
    **{f"actions_{severity}": f"actions_{severity}_group" for severity in SEVERITIES},
}
OF_SENSOR = frozenset({"suppress", *_AT_GROUP})


def check_sensor(changes: Mapping[str, Any]) -> list[Refusal]:
    refusals = [
        Refusal(f"{name} is set of its group only: system host-sensorgroup-modify HOST GROUP {_AT_GROUP[name]}=...")
        for name in sorted(changes.keys() & _AT_GROUP.keys())
    ]
    return refusals + _check_suppress(changes)


def check_group(group: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Refusal]:
    refusals = _check_suppress(changes)
    for severity in SEVERITIES:
        name = f"actions_{severity}_group"
        choices = (group[f"actions_{severity}_choices"] or "").split(",")
        if name in changes and changes[name] not in choices:
            refusals.append(Refusal(f"{name} cannot be {str(changes[name])[:60]}: choose from {', '.join(choices)}."))
    interval = changes.get("audit_interval_group", LEAST_AUDIT_S)
    if interval is None or not LEAST_AUDIT_S <= interval <= MOST_AUDIT_S:
        refusals.append(Refusal(f"audit_interval_group is {LEAST_AUDIT_S} to {MOST_AUDIT_S} seconds."))
    return refusals


def _check_suppress(changes: Mapping[str, Any]) -> list[Refusal]:
    return [Refusal("suppress is True or False.")] if changes.get("suppress", False) is None else []


def check_model(groups: Sequence[Mapping[str, Any]], sensors: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    """What is wrong with a model that somebody wants stored."""
    refusals = []
    if len(sensors) > MOST_SENSORS or len(groups) > MOST_GROUPS:
        refusals.append(Refusal(f"A host has {MOST_SENSORS} sensors in {MOST_GROUPS} groups at most."))
    known = {group.get("sensorgroupname") for group in groups}
    if strays := sorted({str(sensor.get("sensorgroupname")) for sensor in sensors if sensor.get("sensorgroupname") not in known}):
        refusals.append(Refusal(f"There is no group {', '.join(strays)[:200]} in it."))
    return refusals


def check_statuses(statuses: Mapping[str, Mapping[str, str]]) -> list[Refusal]:
    unknown = sorted({str(status)[:60] for of_host in statuses.values() for status in of_host.values() if status not in STATUSES})
    return [Refusal(f"No sensor is {', '.join(unknown)}: it is one of {', '.join(STATUSES)}.")] if unknown else []


def members(groups: Sequence[Mapping[str, Any]], sensors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The groups, each with the names of its sensors."""
    names: dict[Any, list[str]] = {}
    for sensor in sensors:
        names.setdefault(sensor["sensorgroupname"], []).append(sensor["sensorname"])
    return [{**group, "sensors": ",".join(names.get(group["sensorgroupname"], []))} for group in groups]
