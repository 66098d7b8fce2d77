# SPDX-License-Identifier: Apache-2.0
"""/v1/services: services of the controller that is asked (spec mtce-sm.md B2.1, B2.8)."""

from wsme import types as wtypes

from sm import policies
from sm.api.v1 import collection
from sm.service import Condition, State, Status
from stx.rest import types, wire


class Service(types.Resource):
    id = types.integer
    name = wtypes.text
    node_name = wtypes.text
    desired_state = types.choice(*map(str, State))
    state = types.choice(*map(str, State))
    status = types.choice(*map(str, Status))
    condition = types.choice(*map(str, Condition))


view = wire.View(Service, "services")


def controller() -> collection.CollectionController:
    return collection.CollectionController("SERVICES", view, policies.SERVICE_GET, "service")
