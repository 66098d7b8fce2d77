# SPDX-License-Identifier: Apache-2.0
"""How much memory a service's processes hold, from the kernel's own accounts (Linux)."""

import os
import pathlib
import typing


class Memory(typing.NamedTuple):
    """Memory of some processes in MiB: resident, and proportional (shared pages shared out)."""

    rss_mib: float
    pss_mib: float


def parse_rollup(text: str) -> Memory:
    """Read ``/proc/<pid>/smaps_rollup``."""
    kib = {}
    for line in text.splitlines()[1:]:
        name, value, *_unit = line.split()
        kib[name] = int(value)
    return Memory(kib["Rss:"] / 1024, kib["Pss:"] / 1024)


def of_process_group(group: int) -> Memory:
    """Sum over the processes of a group; zero where there are none."""
    rss, pss = 0.0, 0.0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) != group:
                continue
            memory = parse_rollup((process / "smaps_rollup").read_text())
        except (ProcessLookupError, FileNotFoundError):
            continue
        rss, pss = rss + memory.rss_mib, pss + memory.pss_mib
    return Memory(rss, pss)
