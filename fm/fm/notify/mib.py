# SPDX-License-Identifier: Apache-2.0
"""Alarms and events as the MIB has them: object identifiers, numbers, traps, rows (spec fm.md 4, 8; WRS-ALARM-MIB.txt)."""

import datetime
from collections.abc import Mapping
from typing import Any, Literal

Oid = tuple[int, ...]
Kind = Literal["integer", "text", "oid"]
Variable = tuple[Oid, Kind, Any]
Record = Mapping[str, Any]

ENTERPRISE: Oid = (1, 3, 6, 1, 4, 1, 731)
SYSTEM: Oid = (*ENTERPRISE, 3)
_OBJECTS: Oid = (*ENTERPRISE, 1, 1, 1, 1)
_TRAPS: Oid = (*_OBJECTS, 0)
ALARMS: Oid = (*_OBJECTS, 1, 1)
EVENTS: Oid = (*_OBJECTS, 4, 1)

COLD_START: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 1)
WARM_START: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 2)

# By attribute of a row. In traps the columns themselves stand, without an index: that is what receivers know.
ALARM_COLUMNS = {
    "uuid": 2,
    "alarm_id": 3,
    "entity_instance_id": 4,
    "timestamp": 5,
    "severity": 6,
    "reason_text": 7,
    "alarm_type": 8,
    "probable_cause": 9,
    "proposed_repair_action": 10,
    "service_affecting": 11,
    "suppression": 12,
}
EVENT_COLUMNS = {
    "uuid": 2,
    "event_log_id": 3,
    "state": 4,
    "entity_instance_id": 5,
    "timestamp": 6,
    "severity": 7,
    "reason_text": 8,
    "event_log_type": 9,
    "probable_cause": 10,
    "proposed_repair_action": 11,
    "service_affecting": 12,
    "suppression": 13,
}
STATES = {"clear": 0, "set": 1, "log": 3}
SEVERITIES = {"not-applicable": 0, "warning": 1, "minor": 2, "major": 3, "critical": 4}
TYPES = (
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
# In the order of their numbers; younger ones have none in the MIB and are not-applicable there.
CAUSES = (
    "not-applicable",
    "adaptor-error",
    "application-subsystem-failure",
    "bandwidth-reduced",
    "call-establishment-error",
    "communication-protocol-error",
    "communication-subsystem-failure",
    "configuration-or-customization-error",
    "congestion",
    "corrupt-data",
    "cpu-cycles-limit-exceeded",
    "dataset-or-modem-error",
    "degraded-signal",
    "dte-dce-interface-error",
    "enclosure-door-open",
    "equipment-malfunction",
    "excessive-vibration",
    "file-error",
    "fire-detected",
    "flood-detected",
    "framing-error",
    "heating-ventilation-cooling-system-problem",
    "humidity-unacceptable",
    "io-device-error",
    "input-device-error",
    "lan-error",
    "leak-detected",
    "local-node-transmission-error",
    "loss-of-frame",
    "loss-of-signal",
    "material-supply-exhausted",
    "multiplexer-problem",
    "out-of-memory",
    "output-device-error",
    "performance-degraded",
    "power-problem",
    "processor-problem",
    "pump-failure",
    "queue-size-exceeded",
    "receive-failure",
    "receiver-failure",
    "remote-node-transmission-error",
    "resource-at-or-nearing-capacity",
    "response-time-excessive",
    "retransmission-rate-excessive",
    "software-error",
    "software-program-abnormally-terminated",
    "software-program-error",
    "storage-capacity-problem",
    "temperature-unacceptable",
    "threshold-crossed",
    "timing-problem",
    "toxic-leak-detected",
    "transmit-failure",
    "transmitter-failure",
    "underlying-resource-unavailable",
    "version-mismatch",
    "duplicate-information",
    "information-missing",
    "information-modification-detected",
    "information-out-of-sequence",
    "unexpected-information",
    "denial-of-service",
    "out-of-service",
    "procedural-error",
    "unspecified-reason",
    "cable-tamper",
    "intrusion-detection",
    "authentication-failure",
    "breach-of-confidentiality",
    "non-repudiation-failure",
    "unauthorized-access-attempt",
    "delayed-information",
    "key-expired",
    "out-of-hours-activity",
)
_CAUSE_NUMBERS = {cause: number for number, cause in enumerate(CAUSES)}

_SEVERITY_TRAPS = {"critical": 1, "major": 2, "minor": 3, "warning": 4}
_MESSAGE_TRAP, _CLEAR_TRAP = 5, 9
_SET_SAYS = tuple(name for name in ALARM_COLUMNS if name != "uuid")
_CLEAR_SAYS = ("alarm_id", "entity_instance_id", "timestamp", "reason_text")
# Of the event table: a message is in no list of alarms. All of them are events, so its state says nothing.
_MESSAGE_SAYS = tuple(name for name in EVENT_COLUMNS if name not in ("uuid", "state", "suppression"))
_OF_ALARM = {"alarm_id": "event_log_id", "alarm_type": "event_log_type"}


def trap(event: Record, system_name: str, region_name: str) -> tuple[Oid, list[Variable]]:
    """What a trap says of an event: its object identifier, and its variables.

    :param event: a row of the event log
    """
    entity = f"region={region_name}.system={system_name}.{event['entity_instance_id']}"
    told = {**event, "entity_instance_id": entity}
    if event["state"] == "log":
        return (*_TRAPS, _MESSAGE_TRAP), [variable(EVENTS, EVENT_COLUMNS, told, name) for name in _MESSAGE_SAYS]
    told |= {name: event[column] for name, column in _OF_ALARM.items()}
    is_set = event["state"] == "set"
    number = _SEVERITY_TRAPS[event["severity"]] if is_set else _CLEAR_TRAP
    names = _SET_SAYS if is_set else _CLEAR_SAYS
    return (*_TRAPS, number), [variable(ALARMS, ALARM_COLUMNS, told, name) for name in names]


def variable(table: Oid, columns: Mapping[str, int], row: Record, name: str) -> Variable:
    """One attribute of a row as a variable of the column, without the row's index."""
    kind, value = coded(name, row[name])
    return (*table, columns[name]), kind, value


def coded(name: str, value: Any) -> tuple[Kind, Any]:
    """The value of an attribute as the MIB has it."""
    match name:
        case "timestamp":
            return "text", time_text(value)
        case "state":
            return "integer", STATES[value]
        case "severity":
            return "integer", SEVERITIES.get(value, 0)
        case "alarm_type" | "event_log_type":
            return "integer", TYPES.index(value) if value in TYPES else 0
        case "probable_cause":
            return "integer", _CAUSE_NUMBERS.get(value, 0)
        case "service_affecting" | "suppression":
            # A TruthValue.
            return "integer", 1 if value else 2
    return "text", value


def time_text(moment: datetime.datetime) -> str:
    """A moment in UTC as the text `2026-11-23,10:00:00.0,+0:0`."""
    return f"{moment:%Y-%m-%d,%H:%M:%S}.0,+0:0"
