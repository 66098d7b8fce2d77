# SPDX-License-Identifier: Apache-2.0
"""How soon it is published that a host in service has failed, and what a host costs that is out of reach for a moment only.

A lab of a controller-0 that serves, controller-1 and three computes; the states are read over the REST interface by an observer outside.
STX_MTCE_RUNS says how often each is done (5), STX_MTCE_SCENARIOS which, by commas (all): power_off with a board and without, cuts of the
management network for 3 s and for 30 s, a heartbeat process that is stopped for 3 s, two of three computes that are cut off together, and
once nothing at all for STX_MTCE_QUIET_S (60).
"""

import datetime
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.mtce_observer import POLL_S, Observer, lab_command
from bench.platform import Progress
from stxlab import board_files, layout, topology
from stxlab.image import Image
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.machine import Machine

ROOT = Path(__file__).parents[1]
RUNS = int(os.environ.get("STX_MTCE_RUNS", "5"))
CUT_S, LONG_CUT_S = 3.0, 30.0
QUIET_S = float(os.environ.get("STX_MTCE_QUIET_S", "60"))
BOARDED, PLAIN, OTHER = COMPUTES = ("compute-0", "compute-1", "compute-2")
IN_SERVICE = "unlocked-enabled-available"
# On the lab's controllers, whose clocks show UTC.
LOG = "/var/log/starlingx/mtce-agent.log"
# It is not watched at once after the last run.
REST_S = 2.0


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    chosen = os.environ.get("STX_MTCE_SCENARIOS", ",".join(SCENARIOS)).split(",")
    if unknown := [name for name in chosen if name not in SCENARIOS]:
        raise SystemExit(f"There is no scenario {', '.join(unknown)}. There are: {', '.join(SCENARIOS)}.")
    with tempfile.TemporaryDirectory(prefix="stx-bench-") as directory:
        lab = Lab(Layout(Path(directory)), Image(ROOT, layout.cache_directory(), say), lambda _: None)
        try:
            with lab.turn("bench mtce-failure"):
                lab.layout.make()
                lab.up(topology.make("standard", computes=3), wait=True)
            bench = Bench(lab, Observer(lab), say)
            try:
                bench.prepare()
                figures: dict[str, Any] = {"load": os.getloadavg()[0], "runs": RUNS}
                for name in chosen:
                    figures |= SCENARIOS[name](bench)
            finally:
                bench.observer.close()
            if "board_failed_published_median_s" in figures:
                figures["failed_published_median_s"] = figures["board_failed_published_median_s"]
            return figures
        finally:
            lab.down()


class Bench:
    """A lab with three computes in service, of which one has a board that the platform knows."""

    def __init__(self, lab: Lab, observer: Observer, say: Callable[[str], None]) -> None:
        self.lab, self.observer, self.say = lab, observer, say

    def prepare(self) -> None:
        self.say("the computes are unlocked")
        for name in COMPUTES:
            self.system("host-unlock", name)
        for name in COMPUTES:
            self.await_service(name)
        login = [f"bm_username={board_files.USER}", f"bm_password={self.lab.layout.read_secrets()['board']}"]
        address = self.machine(BOARDED).host.board_address
        self.system("host-update", BOARDED, "bm_type=ipmi", f"bm_ip={address}", *login)
        # What its board measures is known once the board has answered.
        self.observer.wait(lambda: bool(self.system("host-sensorgroup-list", BOARDED, "-f", "value").strip()))

    def machine(self, name: str) -> Machine:
        return self.lab.machine(self.lab.layout.load().host(name))

    def boot_id(self, name: str) -> str:
        return self.machine(name).run(["cat", "/proc/sys/kernel/random/boot_id"])

    def await_service(self, name: str, after_s: float = 0.0) -> list[tuple[float, str]]:
        return self.observer.until(name, lambda state: state == IN_SERVICE, after_s)

    def system(self, *words: str) -> str:
        first = self.lab.machine(self.lab.layout.load().hosts[0])
        return first.run(["bash", "-c", '. /root/openrc; exec system "$@"', "system", *words], 60.0)

    def declared(self, name: str, begun: float) -> float | None:
        """When mtce-agent first knew a host to be lost, by its log; None where that says nothing of it.

        :param begun: not before, in seconds since 1970
        """
        first = self.lab.machine(self.lab.layout.load().hosts[0])
        told = first.run(["sh", "-c", f"grep -F ' {name} is lost on ' {LOG} || true"]).splitlines()
        moments = [datetime.datetime.fromisoformat(f"{' '.join(line.split()[:2])}+00:00").timestamp() for line in told]
        return next((moment for moment in moments if moment >= begun), None)

    def command(self, *words: str) -> None:
        lab_command(self.lab, *words)


def _power_off(kind: str, name: str) -> Callable[[Bench], dict[str, Any]]:
    def measure(bench: Bench) -> dict[str, Any]:
        declared, lost, failed, back = [], [], [], []
        for number in range(RUNS):
            bench.say(f"power-off of {name}, {number + 1} of {RUNS}")
            begun, begun_at = time.monotonic(), time.time()
            bench.machine(name).power_off()
            seen = bench.observer.until(name, lambda state: "disabled-failed" in state)
            failed.append(seen[-1][0] - begun)
            lost += [moment - begun for moment, state in seen if "Graceful Recovery" in state][:1]
            if kind == "no_board":
                bench.command("power-on", name)
            back.append(bench.await_service(name)[-1][0] - begun)
            if (moment := bench.declared(name, begun_at)) is not None:
                declared.append(moment - begun_at)
        figures = _spread(f"{kind}_failed_published", failed) | _spread(f"{kind}_in_service_again", back)
        measured = {"loss_declared": declared, "loss_published": lost}
        for what, moments in measured.items():
            figures |= _spread(f"{kind}_{what}", moments) if len(moments) == RUNS else {}
        return figures

    return measure


def _short_cut(bench: Bench) -> dict[str, Any]:
    return _blip(
        bench,
        "cut_3_s",
        lambda: bench.command("cut", PLAIN, "mgmt"),
        lambda: bench.command("heal", PLAIN, "mgmt"),
        f"mgmt of {PLAIN} is out",
    )


def _stopped(bench: Bench) -> dict[str, Any]:
    signal = ["systemctl", "kill", "--kill-whom=main", "mtce-heartbeat", "-s"]
    machine = bench.machine(PLAIN)
    return _blip(
        bench,
        "heartbeat_stopped_3_s",
        lambda: machine.run([*signal, "STOP"]),
        lambda: machine.run([*signal, "CONT"]),
        f"the heartbeat process of {PLAIN} is stopped",
    )


def _blip(bench: Bench, name: str, begin: Callable[[], Any], end: Callable[[], Any], what: str) -> dict[str, Any]:
    reboots, failures, lost = 0, 0, []
    for number in range(RUNS):
        bench.say(f"{what} for {CUT_S:g} s, {number + 1} of {RUNS}")
        boot, begun = bench.boot_id(PLAIN), time.monotonic()
        begin()
        seen = bench.observer.until(PLAIN, lambda state: "Graceful Recovery" in state)
        lost.append(seen[-1][0] - begun)
        while time.monotonic() < begun + CUT_S:
            time.sleep(POLL_S)
        end()
        seen += bench.await_service(PLAIN, REST_S)
        failures += any("failed" in state for _, state in seen)
        reboots += bench.boot_id(PLAIN) != boot
    return {f"{name}_failed": failures, f"{name}_rebooted": reboots} | _spread(f"{name}_loss_published", lost)


def _long_cut(bench: Bench) -> dict[str, Any]:
    reboots, failed = 0, []
    for number in range(RUNS):
        bench.say(f"all networks of {PLAIN} are out for {LONG_CUT_S:g} s, {number + 1} of {RUNS}")
        boot, begun = bench.boot_id(PLAIN), time.monotonic()
        for network in ("mgmt", "cluster"):
            bench.command("cut", PLAIN, network)
        failed.append(bench.observer.until(PLAIN, lambda state: "disabled-failed" in state)[-1][0] - begun)
        while time.monotonic() < begun + LONG_CUT_S:
            time.sleep(POLL_S)
        for network in ("mgmt", "cluster"):
            bench.command("heal", PLAIN, network)
        bench.await_service(PLAIN)
        reboots += bench.boot_id(PLAIN) != boot
    return {"cut_30_s_rebooted": reboots} | _spread("cut_30_s_failed_published", failed)


def _together(bench: Bench) -> dict[str, Any]:
    failures = reboots = 0
    for number in range(RUNS):
        bench.say(f"two of three computes are cut off, {number + 1} of {RUNS}")
        boots = {name: bench.boot_id(name) for name in (PLAIN, OTHER)}
        bench.command("partition", f"{PLAIN},{OTHER}:controller-0,{BOARDED}", "--network", "mgmt")
        seen = [bench.observer.until(name, lambda state: "Graceful Recovery Wait" in state) for name in boots]
        time.sleep(2 * CUT_S)
        bench.command("join")
        seen += [bench.await_service(name, REST_S) for name in boots]
        failures += sum("failed" in state for each in seen for _, state in each)
        reboots += sum(bench.boot_id(name) != boot for name, boot in boots.items())
    return {"two_of_three_failed": failures, "two_of_three_rebooted": reboots}


def _quiet(bench: Bench) -> dict[str, Any]:
    bench.say(f"nothing happens for {QUIET_S:g} s")
    boots = {name: bench.boot_id(name) for name in COMPUTES}
    until, others = time.monotonic() + QUIET_S, set()
    while time.monotonic() < until:
        states = bench.observer.states()
        others |= {(name, state) for name in COMPUTES if (state := states.get(name, IN_SERVICE)) != IN_SERVICE}
        time.sleep(10 * POLL_S)
    rebooted = sum(bench.boot_id(name) != boot for name, boot in boots.items())
    return {"quiet_s": QUIET_S, "quiet_other_states": len(others), "quiet_rebooted": rebooted}


SCENARIOS: Mapping[str, Callable[[Bench], dict[str, Any]]] = {
    "power_off_board": _power_off("board", BOARDED),
    "power_off_no_board": _power_off("no_board", PLAIN),
    "cut_3_s": _short_cut,
    "cut_30_s": _long_cut,
    "heartbeat_stopped": _stopped,
    "two_of_three": _together,
    "quiet": _quiet,
}


def _spread(name: str, figures: list[float]) -> dict[str, float]:
    return {
        f"{name}_min_s": round(min(figures), 2),
        f"{name}_median_s": round(statistics.median(figures), 2),
        f"{name}_max_s": round(max(figures), 2),
    }
