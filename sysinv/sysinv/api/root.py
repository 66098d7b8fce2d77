# SPDX-License-Identifier: Apache-2.0
"""The service's paths (spec sysinv.md 1.1, 1.6)."""

from typing import Any

from stx import service as stx_service
from stx.rest import app, query
from sysinv import conf, policies
from sysinv.api.v1 import (
    community,
    cpu,
    disk,
    host,
    install_progress,
    lldp_agent,
    lldp_neighbour,
    memory,
    node,
    partition,
    pci_device,
    port,
    sensor,
    sensorgroup,
    service,
    service_parameter,
    servicegroup,
    servicenode,
    system,
    trap_destination,
)

_RESOURCES = {
    "isystems": system.SystemController,
    "ihosts": host.HostController,
    "inodes": node.controller,
    "icpus": cpu.controller,
    "imemorys": memory.controller,
    "idisks": disk.controller,
    "partitions": partition.controller,
    "ports": port.controller,
    "ethernet_ports": port.ethernet_controller,
    "pci_devices": pci_device.controller,
    "lldp_agents": lldp_agent.controller,
    "lldp_neighbours": lldp_neighbour.controller,
    "isensors": sensor.controller,
    "isensorgroups": sensorgroup.controller,
    "service_parameter": service_parameter.ServiceParameterController,
    "icommunity": community.CommunityController,
    "itrapdest": trap_destination.TrapDestinationController,
    "servicenodes": servicenode.controller,
    "services": service.controller,
    "servicegroup": servicegroup.controller,
    "sm_servicegroup": servicegroup.controller,
}


class RootController(app.Controller):
    def __init__(self) -> None:
        self.v1 = app.VersionController("sysinv", _RESOURCES)

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.root_document(query.base_url(), "StarlingX System API", "The system, its hosts and their configuration")


def make_application() -> app.Application:
    policies.policy.register(policies.list_rules())
    return app.make(RootController(), (*app.PUBLIC, install_progress.PUBLIC))


def make_service() -> stx_service.Service:
    conf.register()
    return stx_service.Service("sysinv-api", [app.Server("sysinv_api", make_application)])
