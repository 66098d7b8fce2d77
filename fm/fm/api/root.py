# SPDX-License-Identifier: Apache-2.0
"""The service's paths: / and /v1 say what there is; paths without a version mean version 1 (spec fm.md 2, 6.1)."""

from typing import Any

from fm import conf, policies
from fm.api.v1 import alarm, event_log, event_suppression
from stx import service
from stx.rest import app, query

_RESOURCES = {
    "alarms": alarm.AlarmController,
    "event_log": event_log.EventLogController,
    "event_suppression": event_suppression.EventSuppressionController,
}


class RootController(app.Controller):
    def __init__(self) -> None:
        self.v1 = app.VersionController("fm", _RESOURCES)
        # Clients that build paths from the catalogue's URL alone leave the version out.
        for name in _RESOURCES:
            setattr(self, name, getattr(self.v1, name))

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.root_document(
            query.base_url(), "StarlingX Fault Management API", "Active alarms, events and their suppression"
        )


def make_application() -> app.Application:
    policies.policy.register(policies.list_rules())
    return app.make(RootController())


def make_service() -> service.Service:
    conf.register()
    return service.Service("fm-api", [app.Server("fm_api", make_application)])
