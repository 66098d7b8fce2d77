# SPDX-License-Identifier: Apache-2.0
"""Who may do what with services and controllers."""

from oslo_policy import policy as oslo_policy

from stx.rest import policy

NODE_GET = "sm:nodes:get"
SERVICE_GET = "sm:services:get"
SERVICE_GROUP_GET = "sm:service_groups:get"
ASSIGNMENT_GET = "sm:sm_sda:get"
SERVICENODE_GET = "sm:servicenode:get"
SERVICENODE_MODIFY = "sm:servicenode:modify"


def list_rules() -> list[oslo_policy.RuleDefault]:
    rule, read, operate = policy.rule, policy.READ, policy.OPERATE
    return [
        rule(NODE_GET, read, "See controllers.", ("GET", "/v1/nodes"), ("GET", "/v1/nodes/{uuid}")),
        rule(SERVICE_GET, read, "See services of a controller.", ("GET", "/v1/services"), ("GET", "/v1/services/{uuid}")),
        rule(
            SERVICE_GROUP_GET,
            read,
            "See groups of services of a controller.",
            ("GET", "/v1/service_groups"),
            ("GET", "/v1/service_groups/{uuid}"),
        ),
        rule(
            ASSIGNMENT_GET,
            read,
            "See what each group of services is on each controller.",
            ("GET", "/v1/sm_sda"),
            ("GET", "/v1/sm_sda/{uuid}"),
        ),
        rule(SERVICENODE_GET, read, "See whether a controller is active.", ("GET", "/v1/servicenode/{host}")),
        rule(
            SERVICENODE_MODIFY,
            operate,
            "Have a controller hand over its activity, ask whether it could, and tell its states.",
            ("PATCH", "/v1/servicenode/{host}"),
        ),
    ]


policy.register(list_rules())
