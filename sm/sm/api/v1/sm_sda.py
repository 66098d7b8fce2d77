# SPDX-License-Identifier: Apache-2.0
"""/v1/sm_sda: what each group is on each controller: assignments (spec mtce-sm.md B2.1, B2.6)."""

from wsme import types as wtypes

from sm import policies
from sm.api.v1 import collection
from sm.group import GroupState
from sm.service import Condition, Status
from stx.rest import types, wire


class Assignment(types.Resource):
    name = wtypes.text
    service_group_name = wtypes.text
    node_name = wtypes.text
    desired_state = types.choice(*map(str, GroupState))
    state = types.choice(*map(str, GroupState))
    status = types.choice(*map(str, Status))
    condition = types.choice(*map(str, Condition))


view = wire.View(Assignment, "sm_sda")


def controller() -> collection.CollectionController:
    return collection.CollectionController("SERVICE_DOMAIN_ASSIGNMENTS", view, policies.ASSIGNMENT_GET, "assignment")
