# SPDX-License-Identifier: Apache-2.0
"""Writes files on the hosts of a lab."""

from stxlab import enter
from stxlab.machine import Machine

_WRITE = 'mkdir -p "${1%/*}"; cat > "$1"; chmod "$2" "$1"'


def write(machine: Machine, path: str, content: str, mode: str = "644") -> None:
    enter.run(machine.argv(["/bin/sh", "-euc", _WRITE, "write", path, mode]), content)
