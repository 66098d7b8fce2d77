# SPDX-License-Identifier: Apache-2.0
"""/v1/service_groups: groups of services on the controller that is asked (spec mtce-sm.md B2.1, B2.7)."""

from wsme import types as wtypes

from sm import policies
from sm.api.v1 import collection
from sm.group import GroupState
from sm.service import Condition, Status
from stx.rest import types, wire


class ServiceGroup(types.Resource):
    id = types.integer
    name = wtypes.text
    node_name = wtypes.text
    desired_state = types.choice(*map(str, GroupState))
    state = types.choice(*map(str, GroupState))
    status = types.choice(*map(str, Status))
    condition = types.choice(*map(str, Condition))


view = wire.View(ServiceGroup, "service_groups")


def controller() -> collection.CollectionController:
    return collection.CollectionController("SERVICE_GROUPS", view, policies.SERVICE_GROUP_GET, "service group")
