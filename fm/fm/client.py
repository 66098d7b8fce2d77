# SPDX-License-Identifier: Apache-2.0
"""The face of Fault Management: how other components raise, clear and look up faults.

Reports go through this host's spool: they return as soon as they are safe on its disk, need neither manager nor broker, and arrive
once and in order even when the process that made them has ended.
"""

import dataclasses
import datetime
import functools
import pathlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from oslo_config import cfg

from fm import conf, faults
from fm.notify.settings import V2C_TRAP, V3_INFORM, Snmp, TrapDestination
from fm.spool import Spool
from stx import config, exception, rpc
from stx import context as stx_context

CONF = cfg.CONF
TOPIC = "fm.manager"
VERSION = "2.0"
# A host has failed.
HOST_FAILURE = "200.004"

Report = faults.Report

__all__ = [
    "V2C_TRAP",
    "V3_INFORM",
    "FaultReporter",
    "Manager",
    "Receipt",
    "Report",
    "Snmp",
    "TrapDestination",
    "clear",
    "clear_all",
    "log",
    "open_spool",
    "root_host",
    "set_alarm",
]


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What became of a spool's reports.

    :ivar up_to: number of the last one that need not be sent again
    :ivar refused: which of them are not stored and never will be: (number, why, as a sentence's end)
    """

    up_to: int
    refused: list[tuple[int, str]]


def _report(operation: faults.Operation, entity_instance_id: str, **attributes: Any) -> Report:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    report = Report(
        uuid=str(uuid.uuid4()), timestamp=now, operation=operation, entity_instance_id=entity_instance_id, **attributes
    )
    try:
        faults.check(report)
    except faults.MalformedError as error:
        raise exception.Invalid(f"The fault report is malformed: {error}.") from error
    return report


def set_alarm(alarm_id: str, entity_instance_id: str, reason_text: str, severity: str | None = None, **attributes: Any) -> Report:
    """A report that an alarm is active. What is left out comes from the catalogue.

    :param attributes: others of a Report; root_alarm_id and root_entity_instance_id name the alarm that this one follows from
    """
    return _report("set", entity_instance_id, alarm_id=alarm_id, reason_text=reason_text, severity=severity, **attributes)


def root_host(name: str) -> dict[str, str]:
    """The attributes of a report of an alarm that follows from the failure of a host, where it has failed."""
    return {"root_alarm_id": HOST_FAILURE, "root_entity_instance_id": f"host={name}"}


def clear(alarm_id: str, entity_instance_id: str) -> Report:
    return _report("clear", entity_instance_id, alarm_id=alarm_id)


def clear_all(entity_instance_id: str) -> Report:
    """A report that nothing is wrong with an entity and all inside it."""
    return _report("clear-all", entity_instance_id)


def log(log_id: str, entity_instance_id: str, reason_text: str, **attributes: Any) -> Report:
    """A report of something that happened and is over."""
    return _report("log", entity_instance_id, alarm_id=log_id, reason_text=reason_text, **attributes)


def open_spool(is_courier: bool = False) -> Spool:
    """This host's spool, by the options state_path and [fm] spool_limit."""
    config.register()
    conf.register()
    return Spool(pathlib.Path(CONF.state_path) / "spool", CONF.fm.spool_limit, is_courier)


class FaultReporter:
    """Appends reports to this host's spool. Threads may share it.

    :raises exception.Unavailable: from every call, when the spool is full or cannot be written
    """

    @functools.cached_property
    def _spool(self) -> Spool:
        return open_spool()

    def report(self, reports: Sequence[Report]) -> None:
        """Keep reports in this order, all or none."""
        self._spool.append([msgspec.json.encode(report) for report in reports])

    def set_fault(
        self, alarm_id: str, entity_instance_id: str, reason_text: str, severity: str | None = None, **attributes: Any
    ) -> None:
        self.report([set_alarm(alarm_id, entity_instance_id, reason_text, severity, **attributes)])

    def clear_fault(self, alarm_id: str, entity_instance_id: str) -> None:
        self.report([clear(alarm_id, entity_instance_id)])

    def clear_all(self, entity_instance_id: str) -> None:
        self.report([clear_all(entity_instance_id)])

    def log(self, log_id: str, entity_instance_id: str, reason_text: str, **attributes: Any) -> None:
        self.report([log(log_id, entity_instance_id, reason_text, **attributes)])


class Manager:
    """fm-manager over RPC, for what must be known at once."""

    def __init__(self, timeout_s: float = rpc.DEADLINE_S) -> None:
        self._rpc = rpc.Client(TOPIC, VERSION, timeout_s)

    def deliver(self, context: stx_context.RequestContext, sender: str, reports: Sequence[tuple[int, Any]]) -> Receipt:
        """Hand over a spool's reports."""
        return self._rpc.call(context, "deliver", into=Receipt, sender=sender, reports=reports)

    def store(self, context: stx_context.RequestContext, report: Report) -> str | None:
        """Store a report now. Gives the uuid of the alarm that is active after it, if one is."""
        return self._rpc.call(context, "store", into=str | None, report=report)

    def modify_alarm(self, context: stx_context.RequestContext, alarm_uuid: str, changes: dict[str, Any]) -> None:
        self._rpc.call(context, "modify_alarm", alarm_uuid=alarm_uuid, changes=changes)

    def delete_alarm(self, context: stx_context.RequestContext, alarm_uuid: str) -> None:
        self._rpc.call(context, "delete_alarm", alarm_uuid=alarm_uuid)

    def set_suppression(self, context: stx_context.RequestContext, type_uuid: str, status: str) -> None:
        self._rpc.call(context, "set_suppression", type_uuid=type_uuid, status=status)

    def configure_snmp(self, context: stx_context.RequestContext, snmp: Snmp) -> None:
        """Say whom SNMP is spoken to. fm-manager keeps it only for as long as it runs: say it again from time to time."""
        self._rpc.call(context, "configure_snmp", snmp=snmp)

    def get_faults(
        self,
        context: stx_context.RequestContext,
        alarm_id: str | None = None,
        entity: str | None = None,
        within: str | None = None,
    ) -> list[dict[str, Any]]:
        """Active alarms by id, by exact entity, or by an entity that they are inside of."""
        return self._rpc.call(context, "get_faults", into=list[dict[str, Any]], alarm_id=alarm_id, entity=entity, within=within)
