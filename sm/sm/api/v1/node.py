# SPDX-License-Identifier: Apache-2.0
"""/v1/nodes: controllers, as Service Management sees them (spec mtce-sm.md B2.1, B2.2)."""

from wsme import types as wtypes

from sm import policies
from sm.api.v1 import collection
from stx.rest import types, wire


class Node(types.Resource):
    id = types.integer
    name = wtypes.text
    administrative_state = wtypes.text
    operational_state = wtypes.text
    availability_status = wtypes.text
    ready_state = types.choice("unknown", "enabled", "disabled")


view = wire.View(Node, "nodes")


def controller() -> collection.CollectionController:
    return collection.CollectionController("NODES", view, policies.NODE_GET, "controller")
