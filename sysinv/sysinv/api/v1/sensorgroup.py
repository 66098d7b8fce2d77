# SPDX-License-Identifier: Apache-2.0
"""/v1/isensorgroups: sensors that measure the same, and what is done about them (spec sysinv.md 1.7.6)."""

from typing import Any

from wsme import types as wtypes

from stx import exception
from stx.rest import app, query, types, wire
from sysinv import client, policies, sensor_rules
from sysinv.api.v1 import inventory, sensor
from sysinv.db import api as db_api


class SensorGroup(types.Resource):
    sensorgroupname = wtypes.text
    path = wtypes.text
    sensortype = wtypes.text
    datatype = wtypes.text
    state = wtypes.text
    possible_states = wtypes.text
    algorithm = wtypes.text
    audit_interval_group = types.integer
    actions_critical_choices = wtypes.text
    actions_major_choices = wtypes.text
    actions_minor_choices = wtypes.text
    actions_minor_group = types.text
    actions_major_group = types.text
    actions_critical_group = types.text
    suppress = types.boolean_text
    unit_base_group = wtypes.text
    unit_modifier_group = wtypes.text
    unit_rate_group = wtypes.text
    t_minor_lower_group = wtypes.text
    t_minor_upper_group = wtypes.text
    t_major_lower_group = wtypes.text
    t_major_upper_group = wtypes.text
    t_critical_lower_group = wtypes.text
    t_critical_upper_group = wtypes.text
    record_ttl = types.integer
    sensors = wtypes.text
    capabilities = types.json
    host_id = types.integer
    host_uuid = types.uuid
    created_at = types.datetime_utc
    updated_at = types.datetime_utc
    isensors = [types.Link]


class Relearning(wtypes.Base):
    """What is sent to have the sensors of a host learned anew."""

    host_uuid = types.uuid


def _extend(answer: dict[str, Any], record: wire.Record, base: str) -> None:
    answer["isensors"] = wire.links(base, "isensorgroups", record["uuid"], "isensors")


view = wire.View(SensorGroup, "isensorgroups", extend=_extend)


class SensorGroupController(inventory.InventoryController):
    """Groups of sensors at the top level, where each can be changed."""

    _custom_actions = {"detail": ["GET"], "relearn": ["POST"]}

    def __init__(self) -> None:
        super().__init__("sensorgroup", "isensorgroups", view, nested={"isensors": sensor.controller("sensorgroup")})
        self._conductor = client.Conductor()

    @app.expose
    def patch(self, group_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.SENSOR_MODIFY)
        changes = wire.from_patch(SensorGroup, sensor_rules.OF_GROUP)
        group = inventory.found("sensorgroup", group_uuid)
        self._conductor.update_sensorgroup(context, group["uuid"], changes)
        return view.render(inventory.found("sensorgroup", group["uuid"]), query.base_url())

    @app.expose
    def relearn(self) -> dict[str, Any]:
        context = self.authorize(policies.SENSOR_MODIFY)
        host_uuid = wire.from_body(Relearning, frozenset({"host_uuid"})).get("host_uuid")
        if host_uuid is None:
            raise exception.Invalid("Name the host whose sensors are meant: host_uuid.")
        self._conductor.relearn_sensors(context, db_api.get_host(host_uuid)["uuid"])
        return {"host_uuid": host_uuid}


def controller(parent: str | None = None) -> inventory.InventoryController:
    if parent is None:
        return SensorGroupController()
    return inventory.InventoryController("sensorgroup", "isensorgroups", view, parent)
