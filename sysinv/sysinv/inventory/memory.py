# SPDX-License-Identifier: Apache-2.0
"""Memory and huge pages of a NUMA node (spec sysinv.md 1.7.3, 3.4).

What the platform keeps for itself is the conductor's to decide: `memtotal_mib`,
`vm_hugepages_nr_4K` and `vm_hugepages_possible_*` count the whole node.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping

from sysinv.inventory import fields

_LINE = re.compile(r"(?:Node [0-9]+ )?([A-Za-z0-9_()]+): +([0-9]{1,15}) kB", re.ASCII)
_PAGE_FOLDER = re.compile(r"hugepages-([0-9]{1,9})kB", re.ASCII)
_KIB = 1024
SIZE_2M_KIB = 2 * _KIB
SIZE_1G_KIB = _KIB * _KIB
_SIZE_4K_KIB = 4
# What the kernel can give back without swapping, beside free memory.
_RECLAIMABLE = ("Active(file)", "Inactive(file)", "SReclaimable")


@dataclasses.dataclass(frozen=True)
class Pages:
    """Huge pages of one size on one node; a count that can't be read is None."""

    total: int | None
    free: int | None


def parse_meminfo(output: str) -> dict[str, int]:
    """Amounts in KiB from /proc/meminfo or a node's meminfo."""
    lines = (_LINE.fullmatch(line.strip()) for line in output.splitlines())
    return {match[1]: int(match[2]) for match in lines if match}


def page_size_kib(folder: str) -> int | None:
    """The page size that a sysfs folder such as hugepages-2048kB is about."""
    match = _PAGE_FOLDER.fullmatch(folder)
    return int(match[1]) if match else None


def record(numa_node: int, meminfo: Mapping[str, int], pages: Mapping[int, Pages]) -> fields.Record:
    """The record of kind `memory` of one node.

    :param meminfo: amounts in KiB; a node's own lacks MemAvailable, which is then put together
    :param pages: by page size in KiB, of the sizes that the machine supports
    """
    none = Pages(0, 0)
    pages_2m, pages_1g = pages.get(SIZE_2M_KIB, none), pages.get(SIZE_1G_KIB, none)
    sizes = ((SIZE_2M_KIB, pages_2m), (SIZE_1G_KIB, pages_1g))
    total_kib = meminfo.get("MemTotal")
    huge_kib = _sum(_times(size, had.total) for size, had in sizes)
    free_huge_kib = _sum(_times(size, had.free) for size, had in sizes)
    return {
        "numa_node": numa_node,
        "node_memtotal_mib": _per(total_kib, _KIB),
        "memtotal_mib": _per(total_kib, _KIB),
        "memavail_mib": _per(_sum((_available_kib(meminfo), free_huge_kib)), _KIB),
        "hugepages_configured": None if huge_kib is None else huge_kib > 0,
        "vm_hugepages_nr_4K": _per(_minus(total_kib, huge_kib), _SIZE_4K_KIB),
        "vm_hugepages_nr_2M": pages_2m.total,
        "vm_hugepages_avail_2M": pages_2m.free,
        "vm_hugepages_possible_2M": _possible(total_kib, SIZE_2M_KIB, pages),
        "vm_hugepages_nr_1G": pages_1g.total,
        "vm_hugepages_avail_1G": pages_1g.free,
        "vm_hugepages_possible_1G": _possible(total_kib, SIZE_1G_KIB, pages),
        "vm_hugepages_use_1G": SIZE_1G_KIB in pages,
        # Which pages a vswitch took can't be seen from outside; how many it should have isn't a
        # fact of the machine.
        "vswitch_hugepages_size_mib": SIZE_2M_KIB // _KIB,
        "vswitch_hugepages_nr": 0,
        "vswitch_hugepages_avail": 0,
        "vswitch_hugepages_reqd": None,
        "capabilities": {},
    }


def _available_kib(meminfo: Mapping[str, int]) -> int | None:
    if "MemAvailable" in meminfo:
        return meminfo["MemAvailable"]
    if "MemFree" not in meminfo:
        return None
    return meminfo["MemFree"] + sum(meminfo.get(name, 0) for name in _RECLAIMABLE)


def _possible(total_kib: int | None, size_kib: int, pages: Mapping[int, Pages]) -> int | None:
    return _per(total_kib, size_kib) if size_kib in pages else 0


def _times(size: int, count: int | None) -> int | None:
    return None if count is None else size * count


def _per(amount: int | None, unit: int) -> int | None:
    return None if amount is None else amount // unit


def _minus(amount: int | None, less: int | None) -> int | None:
    return None if amount is None or less is None else max(amount - less, 0)


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = list(amounts)
    return None if None in known else sum(amount for amount in known if amount is not None)
