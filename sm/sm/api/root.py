# SPDX-License-Identifier: Apache-2.0
"""The service's paths (spec mtce-sm.md B5.1)."""

from typing import Any

from sm import conf, policies
from sm.api import refusal
from sm.api.v1 import node, service, service_group, servicenode, sm_sda
from stx import service as stx_service
from stx.rest import app, policy, query

_RESOURCES = {
    "servicenode": servicenode.ServiceNodeController,
    "nodes": node.controller,
    "services": service.controller,
    "service_groups": service_group.controller,
    "sm_sda": sm_sda.controller,
}


class RootController(app.Controller):
    def __init__(self) -> None:
        self.v1 = app.VersionController("sm", _RESOURCES)

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.root_document(
            query.base_url(), "StarlingX Service Management API", "Controllers, their services, and which one is active"
        )


def make_application() -> app.Application:
    policy.register(policies.list_rules())
    return refusal.Refusals(app.make(RootController()))


def make_service() -> stx_service.Service:
    conf.register()
    return stx_service.Service("sm-api", [app.Server("sm_api", make_application)])
