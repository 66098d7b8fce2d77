# SPDX-License-Identifier: Apache-2.0
"""/v1/idisks: whole disks (spec sysinv.md 1.7.5)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory, partition


class Disk(types.Resource):
    device_node = wtypes.text
    device_num = types.integer
    device_type = types.choice("HDD", "SSD", "NVME", "Undetermined")
    device_path = wtypes.text
    device_id = wtypes.text
    device_wwn = wtypes.text
    size_mib = types.integer
    available_mib = types.integer
    rpm = wtypes.text
    serial_id = wtypes.text
    capabilities = types.json
    ihost_uuid = types.uuid
    forihostid = types.integer
    istor_uuid = types.uuid
    ipv_uuid = types.uuid
    created_at = types.datetime_utc
    updated_at = types.datetime_utc
    partitions = [types.Link]


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["partitions"] = wire.links(base, "idisks", record["uuid"], "partitions")
    # Nothing stores on disks yet that would have a record of its own.
    answer["istor_uuid"] = answer["ipv_uuid"] = None


view = wire.View(Disk, "idisks", extend=_extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    nested = {"partitions": partition.controller("disk")} if parent is None else None
    return inventory.InventoryController("disk", "idisks", view, parent, nested)
