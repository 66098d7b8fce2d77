# SPDX-License-Identifier: Apache-2.0
"""/v1/servicegroup: what each group of services is on each controller; /v1/sm_servicegroup is the same (spec sysinv.md 1.7)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import sm_api


class ServiceGroup(types.Resource):
    name = wtypes.text
    service_group_name = wtypes.text
    node_name = wtypes.text
    desired_state = wtypes.text
    state = wtypes.text
    status = wtypes.text
    condition = wtypes.text


view = wire.View(ServiceGroup, "servicegroup")


def controller() -> sm_api.ReexportController:
    return sm_api.ReexportController("sm_sda", "sm_servicegroup", view)
