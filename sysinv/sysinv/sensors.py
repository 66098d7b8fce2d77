# SPDX-License-Identifier: Apache-2.0
"""The part of the conductor that keeps the sensors of hosts: what boards tell, and what an operator has set of it."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from stx import exception, rpc
from stx.context import RequestContext
from sysinv import board, client, rows, rules, sensor_rules
from sysinv.db import api as db_api
from sysinv.db import sensors as db_sensors

LOG = logging.getLogger(__name__)
EVENT = "sysinv.sensor.update"


class Sensors:
    """What the conductor does about sensors over RPC."""

    @rpc.exposed
    def get_sensor_model(self, context: RequestContext, host_uuid: str) -> client.SensorModel:
        groups, sensors, relearn = db_sensors.get_model(host_uuid)
        return client.SensorModel([_plain(group) for group in groups], [_plain(sensor) for sensor in sensors], relearn)

    @rpc.exposed
    def store_sensor_model(self, context: RequestContext, host_uuid: str, model: client.SensorModel) -> None:
        what = "Cannot store the sensors of a host"
        _check_records("sensorgroup", model.groups)
        _check_records("sensor", model.sensors)
        rows.refuse(what, sensor_rules.check_model(model.groups, model.sensors))
        groups = sensor_rules.members(model.groups, model.sensors)
        if not db_sensors.store_model(host_uuid, groups, model.sensors, model.relearn):
            raise exception.NotFound(f"There is no host {host_uuid}.")
        LOG.info("Stored the sensors of host %s: %s in %s groups", host_uuid, len(model.sensors), len(groups))

    @rpc.exposed
    def update_sensor_states(self, context: RequestContext, statuses: dict[str, dict[str, str]]) -> None:
        rows.refuse("Cannot store how sensors are", sensor_rules.check_statuses(statuses))
        db_sensors.update_statuses(statuses)

    @rpc.exposed
    def update_sensor(self, context: RequestContext, sensor_uuid: str, changes: dict[str, Any]) -> None:
        sensor = _found("sensor", sensor_uuid)
        _refuse_unknown(changes, sensor_rules.OF_SENSOR)
        rows.refuse(f"Cannot change the sensor {sensor['sensorname']}", sensor_rules.check_sensor(changes))
        if changes:
            db_sensors.update_sensor(sensor_uuid, changes)
            rpc.publish(context, EVENT, {"host_uuid": sensor["host_uuid"]})

    @rpc.exposed
    def update_sensorgroup(self, context: RequestContext, sensorgroup_uuid: str, changes: dict[str, Any]) -> None:
        group = _found("sensorgroup", sensorgroup_uuid)
        _refuse_unknown(changes, sensor_rules.OF_GROUP)
        rows.refuse(f"Cannot change the sensor group {group['sensorgroupname']}", sensor_rules.check_group(group, changes))
        if changes:
            db_sensors.update_group(group, changes)
            rpc.publish(context, EVENT, {"host_uuid": group["host_uuid"]})

    @rpc.exposed
    def relearn_sensors(self, context: RequestContext, host_uuid: str) -> None:
        """Whoever watches the host reads the wish, now or when it is back, and stores what its board tells then."""
        host = db_api.get_host(host_uuid)
        if not board.is_known(host):
            name = rules.called(host)
            raise exception.Invalid(f"Cannot learn the sensors of {name} anew: {board.UNKNOWN.format(host=name)}")
        if not db_sensors.wish_relearn(host_uuid, str(uuid.uuid4())):
            raise exception.NotFound(f"There is no host {host_uuid}.")
        rpc.publish(context, EVENT, {"host_uuid": host_uuid})


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("id", "host_id", "created_at", "updated_at")}


def _found(kind: str, item_uuid: str) -> dict[str, Any]:
    found = db_api.get_inventory(kind, item_uuid)
    if found is None:
        raise exception.NotFound(f"No {kind} has the uuid {item_uuid[:80]}.")
    return found


def _refuse_unknown(changes: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(changes.keys() - known):
        raise exception.Invalid(f"{', '.join(unknown)} cannot be set here. Allowed: {', '.join(sorted(known))}.")


def _check_records(kind: str, records: Sequence[Mapping[str, Any]]) -> None:
    table, (key,) = db_api.TABLES[kind]
    for record in records:
        for name, value in record.items():
            if value is not None and name in table.c and not isinstance(value, table.c[name].type.python_type):
                raise exception.Invalid(f"The {name} of a {kind} cannot be {str(value)[:60]!r}.")
        if not record.get(key) or len(str(record[key])) > 255:
            raise exception.Invalid(f"A {kind} has no {key}, or one that is too long.")
    if len({record[key] for record in records}) != len(records):
        raise exception.Invalid(f"Two records of a {kind} have the same {key}.")
