# SPDX-License-Identifier: Apache-2.0
"""What a fault report may say: the words and forms of alarms and logs.

Enumerations and identification rules: spec fm.md 4 and 4.1.
"""

import dataclasses
import datetime
import re
import uuid
from typing import Literal

SEVERITIES = ("critical", "major", "minor", "warning")
NOT_APPLICABLE = "not-applicable"

ALARM_TYPES = (
    "other",
    "communication",
    "qos",
    "processing-error",
    "equipment",
    "environmental",
    "integrity-violation",
    "operational-violation",
    "physical-violation",
    "security-service-or-mechanism-violation",
    "time-domain-violation",
)

ALARM_ID = re.compile(r"[0-9]{3}\.[0-9]{3}")
# Parts are separated by dots, by a few reporters with commas.
_ENTITY_PART = re.compile(r"([^.,=]+)=([^=]*?)(?=[.,][^.,=]+=|$)")
MAX_TEXT = 255

# What may be changed of an alarm that is active.
MODIFIABLE = frozenset(
    {
        "severity",
        "reason_text",
        "alarm_type",
        "probable_cause",
        "proposed_repair_action",
        "service_affecting",
        "suppression",
    }
)

Operation = Literal["set", "clear", "clear-all", "log"]


class MalformedError(ValueError):
    """A report that breaks the rules; its text says what to change."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """One thing that a component says about a fault. Attributes that are None come from the catalogue.

    :ivar uuid: made by the reporter; it names the alarm or event that the report makes
    :ivar timestamp: when it happened, ISO 8601 with microseconds, UTC without suffix
    :ivar keep_existing: leave an alarm that is active already as it is
    :ivar root_alarm_id: with root_entity_instance_id, the alarm that this one follows from; it need not be active
    """

    uuid: str
    timestamp: str
    operation: Operation
    entity_instance_id: str
    alarm_id: str = ""
    severity: str | None = None
    reason_text: str | None = None
    alarm_type: str | None = None
    probable_cause: str | None = None
    proposed_repair_action: str | None = None
    service_affecting: bool | None = None
    suppression: bool | None = None
    inhibit_alarms: bool | None = None
    keep_existing: bool = False
    root_alarm_id: str | None = None
    root_entity_instance_id: str | None = None


def check(report: Report) -> None:
    """Refuse a report that could not be stored or found again.

    :raises MalformedError: saying what is wrong
    """
    if not _is_uuid(report.uuid):
        raise MalformedError(f"uuid {report.uuid[:60]!r} is not a uuid")
    if not _is_naive_time(report.timestamp):
        raise MalformedError(f"timestamp {report.timestamp[:60]!r} is not a time such as 2026-11-23T10:00:00.000000, in UTC")
    if not report.entity_instance_id:
        raise MalformedError("entity_instance_id is empty: name the entity, such as host=controller-0")
    if report.operation != "clear-all" and not ALARM_ID.fullmatch(report.alarm_id):
        raise MalformedError(f"alarm_id {report.alarm_id!r} is not of the form 200.006")
    if report.operation in ("set", "log"):
        _check_said(report)
    if report.operation == "set":
        _check_root(report)
    _check_texts(report)


def _check_said(report: Report) -> None:
    if not report.reason_text:
        raise MalformedError("reason_text is empty: say what happened")
    severities = SEVERITIES if report.operation == "set" else (*SEVERITIES, NOT_APPLICABLE)
    if report.severity not in (None, *severities):
        raise MalformedError(f"severity {report.severity!r} is not one of {', '.join(severities)}")
    if report.alarm_type not in (None, *ALARM_TYPES):
        raise MalformedError(f"alarm_type {report.alarm_type!r} is not one of {', '.join(ALARM_TYPES)}")


def _check_root(report: Report) -> None:
    root = (report.root_alarm_id, report.root_entity_instance_id)
    if root == (None, None):
        return
    if not all(root):
        raise MalformedError("the root is named by both root_alarm_id and root_entity_instance_id: give both or neither")
    if not ALARM_ID.fullmatch(report.root_alarm_id or ""):
        raise MalformedError(f"root_alarm_id {report.root_alarm_id!r} is not of the form 200.006")
    if root == (report.alarm_id, report.entity_instance_id):
        raise MalformedError("root_alarm_id and root_entity_instance_id name the alarm itself: name another one or none")


def _check_texts(report: Report) -> None:
    for name in ("entity_instance_id", "reason_text", "probable_cause", "proposed_repair_action", "root_entity_instance_id"):
        text = getattr(report, name) or ""
        if len(text) > MAX_TEXT:
            raise MalformedError(f"{name} has {len(text)} characters; {MAX_TEXT} are allowed")
        if "\0" in text:
            raise MalformedError(f"{name} contains a NUL character")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_naive_time(text: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def entity_type(entity_instance_id: str) -> str:
    """`host.port` for `host=controller-0.port=eth0`; values may hold dots. Free words are their own type."""
    return ".".join(name for name, _ in _ENTITY_PART.findall(entity_instance_id)) or entity_instance_id


def is_within(entity_instance_id: str, parent: str) -> bool:
    """Whether an entity is `parent` or inside it: host=compute-10 is not inside host=compute-1."""
    return entity_instance_id == parent or entity_instance_id.startswith(parent + ".")


def affects(severity: str, threshold: str) -> bool:
    """Whether an alarm of this severity counts, where `threshold` is the lowest that does, or `none` (spec fm.md 4)."""
    if threshold not in SEVERITIES or severity not in SEVERITIES:
        return False
    return SEVERITIES.index(severity) <= SEVERITIES.index(threshold)


def status(critical: int, major: int, minor: int) -> str:
    """The system's status in one word, from its counts of active alarms (spec fm.md 6.2)."""
    if critical:
        return "critical"
    return "degraded" if major or minor else "OK"
