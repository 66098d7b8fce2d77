# SPDX-License-Identifier: Apache-2.0
"""/v1/ports and /v1/ethernet_ports: network ports, in general and with what only Ethernet has (spec sysinv.md 1.7.4)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory, lldp_agent, lldp_neighbour


class Port(types.Resource):
    type = wtypes.text
    name = wtypes.text
    namedisplay = wtypes.text
    pciaddr = wtypes.text
    dev_id = types.integer
    pclass = wtypes.text
    pvendor = wtypes.text
    pdevice = wtypes.text
    psvendor = wtypes.text
    psdevice = wtypes.text
    numa_node = types.integer
    sriov_totalvfs = types.integer
    sriov_numvfs = types.integer
    sriov_vfs_pci_address = wtypes.text
    driver = wtypes.text
    dpdksupport = types.Boolean()
    capabilities = types.json
    host_id = types.integer
    host_uuid = types.uuid
    interface_id = types.integer
    interface_uuid = types.uuid
    node_uuid = types.uuid
    created_at = types.datetime_utc
    updated_at = types.datetime_utc
    lldp_agents = [types.Link]
    lldp_neighbours = [types.Link]


class EthernetPort(Port):
    mac = types.mac_address
    mtu = types.integer
    speed = types.integer
    link_mode = types.integer
    duplex = wtypes.text
    autoneg = wtypes.text
    bootp = wtypes.text
    bootif = wtypes.text


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["node_uuid"] = record["inode_uuid"]
    # Interfaces are configured over ports; a port that none uses has none.
    answer["interface_id"] = answer["interface_uuid"] = None
    for name in ("lldp_agents", "lldp_neighbours"):
        answer[name] = wire.links(base, "ports", record["uuid"], name)


def _extend_ethernet(answer: dict, record: wire.Record, base: str) -> None:
    _extend(answer, record, base)
    answer["bootif"] = None


view = wire.View(Port, "ports", extend=_extend)
ethernet_view = wire.View(EthernetPort, "ethernet_ports", extend=_extend_ethernet)


def controller(parent: str | None = None) -> inventory.InventoryController:
    nested = {"lldp_agents": lldp_agent.controller("port"), "lldp_neighbours": lldp_neighbour.controller("port")}
    return inventory.InventoryController("port", "ports", view, parent, nested if parent is None else None)


def ethernet_controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("port", "ethernet_ports", ethernet_view, parent)
