# SPDX-License-Identifier: Apache-2.0
"""What it costs to unlock many hosts at once: seconds until all are in service, and memory and processor of mtce-agent.

The hosts are simulated, in a lab of two controllers: 25 of them, 50, then 100. STX_MTCE_HOSTS says other numbers, by commas, the smallest
first.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.mtce_observer import Observer, lab_command
from bench.platform import Progress
from stxlab import layout, topology
from stxlab.image import Image
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.machine import Machine

ROOT = Path(__file__).parents[1]
HOSTS = tuple(int(number) for number in os.environ.get("STX_MTCE_HOSTS", "25,50,100").split(","))
# How long all is left alone, to see what hosts in service cost.
REST_S = 20.0
_LOOK = (
    "main=$(systemctl show -p MainPID --value mtce-agent); "
    "for pid in $main $(cat /proc/$main/task/*/children); do cat /proc/$pid/stat; grep ^Pss: /proc/$pid/smaps_rollup; done"
)
IN_SERVICE, LOCKED = "unlocked-enabled-available", "locked-disabled-online"


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    with tempfile.TemporaryDirectory(prefix="stx-bench-") as directory:
        lab = Lab(Layout(Path(directory)), Image(ROOT, layout.cache_directory(), say), lambda _: None)
        try:
            with lab.turn("bench mtce-fleet"):
                lab.layout.make()
                lab.up(topology.make("standard"), wait=True)
            with _observer(lab) as observer:
                figures: dict[str, Any] = {"load": os.getloadavg()[0]}
                for count in HOSTS:
                    figures |= _measured(lab, observer, count, say)
                return figures
        finally:
            lab.down()


@contextlib.contextmanager
def _observer(lab: Lab) -> Iterator[Observer]:
    observer = Observer(lab)
    try:
        yield observer
    finally:
        observer.close()


def _measured(lab: Lab, observer: Observer, count: int, say: Callable[[str], None]) -> dict[str, Any]:
    say(f"{count} hosts are made up")
    lab_command(lab, "simulate", "--hosts", str(count))
    controller = lab.machine(lab.layout.load().hosts[0])
    names = [topology.Simulated(number).name for number in range(count)]
    observer.wait(lambda: _have(observer, names, LOCKED))
    before, _ = _cost(controller)
    begun = time.monotonic()
    say(f"{count} hosts are unlocked")
    observer.ask(names, "unlock")
    asked_s = time.monotonic() - begun
    observer.wait(lambda: _have(observer, names, IN_SERVICE))
    unlocked_s = time.monotonic() - begun
    enabled, _ = _cost(controller)
    time.sleep(REST_S)
    rested, memory_mib = _cost(controller)
    say(f"{count} hosts are locked")
    observer.ask(names, "lock")
    observer.wait(lambda: _have(observer, names, LOCKED))
    return {
        f"{count}_hosts_asked_s": round(asked_s, 1),
        f"{count}_hosts_in_service_s": round(unlocked_s, 1),
        f"{count}_hosts_agent_processor_ms_per_host": round(1000 * (enabled - before) / count, 1),
        f"{count}_hosts_agent_at_rest_percent": round(100 * (rested - enabled) / REST_S, 1),
        f"{count}_hosts_agent_mib": round(memory_mib, 1),
    }


def _have(observer: Observer, names: Sequence[str], state: str) -> bool:
    found = observer.states()
    return all(found.get(name) == state for name in names)


def _cost(controller: Machine) -> tuple[float, float]:
    """Processor of mtce-agent and of the processes that it has started, in seconds; and their memory, shared pages shared out."""
    ticks, kib = 0, 0
    for line in controller.run(["sh", "-c", _LOOK]).splitlines():
        if line.startswith("Pss:"):
            kib += int(line.split()[1])
        else:
            ticks += sum(int(field) for field in line.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK"), kib / 1024
