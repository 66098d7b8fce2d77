# SPDX-License-Identifier: Apache-2.0
"""`stx status`: the platform's processes."""

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import Any

from stxembedded import process
from stxembedded.config import Layout
from stxembedded.platform import Platform
from stxembedded.units import Unit, all_units

NOT_ALL_RUNNING = 3


def run(arguments: argparse.Namespace) -> int:
    layout = Layout.load(arguments.data_dir)
    units = all_units(layout)
    platform = Platform(layout, units, print)
    running, silent = platform.running(), platform.silent()
    if arguments.pids:
        print("".join(f"{known.pid}\n" for known in running.values()), end="")
    else:
        rows = [describe(layout, unit, running.get(unit.name), unit.name in silent) for unit in units]
        print(json.dumps(rows, indent=2) if arguments.format == "json" else table(rows))
    return 0 if len(running) == len(units) and not silent else NOT_ALL_RUNNING


def describe(layout: Layout, unit: Unit, known: process.Process | None, is_silent: bool) -> dict[str, Any]:
    """What is told of one process; the values of one that does not run are null."""
    return {
        "name": unit.name,
        "state": "stopped" if known is None else "does not answer" if is_silent else "running",
        "pid": known.pid if known else None,
        "uptime_s": round(known.uptime_s, 1) if known else None,
        "memory_mib": round(known.memory_mib, 1) if known else None,
        "endpoints": {service: layout.url(service) for service in unit.services},
    }


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    lines = [("process", "state", "pid", "uptime", "memory", "endpoints")]
    for row in rows:
        uptime, memory = row["uptime_s"], row["memory_mib"]
        lines.append(
            (
                row["name"],
                row["state"],
                str(row["pid"] or "-"),
                "-" if uptime is None else duration(uptime),
                "-" if memory is None else f"{memory:.0f} MiB",
                ", ".join(f"{service} {url}" for service, url in row["endpoints"].items()) or "-",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    )


def duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
