# SPDX-License-Identifier: Apache-2.0
"""/v1/icpus: logical processors (spec sysinv.md 1.7.3)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory


class Cpu(types.Resource):
    cpu = types.integer
    numa_node = types.integer
    core = types.integer
    thread = types.integer
    cpu_family = wtypes.text
    cpu_model = wtypes.text
    allocated_function = wtypes.text
    capabilities = types.json
    ihost_uuid = types.uuid
    inode_uuid = types.uuid
    forihostid = types.integer
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


view = wire.View(Cpu, "icpus")


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("cpu", "icpus", view, parent)
