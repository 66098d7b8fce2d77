# SPDX-License-Identifier: Apache-2.0
"""How long a cloud is without its address and its database when the active controller loses its power.

Each product has a lab of its own, one after another; they meet the same fault, `stx lab power-off`, and the same observers
(failover_observer.py). The one that is active fails, and is the standby when it is back, so that they take turns. It needs root, and a
quarter of an hour. STX_FAILOVER_RUNS says how often each fails (5), STX_FAILOVER_PRODUCTS which, by commas (all).
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import failover
from bench.failover_own import OwnProduct
from bench.failover_product import FailoverError, Product, measure
from bench.peers.keepalived import KeepalivedPeer
from bench.peers.pacemaker import PacemakerPeer
from bench.platform import Progress
from stxlab import layout
from stxlab.errors import LabError

RUNS = 5
PRODUCTS: dict[str, Callable[[Path, Progress], Product]] = {
    OwnProduct.name: OwnProduct,
    "keepalived_100ms": lambda directory, say: KeepalivedPeer(directory, say, 0.1),
    "keepalived_1000ms": lambda directory, say: KeepalivedPeer(directory, say, 1.0),
    "pacemaker_300ms": lambda directory, say: PacemakerPeer(directory, say, 300),
    "pacemaker_1000ms": lambda directory, say: PacemakerPeer(directory, say, 1000),
    "pacemaker_3000ms": lambda directory, say: PacemakerPeer(directory, say, 3000),
}


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    runs = int(os.environ.get("STX_FAILOVER_RUNS", RUNS))
    chosen = os.environ.get("STX_FAILOVER_PRODUCTS", ",".join(PRODUCTS)).split(",")
    if unknown := [name for name in chosen if name not in PRODUCTS]:
        raise SystemExit(f"There is no product {', '.join(unknown)}. There are: {', '.join(PRODUCTS)}.")
    figures: dict[str, Any] = {}
    measured: dict[str, dict[str, Any]] = {}
    # What is up is taken down then too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    for name in chosen:
        figures[f"{name}_load_before"] = round(os.getloadavg()[0], 2)
        try:
            measured[name] = failover.figures(_outcomes(PRODUCTS[name](layout.default_directory() / "failover", say), runs, say))
        except (FailoverError, LabError) as error:
            # The others can be measured all the same.
            figures[f"{name}_error"] = str(error)
            say(f"{name}: {error}")
        figures.update({f"{name}_{key}": value for key, value in measured.get(name, {}).items()})
    if not json:
        print(failover.table(measured), file=sys.stderr)
    return figures


def _outcomes(product: Product, runs: int, say: Progress) -> list[failover.Outcome]:
    outcomes = []
    try:
        say(f"{product.name} is brought up")
        product.bring_up()
        for run in range(runs):
            outcomes.append(measure(product))
            say(f"{product.name}, run {run + 1}: {outcomes[-1]}")
    finally:
        product.take_down()
    return outcomes
