# SPDX-License-Identifier: Apache-2.0
"""What the notifier asks of the fm database: events and alarms by number, and its own places in the event log."""

import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fm.db import masking, models
from fm.db.api import database
from fm.notify.course import Place
from stx import db

_alarm, _event, _type, _outlet = models.alarm, models.event_log, models.event_suppression, models.outlet
_IS_SUPPRESSED = sa.func.coalesce(_type.c.suppression_status, "unsuppressed") == "suppressed"


@database.reader
def newest_event(connection: Connection) -> int:
    """The number of the newest event; 0 where there is none."""
    return connection.execute(sa.select(sa.func.coalesce(sa.func.max(_event.c.id), 0))).scalar_one()


@database.reader
def events_after(connection: Connection, event_id: int, limit: int, visible: bool = False) -> list[dict[str, Any]]:
    """Events by ascending number, each with `is_suppressed`.

    :param visible: without those of suppressed kinds
    """
    select = sa.select(*_event.c, _IS_SUPPRESSED.label("is_suppressed")).join_from(
        _event, _type, _event.c.event_log_id == _type.c.alarm_id, isouter=True
    )
    if visible:
        select = select.where(sa.not_(_IS_SUPPRESSED))
    return db.records(connection.execute(select.where(_event.c.id > event_id).order_by(_event.c.id).limit(limit)))


@database.reader
def alarms_after(connection: Connection, row_id: int, limit: int) -> list[dict[str, Any]]:
    """Active alarms by ascending number, without those that are masked or of suppressed kinds: those of the list."""
    select = sa.select(*_alarm.c).join_from(_alarm, _type, _alarm.c.alarm_id == _type.c.alarm_id)
    select = select.where(sa.not_(_IS_SUPPRESSED), sa.not_(masking.is_masked(connection)), _alarm.c.id > row_id)
    return db.records(connection.execute(select.order_by(_alarm.c.id).limit(limit)))


@database.reader
def suppressed_types(connection: Connection) -> frozenset[str]:
    """The ids of the kinds of alarm that are suppressed."""
    return frozenset(connection.execute(sa.select(_type.c.alarm_id).where(_IS_SUPPRESSED)).scalars())


@database.reader
def places(connection: Connection) -> dict[str, Place]:
    """By outlet."""
    select = sa.select(_outlet.c.name, _outlet.c.event_id, _outlet.c.dropped)
    return {name: Place(event_id, dropped) for name, event_id, dropped in connection.execute(select)}


@database.writer
def move(connection: Connection, name: str, place: Place) -> None:
    """Note where an outlet stands."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    row = {"name": name, "event_id": place.event_id, "dropped": place.dropped, "updated_at": now}
    db.upsert(connection, _outlet, ["name"], [row])


@database.writer
def remove(connection: Connection, names: Collection[str]) -> None:
    """Forget outlets that are no more."""
    connection.execute(sa.delete(_outlet).where(_outlet.c.name.in_(names)))
