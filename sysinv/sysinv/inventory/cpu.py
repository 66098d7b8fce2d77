# SPDX-License-Identifier: Apache-2.0
"""Processors: which logical CPU is which thread of which core (spec sysinv.md 1.7.3, 3.4)."""

import dataclasses

from sysinv.inventory import fields

_COLUMNS = 4


@dataclasses.dataclass(frozen=True, order=True)
class Processor:
    """A logical CPU. `core` is unique in the machine, as lscpu numbers them."""

    cpu: int
    core: int
    socket: int
    numa_node: int


def parse_table(output: str) -> list[Processor]:
    """The rows of `lscpu -p=CPU,CORE,SOCKET,NODE`, by CPU number.

    Where a column is empty because the platform doesn't tell, there is one socket, one node, or a
    core for each CPU.
    """
    found: dict[int, Processor] = {}
    for line in output.splitlines():
        columns = [fields.number(column) for column in line.split(",")]
        if len(columns) != _COLUMNS:
            continue
        cpu, core, socket, node = columns
        if cpu is not None:
            found[cpu] = Processor(cpu, cpu if core is None else core, socket or 0, node or 0)
    return sorted(found.values())


def parse_identity(output: str) -> tuple[str | None, str | None]:
    """CPU family and model name from `lscpu -J`."""
    told: dict[str, str | None] = {}
    rows = fields.objects(fields.mapping(fields.document(output)).get("lscpu"))
    while rows:
        row = rows.pop()
        name = row.get("field")
        if isinstance(name, str):
            told[name.rstrip(":")] = fields.text(row.get("data"))
        rows.extend(fields.objects(row.get("children")))
    return told.get("CPU family"), told.get("Model name")


def records(processors: list[Processor], family: str | None, model: str | None) -> list[fields.Record]:
    """The records of kind `cpu`.

    `core` counts from 0 within the socket without gaps, `thread` from 0 within the core.
    """
    cores: dict[int, list[int]] = {}
    threads: dict[tuple[int, int], list[int]] = {}
    for processor in processors:
        in_socket = cores.setdefault(processor.socket, [])
        if processor.core not in in_socket:
            in_socket.append(processor.core)
        threads.setdefault((processor.socket, processor.core), []).append(processor.cpu)
    order = {socket: {core: at for at, core in enumerate(sorted(had))} for socket, had in cores.items()}
    return [
        {
            "cpu": processor.cpu,
            "numa_node": processor.numa_node,
            "core": order[processor.socket][processor.core],
            "thread": threads[(processor.socket, processor.core)].index(processor.cpu),
            "cpu_family": family,
            "cpu_model": model,
            "capabilities": {},
        }
        for processor in processors
    ]
