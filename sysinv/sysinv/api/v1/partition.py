# SPDX-License-Identifier: Apache-2.0
"""/v1/partitions: partitions of disks (spec sysinv.md 1.7.5)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory


class Partition(types.Resource):
    device_node = wtypes.text
    device_path = wtypes.text
    start_mib = types.integer
    end_mib = types.integer
    size_mib = types.integer
    type_guid = wtypes.text
    type_name = wtypes.text
    status = types.integer
    capabilities = types.json
    idisk_uuid = types.uuid
    idisk_id = types.integer
    ipv_uuid = types.uuid
    ihost_uuid = types.uuid
    forihostid = types.integer
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["ipv_uuid"] = None


view = wire.View(Partition, "partitions", extend=_extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("partition", "partitions", view, parent)
