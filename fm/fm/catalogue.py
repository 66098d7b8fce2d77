# SPDX-License-Identifier: Apache-2.0
"""The catalogue of alarm and log ids: what a report leaves out is taken from it (spec fm.md 9)."""

import datetime
import functools
import importlib.resources
import logging
from typing import Any, Literal

import msgspec
import yaml

from fm import faults

LOG = logging.getLogger(__name__)

_UNKNOWN_TYPE = "other"
_UNKNOWN_CAUSE = "unknown"


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One id. Fields that only alarms have keep their defaults in logs."""

    type: Literal["alarm", "log"]
    description: str
    severity: str | list[str]
    alarm_type: str
    probable_cause: str
    service_affecting: bool | dict[str, bool]
    proposed_repair_action: str = ""
    suppression: bool = False
    mgmt_affecting: str = "none"
    degrade_affecting: str = "none"
    inhibit_alarms: bool = False


@functools.cache
def load() -> dict[str, Entry]:
    """All entries by id.

    :raises msgspec.ValidationError: when the shipped file is malformed; a test keeps that from happening
    """
    text = importlib.resources.files("fm").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Entry])


def complete(report: faults.Report) -> dict[str, Any]:
    """The full attributes of the alarm or log that a report makes."""
    entry = load().get(report.alarm_id)
    if entry is None:
        LOG.warning("%s is not in the catalogue: what its report leaves out stays unknown", report.alarm_id)
    severity = report.severity or _severity(entry)
    return {
        "alarm_id": report.alarm_id,
        "alarm_state": report.operation,
        "entity_type_id": faults.entity_type(report.entity_instance_id),
        "entity_instance_id": report.entity_instance_id,
        "timestamp": datetime.datetime.fromisoformat(report.timestamp),
        "severity": severity,
        "reason_text": report.reason_text or "",
        "alarm_type": report.alarm_type or (entry.alarm_type if entry else _UNKNOWN_TYPE),
        "probable_cause": report.probable_cause or (entry.probable_cause if entry else _UNKNOWN_CAUSE),
        "proposed_repair_action": _first(report.proposed_repair_action, entry and entry.proposed_repair_action, ""),
        "service_affecting": _first(report.service_affecting, _service_affecting(entry, severity), False),
        "suppression": _first(report.suppression, entry and entry.suppression, False),
        "inhibit_alarms": _first(report.inhibit_alarms, entry and entry.inhibit_alarms, False),
    }


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _severity(entry: Entry | None) -> str:
    if entry is None:
        return "major"
    return entry.severity if isinstance(entry.severity, str) else entry.severity[0]


def _service_affecting(entry: Entry | None, severity: str) -> bool | None:
    if entry is None or isinstance(entry.service_affecting, bool):
        return entry.service_affecting if entry else None
    return entry.service_affecting.get(severity, False)
