# SPDX-License-Identifier: Apache-2.0
"""The service's paths: / and /v1 say what there is; paths without a version mean version 1 (spec fm.md 2, 6.1)."""

import functools
from typing import Any

from fm import conf, policies
from fm.api import follower
from fm.api.v1 import alarm, event_log, event_suppression
from stx import service
from stx.rest import app, query


class RootController(app.Controller):
    """:param events: who follows the event log"""

    def __init__(self, events: follower.Follower | None = None) -> None:
        resources = {
            "alarms": alarm.AlarmController,
            "event_log": functools.partial(event_log.EventLogController, events or event_log.make_follower()),
            "event_suppression": event_suppression.EventSuppressionController,
        }
        self.v1 = app.VersionController("fm", resources)
        # Clients that build paths from the catalogue's URL alone leave the version out.
        for name in resources:
            setattr(self, name, getattr(self.v1, name))

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.root_document(
            query.base_url(), "StarlingX Fault Management API", "Active alarms, events and their suppression"
        )


def make_application(events: follower.Follower | None = None) -> app.Application:
    policies.policy.register(policies.list_rules())
    return app.make(RootController(events))


def make_service() -> service.Service:
    conf.register()
    events = event_log.make_follower()
    server = app.Server("fm_api", functools.partial(make_application, events), streams="stream_listeners")
    # Streams end first: the server waits for those who are being answered.
    return service.Service("fm-api", [server, events])
