# SPDX-License-Identifier: Apache-2.0
"""What a machine is made of, in the records that its agent reports.

The records have the keys of spec sysinv.md 3.4 under their names on the wire (1.7.3 to 1.7.5): a
port's `name` (there pname), the `port_name` of what LLDP says (there name_or_uuid), an agent's
`status`. A partition's `disk_node` is its disk's device node. An attribute that can't be read is
None.
"""

import hashlib
import json
import logging
import pathlib
from collections.abc import Callable, Iterable, Sequence

from sysinv.inventory.fields import Record
from sysinv.inventory.machine import Machine
from sysinv.inventory.source import Failed, Missing, Source

LOG = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Machine], list[Record]]] = {
    "numa": Machine.read_numa,
    "cpu": Machine.read_cpu,
    "memory": Machine.read_memory,
    "disk": Machine.read_disk,
    "partition": Machine.read_partition,
    "port": Machine.read_port,
    "pci": Machine.read_pci,
    "lldp_agent": Machine.read_lldp_agent,
    "lldp_neighbour": Machine.read_lldp_neighbour,
}
KINDS = tuple(_READERS)

# What was logged last of each kind that cannot be read.
_complaints: dict[str, str] = {}


def collect(kinds: Iterable[str] | None = None, root: pathlib.Path = pathlib.Path("/")) -> dict[str, list[Record]]:
    """The inventory of a machine by kind, in a fixed order; no privileges are needed.

    A kind for which the machine lacks a tool or an interface is empty. A kind whose tool is there
    but fails is left out: nothing is known of it this time. Of both the log says why.

    :param kinds: some of KINDS, all by default
    :param root: folder with the sys, proc and dev of the machine
    :raises ValueError: for a kind that isn't one
    """
    wanted = KINDS if kinds is None else tuple(kinds)
    if unknown := set(wanted) - set(KINDS):
        raise ValueError(f"No kinds of inventory: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}.")
    machine = Machine(Source(root))
    found = {kind: _read(kind, machine) for kind in KINDS if kind in wanted}
    return {kind: records for kind, records in found.items() if records is not None}


def digest(records: Sequence[Record]) -> str:
    """SHA-256 in hexadecimal of the records' canonical JSON: equal records have equal digests."""
    canonical = json.dumps(records, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _read(kind: str, machine: Machine) -> list[Record] | None:
    try:
        found = _READERS[kind](machine)
    except Missing as error:
        _complain(kind, logging.INFO, f"This machine has no inventory of the kind {kind}: {error}")
        return []
    except Failed as error:
        _complain(kind, logging.WARNING, f"The inventory of the kind {kind} is unknown: {error}")
        return None
    _complaints.pop(kind, None)
    return found


def _complain(kind: str, level: int, text: str) -> None:
    """Log once what stays as it is, not at each look."""
    if _complaints.get(kind) != text:
        _complaints[kind] = text
        LOG.log(level, "%s", text)
