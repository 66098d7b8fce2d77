# SPDX-License-Identifier: Apache-2.0
"""What may happen to an active controller, and how long nobody was served because of it: for this platform's own controllers.

A gap is the longest time without an answer, or without a write that was acknowledged, from right before the fault until all is well.
"""

import contextlib
import dataclasses
import io
import itertools
import statistics
import time
from collections.abc import Callable, Collection, Sequence

from bench import failover
from bench.failover_own import OwnProduct
from bench.failover_product import LEAD_S, ROOT, FailoverError, observers, wait_for
from stxlab.cmd import main as command

SETTLE_S = 6.0
# For the observers to begin, and for power to come back.
READY_S = 60.0
_SWACT = "import pathlib; from sm import control; control.ask(pathlib.Path('/run/sm'), do='swact')"
PYTHON = "/opt/starlingx/bin/python"


@dataclasses.dataclass(frozen=True)
class Fault:
    """:ivar begin, end: called with the product, the active controller's name and the other one's
    :ivar moves: whether the other controller is to be active afterwards; None where either may be
    :ivar settle_s: all that follows from it is over by then, or comes too late
    :ivar pause_s: sooner again, it would be another fault: that of something that keeps failing
    """

    begin: Callable[[OwnProduct, str, str], None]
    end: Callable[[OwnProduct, str, str], None]
    moves: bool | None
    settle_s: float = SETTLE_S
    pause_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class Gaps:
    """In seconds; who was active before and after."""

    address_s: float
    write_s: float
    moved: bool
    lost_writes: int
    double_holder_samples: int


def lab(product: OwnProduct, *words: str) -> None:
    """:raises FailoverError: with what a command of `stx lab` says when it fails"""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = command.main([words[0], "--lab-dir", str(product.lab.layout.directory), *words[1:]], ROOT)
    if code:
        raise FailoverError(said.getvalue().strip())


def _run(*words: str) -> Callable[[OwnProduct, str, str], None]:
    """A command of `stx lab`, with ACTIVE and OTHER for names."""

    def run(product: OwnProduct, active: str, other: str) -> None:
        lab(product, *(word.replace("ACTIVE", active).replace("OTHER", other) for word in words))

    return run


def _cut(*networks: str, direction: str = "both") -> Callable[[OwnProduct, str, str], None]:
    def run(product: OwnProduct, active: str, other: str) -> None:
        for network in networks:
            lab(product, "cut", active, network, "--direction", direction)

    return run


def _heal(*networks: str) -> Callable[[OwnProduct, str, str], None]:
    def run(product: OwnProduct, active: str, other: str) -> None:
        for network in networks:
            lab(product, "heal", active, network)

    return run


def _back(name: str) -> Callable[[OwnProduct, str, str], None]:
    """Its power was cut, and it has booted: nothing hangs any more."""
    return _run("thaw", name)


def _nothing(product: OwnProduct, active: str, other: str) -> None:
    """It ends by itself."""


def _swact(product: OwnProduct, active: str, other: str) -> None:
    machine = next(each for each in product.controllers() if each.host.name == active)
    machine.run([PYTHON, "-c", _SWACT])


def _hang(product: OwnProduct, active: str, other: str) -> None:
    lab(product, "hang", active)


ALL = ("mgmt", "cluster", "oam")
FAULTS = {
    "swact": Fault(_swact, _nothing, True),
    "power_off": Fault(_run("power-off", "ACTIVE"), _run("power-on", "ACTIVE"), True),
    "freeze": Fault(_hang, _run("thaw", "ACTIVE"), True),
    "kill_sm": Fault(_run("kill", "ACTIVE", "sm.service"), _nothing, None),
    "kill_postgres": Fault(_run("kill", "ACTIVE", "postgres"), _nothing, None, pause_s=90.0),
    "cut_mgmt": Fault(_cut("mgmt"), _heal("mgmt"), True),
    "cut_all": Fault(_cut(*ALL), _heal(*ALL), True),
    "deaf": Fault(_cut(*ALL, direction="in"), _heal(*ALL), True),
    "mute": Fault(_cut(*ALL, direction="out"), _heal(*ALL), True),
    "partition_1_2": Fault(_run("partition", "ACTIVE:OTHER,compute-0"), _run("join"), True),
    "partition_1_1": Fault(_run("partition", "ACTIVE:OTHER"), _run("join"), False),
}
# A lab of two controllers alone: one that may be alive has its power cut first, and gets it back.
DUPLEX_SETTLE_S = 22.0
DUPLEX_FAULTS = {
    "swact": FAULTS["swact"],
    "power_off": FAULTS["power_off"],
    "freeze": Fault(_hang, _back("ACTIVE"), True, DUPLEX_SETTLE_S),
    "kill_sm": FAULTS["kill_sm"],
    "cut_mgmt": FAULTS["cut_mgmt"],
    "cut_all": Fault(_cut(*ALL), _heal(*ALL), True, DUPLEX_SETTLE_S),
    "partition_1_1": Fault(_run("partition", "ACTIVE:OTHER"), _run("join"), False, DUPLEX_SETTLE_S),
    "other_power_off": Fault(_run("power-off", "OTHER"), _run("power-on", "OTHER"), False),
    "other_freeze": Fault(_run("hang", "OTHER"), _back("OTHER"), False, DUPLEX_SETTLE_S),
}


def measure(product: OwnProduct, fault: Fault) -> Gaps:
    """Let one fault happen, see what follows, and have all well again."""
    product.await_ready()
    active = product.active().host.name
    other = next(machine.host.name for machine in product.controllers() if machine.host.name != active)
    with observers(product) as (holder, writer):
        for observer, what in ((holder, "answers at the floating address"), (writer, "takes a row")):
            if not observer.await_change(READY_S):
                raise FailoverError(f"Nobody {what} before the fault.")
        time.sleep(LEAD_S)
        begun = time.monotonic()
        fault.begin(product, active, other)
        time.sleep(max(0.0, begun + fault.settle_s - time.monotonic()))
        fault.end(product, active, other)
        wait_for("all controllers are on", lambda: all(machine.is_on for machine in product.controllers()), READY_S)
        product.await_ready()
        ended = time.monotonic()
        samples, written = holder.finish()["samples"], writer.finish()
    now = product.active().host.name
    rows = [failover.Row(*row) for row in written["rows"]]
    answers = [at for _, found in samples for _, at in found]
    return Gaps(
        longest(answers, begun, ended),
        longest([row.done for row in rows], begun, ended),
        now != active,
        len({row.number for row in rows} - set(written["present"])),
        sum(len({mac for mac, _ in found}) > 1 for _, found in samples),
    )


def longest(moments: Collection[float], begun: float, ended: float) -> float:
    """The longest time without any of these moments, from the last one before a time until another."""
    before = max((moment for moment in moments if moment <= begun), default=begun)
    within = sorted(moment for moment in moments if begun < moment <= ended)
    points = [before, *within, ended]
    return max(later - earlier for earlier, later in itertools.pairwise(points))


def table(measured: dict[str, Sequence[Gaps]]) -> str:
    """The figures of several faults, for people."""
    lines = [
        f"{'fault':<16}{'runs':>5}  {'address gap s (min/median/max)':<32}{'write gap s (min/median/max)':<30}  lost  two holders  moved"
    ]
    for name, gaps in measured.items():
        if gaps:
            lines.append(
                f"{name:<16}{len(gaps):>5}  {_three([each.address_s for each in gaps]):<32}{_three([each.write_s for each in gaps]):<30}"
                f"  {sum(each.lost_writes for each in gaps):>4}  {sum(each.double_holder_samples for each in gaps):>11}"
                f"  {sum(each.moved for each in gaps):>5}"
            )
    return "\n".join(lines)


def _three(values: Sequence[float]) -> str:
    return f"{min(values):.3f} / {statistics.median(values):.3f} / {max(values):.3f}"


def figures(name: str, gaps: Sequence[Gaps]) -> dict[str, float | int]:
    """The same for programs: the fault's name before each."""
    found: dict[str, float | int] = {}
    for part in ("address", "write"):
        values = [getattr(each, f"{part}_s") for each in gaps]
        for what, value in (("min", min(values)), ("median", statistics.median(values)), ("max", max(values))):
            found[f"{name}_{part}_gap_{what}_s"] = round(value, 3)
    found[f"{name}_lost_writes"] = sum(each.lost_writes for each in gaps)
    found[f"{name}_double_holder_samples"] = sum(each.double_holder_samples for each in gaps)
    return found
