# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the system and its hosts (spec sysinv.md 1.2)."""

from stx.rest import policy

SYSTEM_GET = "sysinv:isystems:get"
SYSTEM_MODIFY = "sysinv:isystems:modify"
HOST_GET = "sysinv:ihosts:get"
HOST_CREATE = "sysinv:ihosts:create"
HOST_MODIFY = "sysinv:ihosts:modify"
HOST_ACTION = "sysinv:ihosts:action"
HOST_DELETE = "sysinv:ihosts:delete"
INVENTORY_GET = "sysinv:inventory:get"
SENSOR_MODIFY = "sysinv:isensors:modify"
SERVICE_PARAMETER_GET = "sysinv:service_parameter:get"
SERVICE_PARAMETER_MODIFY = "sysinv:service_parameter:modify"
SNMP_GET = "sysinv:snmp:get"
SNMP_MODIFY = "sysinv:snmp:modify"

_INVENTORY = (
    "inodes",
    "icpus",
    "imemorys",
    "idisks",
    "partitions",
    "ports",
    "ethernet_ports",
    "pci_devices",
    "lldp_agents",
    "lldp_neighbours",
    "isensors",
    "isensorgroups",
)
_SNMP = ("icommunity", "itrapdest")
_SERVICES = ("servicenodes", "services", "servicegroup", "sm_servicegroup")


def list_rules() -> list[policy.policy.RuleDefault]:
    rule, read, configure = policy.rule, policy.READ, policy.CONFIGURE
    return [
        rule(SYSTEM_GET, read, "See the system.", ("GET", "/v1/isystems"), ("GET", "/v1/isystems/{uuid}")),
        rule(SYSTEM_MODIFY, configure, "Change the system's name, location and the like.", ("PATCH", "/v1/isystems/{uuid}")),
        rule(
            HOST_GET,
            read,
            "See hosts, what can be asked of them, and what Service Management says of controllers and their services.",
            ("GET", "/v1/ihosts"),
            ("GET", "/v1/ihosts/{host}"),
            ("GET", "/v1/ihosts/{host}/actions"),
            *[("GET", path) for name in _SERVICES for path in (f"/v1/{name}", f"/v1/{name}/{{uuid}}")],
        ),
        rule(HOST_CREATE, configure, "Add a host.", ("POST", "/v1/ihosts")),
        rule(HOST_MODIFY, configure, "Change a host.", ("PATCH", "/v1/ihosts/{host}")),
        rule(
            HOST_ACTION,
            policy.OPERATE,
            "Ask for an action on a host, such as a lock or a swact: change its attribute `action`.",
            ("PATCH", "/v1/ihosts/{host}"),
        ),
        rule(HOST_DELETE, configure, "Delete a host.", ("DELETE", "/v1/ihosts/{host}")),
        rule(
            INVENTORY_GET,
            read,
            "See what hosts are made of.",
            *[
                ("GET", path)
                for name in _INVENTORY
                for path in (f"/v1/{name}", f"/v1/{name}/{{uuid}}", f"/v1/ihosts/{{host}}/{name}")
            ],
        ),
        rule(
            SENSOR_MODIFY,
            configure,
            "Say what is done about sensors, and have them learned anew.",
            ("PATCH", "/v1/isensors/{uuid}"),
            ("PATCH", "/v1/isensorgroups/{uuid}"),
            ("POST", "/v1/isensorgroups/relearn"),
        ),
        rule(
            SERVICE_PARAMETER_GET,
            read,
            "See the parameters of services.",
            ("GET", "/v1/service_parameter"),
            ("GET", "/v1/service_parameter/{uuid}"),
        ),
        rule(
            SERVICE_PARAMETER_MODIFY,
            configure,
            "Set the parameters of services, and make them effective.",
            ("POST", "/v1/service_parameter"),
            ("PATCH", "/v1/service_parameter/{uuid}"),
            ("DELETE", "/v1/service_parameter/{uuid}"),
            ("POST", "/v1/service_parameter/apply"),
        ),
        rule(
            SNMP_GET,
            read,
            "See who may ask over SNMP and who gets traps.",
            *[("GET", path) for name in _SNMP for path in (f"/v1/{name}", f"/v1/{name}/{{uuid}}")],
        ),
        rule(
            SNMP_MODIFY,
            configure,
            "Say who may ask over SNMP and who gets traps.",
            *[("POST", f"/v1/{name}") for name in _SNMP],
            *[(method, f"/v1/{name}/{{uuid}}") for name in _SNMP for method in ("PATCH", "DELETE")],
        ),
    ]


policy.register(list_rules())
