# SPDX-License-Identifier: Apache-2.0
"""The catalogue of alarms and logs: what there is to be reported, and what a report leaves out (spec fm.md 9)."""

import datetime
import functools
import importlib.resources
import re
from typing import Any, Literal

import msgspec

from fm import faults

# What stands for any text; other names in a form stand for text without an equals sign, so that no further part is in it.
_FREE = frozenset({"<path>", "<sensor>", "<uri>"})


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One id. Fields that only alarms have keep their defaults in logs.

    :ivar entity: the form of the entities that it is about, such as host=<host>.process=<process>, or several
    :ivar severity: that it can have; of several, the first is that of a report that says none. So with alarm_type
    :ivar raised_by: components, or other programs where it is none of the platform's
    :ivar example: an entity, where it is raised
    :ivar planned: nobody raises it yet
    """

    type: Literal["alarm", "log"]
    description: str
    entity: str | list[str]
    severity: str | list[str]
    alarm_type: str | list[str]
    probable_cause: str
    service_affecting: bool | dict[str, bool]
    raised_by: list[str]
    proposed_repair_action: str = ""
    suppression: bool = False
    mgmt_affecting: str = "none"
    degrade_affecting: str = "none"
    inhibit_alarms: bool = False
    example: str = ""
    planned: bool = False


def all_of(value: str | list[str]) -> list[str]:
    """A field that has one value or several, as a list."""
    return [value] if isinstance(value, str) else value


@functools.cache
def load() -> dict[str, Entry]:
    """All entries by id.

    :raises msgspec.ValidationError: when the shipped file is malformed; a test keeps that from happening
    """
    return msgspec.yaml.decode(importlib.resources.files("fm").joinpath("catalogue.yaml").read_bytes(), type=dict[str, Entry])


def check(report: faults.Report) -> None:
    """Refuse to set or log what the catalogue does not have.

    What is cleared is not checked: an alarm of an earlier release must be able to go.

    :raises faults.MalformedError: saying what to change
    """
    if report.operation not in ("set", "log"):
        return
    alarm_id, entity = report.alarm_id, report.entity_instance_id
    entry = load().get(alarm_id)
    if entry is None:
        raise faults.MalformedError(
            f"alarm_id {alarm_id} is not in the catalogue: use an id that is, or add it to catalogue.yaml"
        )
    if report.operation == "set" and entry.type == "log":
        raise faults.MalformedError(f"alarm_id {alarm_id} is that of a log: write a log, or set an alarm's id")
    forms = all_of(entry.entity)
    if not any(_pattern(form).fullmatch(entity) for form in forms):
        raise faults.MalformedError(
            f"entity_instance_id {entity!r} is not what {alarm_id} is about: make it {' or '.join(forms)}"
        )


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split("(<[a-z-]+>)", form)
    fitting = [".+" if part in _FREE else "[^=]+" if part.startswith("<") else re.escape(part) for part in parts]
    return re.compile("".join(fitting), re.DOTALL)


def complete(report: faults.Report) -> dict[str, Any]:
    """The full attributes of the alarm or log that a report makes.

    :param report: its id is in the catalogue
    """
    entry = load()[report.alarm_id]
    severity = report.severity or all_of(entry.severity)[0]
    return {
        "alarm_id": report.alarm_id,
        "alarm_state": report.operation,
        "entity_type_id": faults.entity_type(report.entity_instance_id),
        "entity_instance_id": report.entity_instance_id,
        "timestamp": datetime.datetime.fromisoformat(report.timestamp),
        "severity": severity,
        "reason_text": report.reason_text or "",
        "alarm_type": report.alarm_type or all_of(entry.alarm_type)[0],
        "probable_cause": report.probable_cause or entry.probable_cause,
        "proposed_repair_action": _said(report.proposed_repair_action, entry.proposed_repair_action),
        "service_affecting": _said(report.service_affecting, _service_affecting(entry, severity)),
        "suppression": _said(report.suppression, entry.suppression),
        "inhibit_alarms": _said(report.inhibit_alarms, entry.inhibit_alarms),
        "root_alarm_id": report.root_alarm_id,
        "root_entity_instance_id": report.root_entity_instance_id,
    }


def _said(value: Any, default: Any) -> Any:
    return default if value is None else value


def _service_affecting(entry: Entry, severity: str) -> bool:
    if isinstance(entry.service_affecting, bool):
        return entry.service_affecting
    return entry.service_affecting.get(severity, False)
