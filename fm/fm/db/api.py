# SPDX-License-Identifier: Apache-2.0
"""What is asked of the fm database and written into it."""

import datetime
import functools
import operator
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fm import catalogue, faults, ledger
from fm.db import masking, models
from stx import db, exception, paging

database = db.Database("fm")

_alarm, _event, _type = models.alarm, models.event_log, models.event_suppression


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@database.writer
def synchronise_catalogue(connection: Connection) -> None:
    """Make a row of every alarm type in the catalogue, and refresh what the catalogue says of those that exist.

    A type that has left the catalogue goes when no alarm has it any more; until then it is unsuppressed, so that the alarm is seen.
    """
    rows = [
        {
            "uuid": str(uuid.uuid4()),
            "created_at": _now(),
            "updated_at": None,
            "alarm_id": alarm_id,
            "description": entry.description,
            "suppression_status": "unsuppressed",
            "mgmt_affecting": entry.mgmt_affecting,
            "degrade_affecting": entry.degrade_affecting,
        }
        for alarm_id, entry in catalogue.load().items()
        if entry.type == "alarm"
    ]
    db.upsert(connection, _type, ["alarm_id"], rows, keep=("uuid", "created_at", "suppression_status"))
    has_left = _type.c.alarm_id.not_in([row["alarm_id"] for row in rows])
    connection.execute(sa.delete(_type).where(has_left, _type.c.alarm_id.not_in(sa.select(_alarm.c.alarm_id))))
    connection.execute(sa.update(_type).where(has_left).values(suppression_status="unsuppressed"))


@database.writer
def deliver(connection: Connection, sender: str, reports: Sequence[tuple[int, faults.Report]]) -> ledger.Outcome:
    """Store a spool's reports, each once however often it is delivered.

    :param reports: (sequence number in the sender's spool, report), ascending
    """
    position = _take_position(connection, sender)
    fresh = [(sequence, report) for sequence, report in reports if sequence > position]
    if not fresh:
        return ledger.Outcome()
    outcome = _store(connection, [report for _, report in fresh])
    row = {"sender": sender, "sequence": fresh[-1][0], "updated_at": _now()}
    db.upsert(connection, models.spool_position, ["sender"], [row])
    return outcome


def _take_position(connection: Connection, sender: str) -> int:
    """How far a spool is stored. Until the transaction ends, nobody else stores of that spool.

    A delivery that waited in the broker for longer than its courier did may be worked on beside the one that was sent after it: by
    what it knew of the position, and by the alarms that the other one has left, it would set what is cleared.
    """
    select = sa.select(models.spool_position.c.sequence).where(models.spool_position.c.sender == sender).with_for_update()
    position = connection.execute(select).scalar_one_or_none()
    if position is None:
        # What is not there cannot be locked.
        row = {"sender": sender, "sequence": 0, "updated_at": _now()}
        db.upsert(connection, models.spool_position, ["sender"], [row], keep=("sequence",))
        position = connection.execute(select).scalar_one()
    return int(position)


@database.writer
def store(connection: Connection, reports: Sequence[faults.Report]) -> ledger.Outcome:
    """Store reports that came without a spool."""
    return _store(connection, reports)


@database.writer
def store_about(connection: Connection, alarm_uuid: str, make: Callable[[ledger.Alarm], faults.Report]) -> ledger.Outcome:
    """Store the report that `make` gives for an active alarm as it is now.

    :raises exception.NotFound: when no such alarm is active
    """
    return _store(connection, [make(_active(connection, alarm_uuid, is_locked=True))])


def _store(connection: Connection, reports: Sequence[faults.Report]) -> ledger.Outcome:
    outcome = ledger.decide(_touched(connection, reports), reports, catalogue.complete)
    if outcome.removed:
        ids = [alarm["id"] for alarm in outcome.removed.values()]
        connection.execute(sa.delete(_alarm).where(_alarm.c.id.in_(ids)))
    changed = [alarm for alarm in outcome.stored.values() if "id" in alarm]
    new = [alarm for alarm in outcome.stored.values() if "id" not in alarm]
    db.insert(connection, _alarm, [{**alarm, "updated_at": None} for alarm in new])
    db.upsert(connection, _alarm, ["id"], [{**alarm, "updated_at": _now()} for alarm in changed])
    if outcome.events:
        created = _now()
        rows = [
            {**event, "timestamp": datetime.datetime.fromisoformat(event["timestamp"]), "created_at": created}
            for event in outcome.events
        ]
        db.insert(connection, _event, rows)
    return outcome


def _touched(connection: Connection, reports: Iterable[faults.Report]) -> dict[ledger.Key, ledger.Alarm]:
    found = {}
    for select in touching(reports):
        for row in db.records(connection.execute(select.with_for_update())):
            found[(row["alarm_id"], row["entity_instance_id"])] = row
    return found


def touching(reports: Iterable[faults.Report]) -> list[sa.Select[Any]]:
    """Queries for the alarms that reports may change."""
    by_id: dict[str, set[str]] = {}
    parents = set()
    for report in reports:
        if report.operation == "clear-all":
            parents.add(report.entity_instance_id)
        elif report.operation != "log":
            by_id.setdefault(report.alarm_id, set()).add(report.entity_instance_id)
    # PostgreSQL looks at every alarm for a list of pairs, but not for a list of entities of one id.
    conditions = [
        *[sa.and_(_alarm.c.alarm_id == alarm_id, _alarm.c.entity_instance_id.in_(names)) for alarm_id, names in by_id.items()],
        *[_within(parent) for parent in parents],
    ]
    return [sa.select(_alarm).where(condition) for condition in conditions]


def _within(parent: str) -> Any:
    return sa.or_(_alarm.c.entity_instance_id == parent, masking.is_inside(_alarm.c.entity_instance_id, parent))


def _alarms_with_type() -> sa.Select[Any]:
    return sa.select(
        *_alarm.c,
        _type.c.suppression_status,
        _type.c.mgmt_affecting.label("mgmt_threshold"),
        _type.c.degrade_affecting.label("degrade_threshold"),
    ).join_from(_alarm, _type, _alarm.c.alarm_id == _type.c.alarm_id)


def _shown(connection: Connection, include_suppress: bool) -> list[Any]:
    """What hides no alarm from lists and counts."""
    shown = [sa.not_(masking.is_masked(connection))]
    return shown if include_suppress else [*shown, _type.c.suppression_status == "unsuppressed"]


def _alarm_record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["mgmt_affecting"] = faults.affects(record["severity"], record.pop("mgmt_threshold"))
    record["degrade_affecting"] = faults.affects(record["severity"], record.pop("degrade_threshold"))
    return record


@database.reader
def list_alarms(
    connection: Connection, page: paging.Page, filters: Sequence[paging.Filter] = (), include_suppress: bool = False
) -> list[dict[str, Any]]:
    """A page of active alarms that are not masked, without those of suppressed types unless asked for."""
    select = _alarms_with_type().where(*_shown(connection, include_suppress))
    for item in filters:
        select = select.where(_condition(_alarm.c[item.field], item))
    return [_alarm_record(row) for row in paging.fetch(connection, select, _alarm, page)]


def _condition(column: Any, item: paging.Filter, exact: bool = False) -> Any:
    """Equality on text means that the text occurs in it, as clients expect (spec fm.md 6.2)."""
    if item.op == "eq" and not exact:
        return column.contains(item.value, autoescape=True)
    if item.op == "ne" and not exact:
        return sa.not_(column.contains(item.value, autoescape=True))
    return {
        "eq": column == item.value,
        "ne": column != item.value,
        "lt": column < item.value,
        "le": column <= item.value,
        "gt": column > item.value,
        "ge": column >= item.value,
    }[item.op]


@database.reader
def get_alarm(connection: Connection, alarm_uuid: str, include_masked: bool = True) -> dict[str, Any]:
    """:raises exception.NotFound: when no such alarm is active"""
    return _active(connection, alarm_uuid, *([] if include_masked else [sa.not_(masking.is_masked(connection))]))


def _active(connection: Connection, alarm_uuid: str, *conditions: Any, is_locked: bool = False) -> dict[str, Any]:
    select = _alarms_with_type().where(_alarm.c.uuid == alarm_uuid, *conditions)
    # Locked, it cannot be cleared between this and what is decided by it.
    row = connection.execute(select.with_for_update(of=_alarm) if is_locked else select).mappings().one_or_none()
    if row is None:
        raise exception.NotFound(
            f"No active alarm has the uuid {alarm_uuid[:80]}. It may have been cleared, or be hidden while its host is locked: see the "
            "event list."
        )
    return _alarm_record(row)


@database.reader
def find_alarms(
    connection: Connection, alarm_id: str | None = None, entity: str | None = None, within: str | None = None
) -> list[dict[str, Any]]:
    """Active alarms by id, by exact entity, or by an entity that they are inside of."""
    select = _alarms_with_type().order_by(_alarm.c.id)
    if alarm_id is not None:
        select = select.where(_alarm.c.alarm_id == alarm_id)
    if entity is not None:
        select = select.where(_alarm.c.entity_instance_id == entity)
    if within is not None:
        select = select.where(_within(within))
    return [_alarm_record(row) for row in db.records(connection.execute(select))]


@database.reader
def count_alarms(connection: Connection, include_suppress: bool = False) -> dict[str, int]:
    """Active alarms by severity, of those that a list shows."""
    counted = dict(connection.execute(_counting(connection.dialect.name, include_suppress)).all())
    return {severity: int(counted.get(severity, 0)) for severity in faults.SEVERITIES}


# Making the query takes about as long as carrying it out where few alarms are active.
@functools.cache
def _counting(dialect: str, include_suppress: bool) -> sa.Select[Any]:
    hidden, number = masking.masked(dialect).subquery(), sa.func.count()
    kinds = sa.union_all(
        sa.select(_alarm.c.alarm_id, _alarm.c.severity, number.label("number")).group_by(_alarm.c.alarm_id, _alarm.c.severity),
        sa.select(hidden.c.alarm_id, hidden.c.severity, -number).group_by(hidden.c.alarm_id, hidden.c.severity),
    ).subquery()
    # In one statement, so that both are of one moment. The type is looked up for each kind and not for each alarm.
    select = sa.select(kinds.c.severity, sa.func.sum(kinds.c.number)).join_from(
        kinds, _type, kinds.c.alarm_id == _type.c.alarm_id
    )
    if not include_suppress:
        select = select.where(_type.c.suppression_status == "unsuppressed")
    return select.group_by(kinds.c.severity)


_STATUS = sa.func.coalesce(_type.c.suppression_status, "unsuppressed")
_BOUNDS = {
    "start": {"eq": operator.ge, "ge": operator.ge, "gt": operator.gt},
    "end": {"eq": operator.le, "le": operator.le, "lt": operator.lt},
}
_EXACT_EVENT_FIELDS = frozenset({"uuid", "event_log_type"})


def _events_with_type() -> sa.Select[Any]:
    # Logs have no row among the types, so an outer join.
    return sa.select(*_event.c, _STATUS.label("suppression_status")).join_from(
        _event, _type, _event.c.event_log_id == _type.c.alarm_id, isouter=True
    )


@database.reader
def list_events(
    connection: Connection,
    page: paging.Page,
    filters: Sequence[paging.Filter] = (),
    states: Sequence[str] | None = None,
    include_suppress: bool = True,
) -> list[dict[str, Any]]:
    """A page of the event log.

    :param filters: the fields start and end bound the timestamp; their values are ISO times
    :raises exception.Invalid: when a filter makes no sense
    """
    select = _events_with_type()
    if states is not None:
        select = select.where(_event.c.state.in_(states))
    if not include_suppress:
        select = select.where(_STATUS == "unsuppressed")
    for item in filters:
        if item.field in ("start", "end"):
            select = select.where(_bound(item))
        else:
            select = select.where(_condition(_event.c[item.field], item, item.field in _EXACT_EVENT_FIELDS))
    return paging.fetch(connection, select, _event, page)


def _bound(item: paging.Filter) -> Any:
    compare = _BOUNDS[item.field].get(item.op)
    if compare is None:
        raise exception.Invalid(
            f"The operator {item.op!r} makes no sense with {item.field}. Choose one of: {', '.join(_BOUNDS[item.field])}."
        )
    return compare(_event.c.timestamp, _moment(item.value))


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise exception.Invalid(f"{text[:40]!r} is not a time such as 2026-11-23T10:00:00.") from error


@database.reader
def get_event(connection: Connection, event_uuid: str) -> dict[str, Any]:
    """:raises exception.NotFound: when there is no such event (any more)"""
    row = connection.execute(_events_with_type().where(_event.c.uuid == event_uuid)).mappings().one_or_none()
    if row is None:
        raise exception.NotFound(f"No event has the uuid {event_uuid[:80]}.")
    return dict(row)


@database.reader
def event_bounds(connection: Connection) -> tuple[int, int]:
    """The ids of the oldest and the newest event; 0 where there is none."""
    oldest, newest = connection.execute(sa.select(sa.func.min(_event.c.id), sa.func.max(_event.c.id))).one()
    return oldest or 0, newest or 0


@database.reader
def events_after(connection: Connection, event_id: int, limit: int, up_to: int | None = None) -> list[dict[str, Any]]:
    """Events with higher ids, by their ids.

    :param up_to: the highest id that is wanted
    """
    select = _events_with_type().where(_event.c.id > event_id)
    if up_to is not None:
        select = select.where(_event.c.id <= up_to)
    return db.records(connection.execute(select.order_by(_event.c.id).limit(limit)))


@database.reader
def event_ids_after(connection: Connection, event_id: int, limit: int) -> list[dict[str, Any]]:
    """The ids of events with higher ones, in their order."""
    return db.records(connection.execute(sa.select(_event.c.id).where(_event.c.id > event_id).order_by(_event.c.id).limit(limit)))


@database.writer
def prune_events(connection: Connection, keep_rows: int, batch: int, keep_from: datetime.datetime | None = None) -> int:
    """Remove, of the oldest `batch` events, those beyond the newest `keep_rows` and those that were stored before `keep_from`.

    Gives how many went.
    """
    beyond = connection.execute(
        sa.select(_event.c.id).order_by(_event.c.id.desc()).offset(keep_rows).limit(1)
    ).scalar_one_or_none()
    if beyond is None and keep_from is None:
        return 0
    oldest = connection.execute(sa.select(_event.c.id, _event.c.created_at).order_by(_event.c.id).limit(batch))
    gone = [row.id for row in oldest if row.id <= (beyond or 0) or (keep_from is not None and row.created_at < keep_from)]
    return connection.execute(sa.delete(_event).where(_event.c.id.in_(gone))).rowcount if gone else 0


@database.reader
def list_types(connection: Connection, page: paging.Page, filters: Sequence[paging.Filter] = ()) -> list[dict[str, Any]]:
    """A page of alarm types with their suppression."""
    select = sa.select(_type)
    for item in filters:
        select = select.where(_condition(_type.c[item.field], item, exact=True))
    return paging.fetch(connection, select, _type, page)


@database.reader
def get_type(connection: Connection, type_uuid: str) -> dict[str, Any]:
    """:raises exception.NotFound: when there is no such alarm type"""
    row = connection.execute(sa.select(_type).where(_type.c.uuid == type_uuid)).mappings().one_or_none()
    if row is None:
        raise exception.NotFound(f"No alarm type has the uuid {type_uuid[:80]}. `fm event-suppress-list` shows them.")
    return dict(row)


@database.writer
def set_suppression(connection: Connection, type_uuid: str, status: str) -> int:
    """Gives the number of rows changed, 0 or 1."""
    change = sa.update(_type).where(_type.c.uuid == type_uuid).values(suppression_status=status, updated_at=_now())
    return connection.execute(change).rowcount
