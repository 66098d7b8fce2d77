# SPDX-License-Identifier: Apache-2.0
"""`stx down`: stops everything; data, configuration and logs stay."""

import argparse

from stxembedded import lock
from stxembedded.config import Layout
from stxembedded.platform import Platform
from stxembedded.units import all_units


def run(arguments: argparse.Namespace) -> int:
    layout = Layout.load(arguments.data_dir)
    platform = Platform(layout, all_units(layout), print)
    # Where somebody has removed the directory, its processes may still run.
    if not layout.run_dir.is_dir() and not platform.strays():
        print(f"nothing runs: there is no platform in {layout.data_dir}")
        return 0
    with lock.exclusive(layout.run_dir / "lock", "down"):
        if not platform.stop():
            print("nothing runs")
    return 0
