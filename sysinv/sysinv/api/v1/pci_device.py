# SPDX-License-Identifier: Apache-2.0
"""/v1/pci_devices: accelerators and other devices that VMs may be given (spec sysinv.md 1.7.4)."""

from wsme import types as wtypes

from stx.rest import types, wire
from sysinv.api.v1 import inventory


class PciDevice(types.Resource):
    type = wtypes.text
    name = wtypes.text
    pciaddr = wtypes.text
    pclass_id = wtypes.text
    pvendor_id = wtypes.text
    pdevice_id = wtypes.text
    pclass = wtypes.text
    pvendor = wtypes.text
    pdevice = wtypes.text
    psvendor = wtypes.text
    psdevice = wtypes.text
    numa_node = types.integer
    sriov_totalvfs = types.integer
    sriov_numvfs = types.integer
    sriov_vfs_pci_address = wtypes.text
    driver = wtypes.text
    enabled = types.Boolean()
    extra_info = wtypes.text
    host_id = types.integer
    host_uuid = types.uuid
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["type"] = "pci-passthrough" if not record["sriov_totalvfs"] else "pci-sriov"


view = wire.View(PciDevice, "pci_devices", extend=_extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("pci", "pci_devices", view, parent)
