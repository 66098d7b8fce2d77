# SPDX-License-Identifier: Apache-2.0
"""/v1/imemorys: memory and huge pages of each NUMA node (spec sysinv.md 1.7.3)."""

from stx.rest import types, wire
from sysinv import rules
from sysinv.api.v1 import inventory


class Memory(types.Resource):
    numa_node = types.integer
    memtotal_mib = types.integer
    memavail_mib = types.integer
    node_memtotal_mib = types.integer
    platform_reserved_mib = types.integer
    minimum_platform_reserved_mib = types.integer
    hugepages_configured = types.boolean_text
    vswitch_hugepages_size_mib = types.integer
    vswitch_hugepages_reqd = types.integer
    vswitch_hugepages_nr = types.integer
    vswitch_hugepages_avail = types.integer
    vm_hugepages_nr_4K = types.integer
    vm_hugepages_nr_2M = types.integer
    vm_hugepages_avail_2M = types.integer
    vm_hugepages_nr_2M_pending = types.integer
    vm_hugepages_possible_2M = types.integer
    vm_hugepages_nr_1G = types.integer
    vm_hugepages_avail_1G = types.integer
    vm_hugepages_nr_1G_pending = types.integer
    vm_hugepages_possible_1G = types.integer
    vm_hugepages_use_1G = types.boolean_text
    capabilities = types.json
    ihost_uuid = types.uuid
    inode_uuid = types.uuid
    forihostid = types.integer
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    answer["minimum_platform_reserved_mib"] = rules.minimum_platform_reserved_mib(record["host_subfunctions"])


view = wire.View(Memory, "imemorys", extend=_extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    return inventory.InventoryController("memory", "imemorys", view, parent)
