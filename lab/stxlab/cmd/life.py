# SPDX-License-Identifier: Apache-2.0
"""A lab's life: build, up, status, down."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from stxembedded import packages
from stxlab import topology
from stxlab.cmd.main import Commands
from stxlab.lab import Lab
from stxlab.tables import table

NOT_ALL_ON = 3


def add(commands: Commands) -> None:
    commands.add("build", _build, "make the image that hosts start from; `up` does it too where it is missing", "")
    up = commands.add("up", _up, "power a lab on and wait until its hosts are there", "--shape standard --computes 3 --storage 1")
    up.add_argument("--shape", choices=topology.SHAPES, default="standard", help="kind of system (default: %(default)s)")
    up.add_argument("--computes", type=int, default=0, metavar="N", help="compute hosts (default: %(default)s)")
    up.add_argument("--storage", type=int, default=0, metavar="M", help="storage hosts (default: %(default)s)")
    up.add_argument("--no-wait", action="store_true", help="end as soon as the hosts are on; nobody names them")
    simulate = commands.add(
        "simulate",
        _simulate,
        "have simulated hosts beside the others, many in one process, and wait until they are online",
        "--hosts 100",
    )
    simulate.add_argument("--hosts", type=int, required=True, metavar="N", help="how many; 0 powers those that there are off")
    simulate.add_argument("--seed", type=int, default=1, help="what their hardware is made up from (default: %(default)s)")
    status = commands.add("status", _status, "show the hosts; exit code 3 unless all are on", "-f json")
    status.add_argument("-f", "--format", choices=("table", "json"), default="table", help="form of the output")
    commands.add("down", _down, "end and remove the lab, whatever state it is in; the image stays", "")


def _build(lab: Lab, arguments: argparse.Namespace) -> int:
    _install_packages(lab)
    for layer in lab.image.build(lab.layout.layers() if lab.layout.description.exists() else ()):
        print(layer)
    return 0


def _up(lab: Lab, arguments: argparse.Namespace) -> int:
    wanted = topology.make(arguments.shape, arguments.computes, arguments.storage)
    _install_packages(lab)
    with lab.turn("up"):
        lab.up(wanted, wait=not arguments.no_wait)
    return 0


def _install_packages(lab: Lab) -> None:
    """Install what a lab uses of this machine's system.

    :raises ConfigurationError: when that cannot be done
    """
    names = packages.missing(lab.image.root, "lab")
    if names:
        lab.say(f"installing packages: {', '.join(names)}")
        packages.install(names, Path(sys.prefix) / "packages.log")


def _simulate(lab: Lab, arguments: argparse.Namespace) -> int:
    with lab.turn("simulate"):
        lab.simulation().set(arguments.hosts, arguments.seed)
    return 0


def _status(lab: Lab, arguments: argparse.Namespace) -> int:
    rows = lab.status()
    if arguments.format == "json":
        print(json.dumps(rows, indent=2))
    else:
        print(table(rows))
    return 0 if all(_is_on(row) for row in rows) else NOT_ALL_ON


def _is_on(row: dict[str, Any]) -> bool:
    return row["state"] not in ("off", "frozen")


def _down(lab: Lab, arguments: argparse.Namespace) -> int:
    with lab.turn("down"):
        ended = lab.down()
    print(f"{ended} processes ended; nothing of the lab is left.")
    return 0
