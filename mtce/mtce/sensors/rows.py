# SPDX-License-Identifier: Apache-2.0
"""Between the model of a host's sensors and its rows as the conductor stores them (spec sysinv.md 1.7.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtce.sensors.model import AUDIT_S, CHOICES, DEFAULTS, Action, Group, Model, Sensor, Severity

ALGORITHM = "debounce-1.v1"
_ANALOG, _ENABLED, _OFFLINE = "analog", "enabled", "offline"
_LIMITS = ("t_major_lower", "t_major_upper", "t_critical_lower", "t_critical_upper")


def model(groups: Sequence[Mapping[str, Any]], sensors: Sequence[Mapping[str, Any]]) -> Model:
    """The model that the rows tell of. A sensor without a group is none."""
    known = {row["sensorgroupname"]: _group(row) for row in groups}
    return Model({row["sensorname"]: _sensor(row) for row in sensors if row["sensorgroupname"] in known}, known)


def statuses(sensors: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {row["sensorname"]: row["status"] or _OFFLINE for row in sensors}


def _group(row: Mapping[str, Any]) -> Group:
    actions = {severity: _action(row.get(f"actions_{severity}_group"), severity) for severity in Severity}
    return Group(
        row["sensorgroupname"],
        row["sensortype"] or "",
        actions,
        bool(row["suppress"]),
        row["audit_interval_group"] or AUDIT_S,
    )


def _action(value: str | None, severity: Severity) -> Action:
    return Action(value) if value in CHOICES[severity] else DEFAULTS[severity]


def _sensor(row: Mapping[str, Any]) -> Sensor:
    first, second, third, fourth = (_number(row.get(name)) for name in _LIMITS)
    limits = (first, second, third, fourth)
    kind, group, unit = row["sensortype"] or "", row["sensorgroupname"], row["unit_base"] or ""
    return Sensor(row["sensorname"], kind, group, unit, limits, bool(row["suppress"]))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def of_groups(known: Model) -> list[dict[str, Any]]:
    return [
        {
            "sensorgroupname": group.name,
            "sensortype": group.kind,
            "datatype": _ANALOG,
            "state": _ENABLED,
            "algorithm": ALGORITHM,
            "audit_interval_group": group.audit_s,
            "suppress": group.is_suppressed,
            **{f"actions_{severity}_choices": ",".join(choices) for severity, choices in CHOICES.items()},
            **{f"actions_{severity}_group": str(group.actions[severity]) for severity in Severity},
        }
        for group in known.groups.values()
    ]


def of_sensors(known: Model) -> list[dict[str, Any]]:
    return [
        {
            "sensorname": sensor.name,
            "sensorgroupname": sensor.group,
            "sensortype": sensor.kind,
            "datatype": _ANALOG,
            "status": _OFFLINE,
            "state": _ENABLED,
            "algorithm": ALGORITHM,
            "suppress": sensor.is_suppressed,
            "unit_base": sensor.unit,
            **{name: None if limit is None else f"{limit:g}" for name, limit in zip(_LIMITS, sensor.limits, strict=True)},
        }
        for sensor in known.sensors.values()
    ]
