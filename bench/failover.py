# SPDX-License-Identifier: Apache-2.0
"""What a failover cost, told from what was seen of it: how long nobody answered, how long nobody wrote, and what was lost.

All moments are of the machine's monotonic clock, in seconds.
"""

import dataclasses
import statistics
from collections.abc import Collection, Iterable, Sequence


@dataclasses.dataclass(frozen=True)
class Sample:
    """One question who has the floating address.

    :ivar answers: the hardware address of each answer, and when it came
    """

    sent: float
    answers: tuple[tuple[str, float], ...]

    @property
    def holders(self) -> frozenset[str]:
        return frozenset(mac for mac, _ in self.answers)


@dataclasses.dataclass(frozen=True)
class Row:
    """One row that the database acknowledged.

    :ivar server: tells one start of a database server from another
    """

    number: int
    begun: float
    done: float
    server: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Of one fault.

    :ivar address_s: until another host answered for the floating address; None when none did
    :ivar write_s: until a row was acknowledged that was begun after the fault, by another server; None when none was
    :ivar lost_writes: rows that were acknowledged, and were not there in the end
    :ivar double_holder_samples: questions that more than one host answered
    """

    address_s: float | None
    write_s: float | None
    lost_writes: int
    double_holder_samples: int


def evaluate(samples: Iterable[Sample], rows: Sequence[Row], present: Collection[int], fault: float, failed_mac: str) -> Outcome:
    """What a fault cost.

    :param present: numbers of the rows that were there in the end
    :param fault: the moment right before it
    :param failed_mac: of the host that failed
    """
    samples = list(samples)
    answers = [at for sample in samples for mac, at in sample.answers if at > fault and mac != failed_mac]
    before = {row.server for row in rows if row.done <= fault}
    writes = [row.done for row in rows if row.begun >= fault and row.server not in before]
    return Outcome(
        address_s=min(answers) - fault if answers else None,
        write_s=min(writes) - fault if writes else None,
        lost_writes=len({row.number for row in rows} - set(present)),
        double_holder_samples=sum(len(sample.holders) > 1 for sample in samples),
    )


def figures(outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    """What several faults cost; a time is None when it did not end each time."""
    found: dict[str, float | int | None] = {"runs": len(outcomes)}
    for name in _PARTS:
        times = [getattr(outcome, f"{name}_s") for outcome in outcomes]
        is_whole = bool(times) and None not in times
        for what, of in (("min", min), ("median", statistics.median), ("max", max)):
            found[f"power_off_{name}_{what}_s"] = round(of(times), 3) if is_whole else None
    found["lost_writes"] = sum(outcome.lost_writes for outcome in outcomes)
    found["double_holder_samples"] = sum(outcome.double_holder_samples for outcome in outcomes)
    return found


_PARTS = ("address", "write")
_HEADER = ("product", "runs", "address s (min/median/max)", "write s (min/median/max)", "lost writes", "two holders")


def table(products: dict[str, dict[str, float | int | None]]) -> str:
    """The figures of several products, side by side, for people."""
    lines: list[tuple[str, ...]] = [_HEADER]
    for name, of in products.items():
        times = (" / ".join(_text(of[f"power_off_{part}_{what}_s"]) for what in ("min", "median", "max")) for part in _PARTS)
        lines.append((name, str(of["runs"]), *times, str(of["lost_writes"]), str(of["double_holder_samples"])))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _text(seconds: float | int | None) -> str:
    return "never" if seconds is None else f"{seconds:.3f}"
