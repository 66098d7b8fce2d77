# SPDX-License-Identifier: Apache-2.0
"""/v1/isensors: what the board of a host measures (spec sysinv.md 1.7.6)."""

from typing import Any

from wsme import types as wtypes

from stx.rest import app, query, types, wire
from sysinv import client, policies, sensor_rules
from sysinv.api.v1 import inventory


class Sensor(types.Resource):
    sensorname = wtypes.text
    path = wtypes.text
    sensortype = wtypes.text
    datatype = wtypes.text
    status = wtypes.text
    state = wtypes.text
    state_requested = wtypes.text
    sensor_action_requested = wtypes.text
    audit_interval = types.integer
    algorithm = wtypes.text
    actions_minor = wtypes.text
    actions_major = wtypes.text
    actions_critical = wtypes.text
    suppress = types.boolean_text
    unit_base = wtypes.text
    unit_modifier = wtypes.text
    unit_rate = wtypes.text
    t_minor_lower = wtypes.text
    t_minor_upper = wtypes.text
    t_major_lower = wtypes.text
    t_major_upper = wtypes.text
    t_critical_lower = wtypes.text
    t_critical_upper = wtypes.text
    capabilities = types.json
    host_id = types.integer
    host_uuid = types.uuid
    sensorgroup_uuid = types.uuid
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


view = wire.View(Sensor, "isensors")


class SensorController(inventory.InventoryController):
    """Sensors at the top level, where each can be changed."""

    def __init__(self) -> None:
        super().__init__("sensor", "isensors", view)
        self._conductor = client.Conductor()

    @app.expose
    def patch(self, sensor_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.SENSOR_MODIFY)
        changes = wire.from_patch(Sensor, sensor_rules.OF_SENSOR)
        sensor = inventory.found("sensor", sensor_uuid)
        self._conductor.update_sensor(context, sensor["uuid"], changes)
        return view.render(inventory.found("sensor", sensor["uuid"]), query.base_url())


def controller(parent: str | None = None) -> inventory.InventoryController:
    return SensorController() if parent is None else inventory.InventoryController("sensor", "isensors", view, parent)
