# SPDX-License-Identifier: Apache-2.0
"""/v1/lldp_neighbours: what a host hears from the other end of its cables (spec sysinv.md 1.7.4)."""

from wsme import types as wtypes

from stx.rest import wire
from sysinv.api.v1 import inventory, lldp_agent


class LldpNeighbour(lldp_agent.LldpAgent):
    msap = wtypes.text
    dot1_port_vid = wtypes.text
    dot1_vid_digest = wtypes.text
    dot1_management_vid = wtypes.text
    dot1_proto_vids = wtypes.text
    dot1_proto_ids = wtypes.text
    dot3_power_mdi = wtypes.text


view = wire.View(LldpNeighbour, "lldp_neighbours", extend=lldp_agent.extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("lldp_neighbour", "lldp_neighbours", view, parent)
