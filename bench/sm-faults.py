# SPDX-License-Identifier: Apache-2.0
"""How long a cloud of two controllers and a host that votes is without its address and its database, fault by fault.

Each fault happens to whichever controller is active, and is over before the next one. It needs root, and half a minute for each, two
minutes for that of the database. STX_FAILOVER_RUNS says how often each happens (5), STX_FAILOVER_FAULTS which, by commas (all). With
STX_FAILOVER_SHAPE=duplex nobody else votes but the controllers' boards.
"""

import os
import signal
import sys
import time
from typing import Any

from bench import failover_faults
from bench.failover_own import DuplexProduct, OwnProduct
from bench.platform import Progress
from stxlab import layout

RUNS = 5
SHAPES = {"standard": (OwnProduct, failover_faults.FAULTS), "duplex": (DuplexProduct, failover_faults.DUPLEX_FAULTS)}


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    runs = int(os.environ.get("STX_FAILOVER_RUNS", RUNS))
    shape = os.environ.get("STX_FAILOVER_SHAPE", "standard")
    if shape not in SHAPES:
        raise SystemExit(f"There is no shape {shape}. There are: {', '.join(SHAPES)}.")
    kind, faults = SHAPES[shape]
    chosen = os.environ.get("STX_FAILOVER_FAULTS", ",".join(faults)).split(",")
    if unknown := [name for name in chosen if name not in faults]:
        raise SystemExit(f"There is no fault {', '.join(unknown)}. There are: {', '.join(faults)}.")
    # What is up is taken down then too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    measured: dict[str, list[failover_faults.Gaps]] = {}
    product = kind(layout.default_directory() / "failover", say)
    try:
        say("the lab is brought up")
        product.bring_up()
        for name in chosen:
            measured[name] = []
            for run in range(runs):
                time.sleep(faults[name].pause_s if run else 0.0)
                measured[name].append(failover_faults.measure(product, faults[name]))
                say(f"{name}, run {run + 1}: {measured[name][-1]}")
            figures.update(failover_faults.figures(name, measured[name]))
    finally:
        product.take_down()
    if not json:
        print(failover_faults.table(measured), file=sys.stderr)
    return figures
