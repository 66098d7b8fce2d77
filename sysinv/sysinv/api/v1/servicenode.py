# SPDX-License-Identifier: Apache-2.0
"""/v1/servicenodes: controllers, as Service Management sees them (spec sysinv.md 1.7)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import sm_api


class ServiceNode(types.Resource):
    id = types.integer
    name = wtypes.text
    administrative_state = wtypes.text
    operational_state = wtypes.text
    availability_status = wtypes.text
    ready_state = wtypes.text


view = wire.View(ServiceNode, "servicenodes")


def controller() -> sm_api.ReexportController:
    return sm_api.ReexportController("nodes", "nodes", view)
