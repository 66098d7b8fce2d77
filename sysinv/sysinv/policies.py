# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the system and its hosts (spec sysinv.md 1.2)."""

from stx.rest import policy

SYSTEM_GET = "sysinv:isystems:get"
SYSTEM_MODIFY = "sysinv:isystems:modify"
HOST_GET = "sysinv:ihosts:get"
HOST_CREATE = "sysinv:ihosts:create"
HOST_MODIFY = "sysinv:ihosts:modify"
HOST_DELETE = "sysinv:ihosts:delete"
INVENTORY_GET = "sysinv:inventory:get"

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
)
_SERVICES = ("servicenodes", "services", "servicegroup", "sm_servicegroup")


def list_rules() -> list[policy.policy.RuleDefault]:
    rule, read, configure = policy.rule, policy.READ, policy.CONFIGURE
    return [
        rule(SYSTEM_GET, read, "See the system.", ("GET", "/v1/isystems"), ("GET", "/v1/isystems/{uuid}")),
        rule(SYSTEM_MODIFY, configure, "Change the system's name, location and the like.", ("PATCH", "/v1/isystems/{uuid}")),
        rule(
            HOST_GET,
            read,
            "See hosts, and what Service Management says of controllers and their services.",
            ("GET", "/v1/ihosts"),
            ("GET", "/v1/ihosts/{host}"),
            *[("GET", path) for name in _SERVICES for path in (f"/v1/{name}", f"/v1/{name}/{{uuid}}")],
        ),
        rule(HOST_CREATE, configure, "Add a host.", ("POST", "/v1/ihosts")),
        rule(HOST_MODIFY, configure, "Change a host.", ("PATCH", "/v1/ihosts/{host}")),
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
    ]


policy.register(list_rules())
