# SPDX-License-Identifier: Apache-2.0
"""What is written into the sysinv database about the sensors of hosts, and read for whoever watches them."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stx import db
from sysinv.db import api, models
from sysinv.db.api import Record, database

_host, _group, _sensor, _relearn = models.i_host, models.i_sensorgroups, models.i_sensors, models.sensor_relearn


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@database.reader
def get_model(connection: Connection, host_uuid: str) -> tuple[list[Record], list[Record], str]:
    """Groups and sensors of a host, and the token of the wish to learn them anew; empty when nobody wishes it."""
    of_host = [
        db.records(
            connection.execute(sa.select(table).join_from(table, _host).where(_host.c.uuid == host_uuid).order_by(table.c.id))
        )
        for table in (_group, _sensor)
    ]
    token = connection.execute(
        sa.select(_relearn.c.token).join_from(_relearn, _host).where(_host.c.uuid == host_uuid)
    ).scalar_one_or_none()
    return of_host[0], of_host[1], token or ""


@database.writer
def store_model(
    connection: Connection, host_uuid: str, groups: Sequence[Record], sensors: Sequence[Record], relearned: str
) -> bool:
    """Make the groups and sensors of a host those that its board tells. What an operator has set stays.

    :param relearned: the wish that this fulfils
    :returns: False when there is no such host
    """
    host_id = connection.execute(sa.select(_host.c.id).where(_host.c.uuid == host_uuid).with_for_update()).scalar_one_or_none()
    if host_id is None:
        return False
    api.store_kind(connection, host_id, "sensorgroup", list(groups))
    api.store_kind(connection, host_id, "sensor", list(sensors))
    connection.execute(sa.delete(_relearn).where(_relearn.c.host_id == host_id, _relearn.c.token == relearned))
    return True


@database.writer
def update_statuses(connection: Connection, statuses: Mapping[str, Mapping[str, str]]) -> None:
    """Store how sensors are, by the uuid of the host and the sensor's name. Those that there are not are passed over."""
    rows = connection.execute(sa.select(_host.c.uuid, _host.c.id).where(_host.c.uuid.in_(statuses))).all()
    for host_uuid, host_id in rows:
        names: dict[str, list[str]] = {}
        for name, status in statuses[host_uuid].items():
            names.setdefault(status, []).append(name)
        for status, changed in names.items():
            connection.execute(
                sa.update(_sensor)
                .where(_sensor.c.host_id == host_id, _sensor.c.sensorname.in_(changed))
                .values(status=status, updated_at=_now())
            )


@database.writer
def update_sensor(connection: Connection, sensor_uuid: str, changes: Mapping[str, Any]) -> None:
    connection.execute(sa.update(_sensor).where(_sensor.c.uuid == sensor_uuid).values(**changes, updated_at=_now()))


@database.writer
def update_group(connection: Connection, group: Record, changes: Mapping[str, Any]) -> None:
    """Change a group. It is suppressed with all of its sensors, and a host has one interval for all of its groups."""
    connection.execute(sa.update(_group).where(_group.c.uuid == group["uuid"]).values(**changes, updated_at=_now()))
    if "suppress" in changes:
        members = sa.and_(_sensor.c.host_id == group["host_id"], _sensor.c.sensorgroupname == group["sensorgroupname"])
        connection.execute(sa.update(_sensor).where(members).values(suppress=changes["suppress"], updated_at=_now()))
    if "audit_interval_group" in changes:
        interval = {"audit_interval_group": changes["audit_interval_group"]}
        connection.execute(sa.update(_group).where(_group.c.host_id == group["host_id"]).values(**interval))


@database.writer
def wish_relearn(connection: Connection, host_uuid: str, token: str) -> bool:
    """:returns: False when there is no such host"""
    host_id = connection.execute(sa.select(_host.c.id).where(_host.c.uuid == host_uuid)).scalar_one_or_none()
    if host_id is None:
        return False
    db.upsert(connection, _relearn, ["host_id"], [{"host_id": host_id, "token": token}])
    return True
