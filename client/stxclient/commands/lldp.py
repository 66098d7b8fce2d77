# SPDX-License-Identifier: Apache-2.0
"""LLDP: what the ports of a host tell their neighbours, and hear from them."""

from typing import Any

from stxclient import resources
from stxclient.columns import Column, named
from stxclient.commands import parts


def _local_port(agent: resources.Resource) -> Any:
    return agent.get("port_namedisplay") or agent.get("port_name")


_LOCAL_PORT = Column("local_port", source=_local_port)
_HEADER = named("uuid", "host_uuid", "created_at", "updated_at")


class AgentList(parts.PartList):
    """List the LLDP agents of a host."""

    part = "lldp_agents"
    columns = (
        Column("uuid"),
        _LOCAL_PORT,
        *named("status", "chassis_id"),
        Column("port_id", "port_identifier"),
        *named("system_name", "system_description"),
    )


class AgentShow(parts.UuidShow):
    """Show one LLDP agent."""

    part = "lldp_agents"
    columns = (
        *_HEADER,
        _LOCAL_PORT,
        *named("status", "chassis_id", "port_identifier", "ttl", "system_description", "system_name"),
        *named("system_capabilities", "management_address", "port_description", "dot1_lag", "dot1_vlan_names"),
        *named("dot3_mac_status", "dot3_max_frame"),
    )


class NeighborList(parts.PartList):
    """List the LLDP neighbours that a host hears."""

    part = "lldp_neighbours"
    columns = (
        Column("uuid"),
        _LOCAL_PORT,
        Column("remote_port", "port_identifier"),
        *named("chassis_id", "system_name", "system_description", "management_address"),
    )


class NeighborShow(parts.UuidShow):
    """Show one LLDP neighbour."""

    part = "lldp_neighbours"
    columns = (
        *_HEADER,
        _LOCAL_PORT,
        *named("chassis_id", "port_identifier", "ttl", "msap", "system_description", "system_name"),
        *named("system_capabilities", "management_address", "port_description", "dot1_lag", "dot1_port_vid"),
        *named("dot1_vlan_names", "dot1_proto_vids", "dot1_proto_ids", "dot3_mac_status", "dot3_max_frame"),
    )
