# SPDX-License-Identifier: Apache-2.0
"""/v1/lldp_agents: what a host says of itself on its ports (spec sysinv.md 1.7.4)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory


class LldpAgent(types.Resource):
    status = wtypes.text
    host_uuid = types.uuid
    port_uuid = types.uuid
    port_name = wtypes.text
    port_namedisplay = wtypes.text
    chassis_id = wtypes.text
    port_identifier = wtypes.text
    port_description = wtypes.text
    system_name = wtypes.text
    system_description = wtypes.text
    system_capabilities = wtypes.text
    management_address = wtypes.text
    ttl = wtypes.text
    dot1_lag = wtypes.text
    dot1_vlan_names = wtypes.text
    dot3_mac_status = wtypes.text
    dot3_max_frame = wtypes.text
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


def extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["port_namedisplay"] = None


view = wire.View(LldpAgent, "lldp_agents", extend=extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("lldp_agent", "lldp_agents", view, parent)
