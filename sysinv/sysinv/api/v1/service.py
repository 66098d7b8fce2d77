# SPDX-License-Identifier: Apache-2.0
"""/v1/services: services of the active controller (spec sysinv.md 1.7)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import sm_api


class Service(types.Resource):
    id = types.integer
    name = wtypes.text
    node_name = wtypes.text
    desired_state = wtypes.text
    state = wtypes.text
    status = wtypes.text
    condition = wtypes.text


view = wire.View(Service, "services")


def controller() -> sm_api.ReexportController:
    return sm_api.ReexportController("services", "services", view)
