# SPDX-License-Identifier: Apache-2.0
"""How long `stx up` takes until the controller is in service, and what the processes then weigh."""

import os
import statistics
import time
from typing import Any

from bench import memory
from bench.platform import Progress
from stxembedded import process
from tests.functional import deployment

RUNS = 3


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    first, again, quick = [], [], []
    for run in range(RUNS):
        platform = deployment.Embedded()
        try:
            first.append(_timed(platform.start))
            quick.append(_timed(platform.start))
            say(f"run {run + 1}: from nothing {first[-1]:.2f} s, when all runs {quick[-1]:.2f} s")
            figures.update(_weigh(platform))
            platform.stx("down", "--data-dir", str(platform.layout.data_dir))
            again.append(_timed(platform.start))
            say(f"run {run + 1}: with data {again[-1]:.2f} s")
        finally:
            platform.stop()
    figures["first_up_s"] = round(statistics.median(first), 2)
    figures["later_up_s"] = round(statistics.median(again), 2)
    figures["up_when_running_s"] = round(statistics.median(quick), 2)
    return figures


def _timed(action: Any) -> float:
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def _weigh(platform: deployment.Embedded) -> dict[str, float]:
    weights = {}
    for name in ("keystone", "controller", "mtce-client"):
        known = process.read_pid_file(platform.layout.pid_file(name))
        weights[name] = 0.0 if known is None else memory.of_process_group(known.pid).rss_mib
    return {
        "controller_rss_mib": round(weights["controller"], 1),
        "mtce_client_rss_mib": round(weights["mtce-client"], 1),
        "platform_rss_mib": round(weights["controller"] + weights["mtce-client"], 1),
        "keystone_rss_mib": round(weights["keystone"], 1),
    }
