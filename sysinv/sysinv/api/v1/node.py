# SPDX-License-Identifier: Apache-2.0
"""/v1/inodes: NUMA nodes (spec sysinv.md 1.7.3)."""

from stx.rest import types, wire
from sysinv.api.v1 import cpu, inventory, memory, port


class Node(types.Resource):
    numa_node = types.integer
    capabilities = types.json
    ihost_uuid = types.uuid
    forihostid = types.integer
    created_at = types.datetime_utc
    updated_at = types.datetime_utc
    icpus = [types.Link]
    imemorys = [types.Link]
    ports = [types.Link]


def _extend(answer: dict, record: wire.Record, base: str) -> None:
    for name in ("icpus", "imemorys", "ports"):
        answer[name] = wire.links(base, "inodes", record["uuid"], name)


view = wire.View(Node, "inodes", extend=_extend)


def controller(parent: str | None = None) -> inventory.InventoryController:
    nested = {"icpus": cpu.controller("numa"), "imemorys": memory.controller("numa"), "ports": port.controller("numa")}
    return inventory.InventoryController("numa", "inodes", view, parent, nested if parent is None else None)
