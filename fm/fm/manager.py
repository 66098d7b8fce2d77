# SPDX-License-Identifier: Apache-2.0
"""fm-manager: the only writer of alarms, events and their suppression."""

import datetime
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import prometheus_client
from oslo_config import cfg
from oslo_db import exception as db_exception

from fm import catalogue, client, conf, faults, ledger
from fm.db import api as db_api
from fm.notify import keeper, settings
from stx import exception, rpc, service
from stx.context import RequestContext

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

SUPPRESSION = ("suppressed", "unsuppressed")
# What a report itself is the cause of, such as a uuid that another one has.
_UNSTORABLE = (db_exception.DBDuplicateEntry, db_exception.DBDataError)
REFUSED = prometheus_client.Counter(
    "fm_reports_refused", "Fault reports of hosts that were refused; the log has each with the reason"
)
# What of a report that is refused is logged, at most, in characters.
_MOST_LOGGED = 2000
_PRUNE_PERIOD_S = 60.0
# About 10 ms of a writer's turn on SQLite, and as long again for the others.
_PRUNE_BATCH = 500
_PRUNE_PAUSE_S = 0.01


class Manager:
    """What fm-manager does over RPC.

    :param snmp_changed: called with whom SNMP is spoken to, whenever somebody says so
    """

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(self, snmp_changed: Callable[[settings.Snmp], None] = lambda snmp: None) -> None:
        self._snmp_changed = snmp_changed

    @rpc.exposed_to(rpc.Callers.HOSTS)
    def deliver(self, context: RequestContext, sender: str, reports: list[tuple[int, Any]]) -> client.Receipt:
        """Store a spool's reports once each.

        A host that is no controller reports of itself alone, and its spools are its own, whatever it calls them.
        One that is refused is logged, counted and answered with the reason: it must not hold up those behind it.
        """
        good, refused, host = [], [], rpc.caller()
        stored = sender if host is None else str(uuid.uuid5(uuid.NAMESPACE_OID, f"{host}/{sender}"))
        for sequence, body in reports:
            try:
                report = msgspec.convert(body, faults.Report)
                _check(report)
                if host is not None and not faults.is_within(report.entity_instance_id, f"host={host}"):
                    raise faults.MalformedError(f"{host} reports of itself alone")
                good.append((sequence, report))
            except (msgspec.ValidationError, faults.MalformedError) as error:
                refused.append((sequence, str(error)))
        try:
            _tell(context, db_api.deliver(stored, good))
        except _UNSTORABLE:
            refused += _deliver_singly(context, stored, good)
        bodies = dict(reports)
        for sequence, reason in refused:
            said, why = repr(bodies[sequence])[:_MOST_LOGGED], reason[:_MOST_LOGGED]
            LOG.error("Report %d of spool %r is refused: %s. It was: %s", sequence, sender[:_MOST_LOGGED], why, said)
        REFUSED.inc(len(refused))
        return client.Receipt(reports[-1][0] if reports else 0, sorted(refused))

    @rpc.exposed
    def store(self, context: RequestContext, report: faults.Report) -> str | None:
        """Store one report. Gives the uuid of the alarm that is active after it, if one is.

        :raises exception.Invalid: when the report is malformed, or the catalogue does not have it
        """
        _admit(report)
        _tell(context, db_api.store([report]))
        found = db_api.find_alarms(alarm_id=report.alarm_id, entity=report.entity_instance_id)
        return found[0]["uuid"] if found else None

    @rpc.exposed
    def modify_alarm(self, context: RequestContext, alarm_uuid: str, changes: dict[str, Any]) -> None:
        """Change what an active alarm says; a value of None takes the catalogue's.

        :raises exception.NotFound: when it is not active
        :raises exception.Invalid: when it would be malformed then, or has left the catalogue
        """
        if unknown := changes.keys() - faults.MODIFIABLE:
            raise exception.Invalid(f"An alarm's {', '.join(sorted(unknown))} cannot be changed.")

        def changed(alarm: ledger.Alarm) -> faults.Report:
            kept = {name: alarm[name] for name in (*faults.MODIFIABLE, "inhibit_alarms", *ledger.ROOT)}
            return _admit(client.set_alarm(alarm["alarm_id"], alarm["entity_instance_id"], **{**kept, **changes}))

        _tell(context, db_api.store_about(alarm_uuid, changed))

    @rpc.exposed
    def delete_alarm(self, context: RequestContext, alarm_uuid: str) -> None:
        """Clear an alarm for an operator.

        :raises exception.NotFound: when it is not active
        """

        def cleared(alarm: ledger.Alarm) -> faults.Report:
            return client.clear(alarm["alarm_id"], alarm["entity_instance_id"])

        _tell(context, db_api.store_about(alarm_uuid, cleared))

    @rpc.exposed
    def get_faults(
        self, context: RequestContext, alarm_id: str | None = None, entity: str | None = None, within: str | None = None
    ) -> list[dict[str, Any]]:
        """Active alarms by id, by exact entity, or by an entity that they are inside of."""
        return db_api.find_alarms(alarm_id, entity, within)

    @rpc.exposed
    def set_suppression(self, context: RequestContext, type_uuid: str, status: str) -> None:
        """Suppress or unsuppress an alarm type, for the whole system.

        :raises exception.NotFound: when there is no such type
        """
        if status not in SUPPRESSION:
            raise exception.Invalid(f"suppression_status cannot be {status!r}: use suppressed or unsuppressed.")
        if not db_api.set_suppression(type_uuid, status):
            raise exception.NotFound(f"No alarm type has the uuid {type_uuid}. `fm event-suppress-list` shows them.")

    @rpc.exposed
    def configure_snmp(self, context: RequestContext, snmp: settings.Snmp) -> None:
        """Take over whom SNMP is spoken to. It is kept for as long as this process runs: the owner says it again and again."""
        self._snmp_changed(snmp)


def _check(report: faults.Report) -> None:
    """:raises faults.MalformedError: when it is not to be stored"""
    faults.check(report)
    catalogue.check(report)


def _admit(report: faults.Report) -> faults.Report:
    """:raises exception.Invalid: when it is not to be stored"""
    try:
        _check(report)
    except faults.MalformedError as error:
        raise exception.Invalid(f"The fault report is malformed: {error}.") from error
    return report


def _deliver_singly(context: RequestContext, sender: str, reports: list[tuple[int, faults.Report]]) -> list[tuple[int, str]]:
    """Give those that cannot be stored, with the reason."""
    refused = []
    for sequence, report in reports:
        try:
            _tell(context, db_api.deliver(sender, [(sequence, report)]))
        except _UNSTORABLE as error:
            # Further lines have the statement.
            what, *_ = str(error).splitlines()
            refused.append((sequence, f"the database does not take it, {what}"))
    return refused


def _tell(context: RequestContext, outcome: ledger.Outcome) -> None:
    if outcome.events:
        rpc.publish(context, "fm.events", {"events": outcome.events})


def prune(now: datetime.datetime | None = None, pause: Callable[[float], None] = time.sleep) -> None:
    """Keep the event log within its bounds, a small piece at a time so that nobody waits for it.

    :param now: UTC without suffix
    :param pause: called with seconds between pieces
    """
    days = CONF.fm.event_log_max_age
    moment = now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    keep_from = moment - datetime.timedelta(days=days) if days else None
    while db_api.prune_events(CONF.fm.event_log_max_size, _PRUNE_BATCH, keep_from) == _PRUNE_BATCH:
        pause(_PRUNE_PAUSE_S)


class Schema:
    """Brings the database up to date before anything uses it."""

    def start(self) -> None:
        db_api.database.migrate()
        db_api.synchronise_catalogue()

    def stop(self) -> None:
        db_api.database.reset()


def make_service() -> service.Service:
    conf.register()
    notifier = keeper.Keeper()
    pruner = service.Worker("fm-prune", prune, _PRUNE_PERIOD_S)
    # The notifier stops first: systemd ends its process together with this one, which is no failure to be told of.
    return service.Service("fm-manager", [Schema(), keeper.Figures(), pruner, _Server(notifier.configure), notifier])


class _Server:
    """The RPC server; made at start, when the options are known."""

    def __init__(self, snmp_changed: Callable[[settings.Snmp], None]) -> None:
        self._snmp_changed = snmp_changed

    def start(self) -> None:
        self._server = rpc.Server(Manager(self._snmp_changed))
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
