# SPDX-License-Identifier: Apache-2.0
"""What a host does about what mtce-agent wants of it, and what it says of itself.

The wish is said again in every answer to a report until it is so, so nothing is kept here: what cannot begin now begins at a later one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

# How a boot can end, the gentle way first: one that has begun gives way to a rougher one only.
ENDS = ("reboot", "reset", "wipe")
# A host that is told to report more often than this would do nothing else.
LEAST_PERIOD_S = 0.1


class Wish(Protocol):
    """As in mtce.client; tasks and ends are words here."""

    @property
    def is_locked(self) -> bool | None: ...

    @property
    def tasks(self) -> Mapping[str, str]: ...

    @property
    def boot_id(self) -> str: ...

    @property
    def end(self) -> str: ...

    @property
    def report_s(self) -> float: ...


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of task.

    :ivar argument: of every script
    :ivar lane: of two tasks in the same one the second waits
    :ivar is_parallel: whether all scripts run at the same time; else one after another, in the order of their names
    :ivar passed: the flag file that says that the last one of this kind passed
    :ivar failed: the flag file that says that it failed
    """

    argument: str
    lane: str
    is_parallel: bool = False
    passed: str = ""
    failed: str = ""


# By task (spec mtce-sm.md A4.2, flags A1). A host is not started while it is stopped.
KINDS: Mapping[str, Kind] = {
    "goenabled": Kind("start", "goenabled", True, "goenabled", "goenabled_failed"),
    "goenabled-worker": Kind("start", "goenabled-worker", True, "goenabled_subf", "goenabled_subf_failed"),
    "start": Kind("start", "services"),
    "start-worker": Kind("start", "services"),
    "stop": Kind("stop", "services"),
}


@dataclasses.dataclass(frozen=True)
class Known:
    """How the host is.

    :ivar is_in_service: as others on this host know it
    :ivar done: the token of the last run of each task that has ended
    :ivar running: tasks that have not
    :ivar ending: how the boot is being ended
    """

    boot_id: str
    is_locked: bool
    may_reboot: bool
    is_in_service: bool = False
    done: Mapping[str, str] = dataclasses.field(default_factory=dict)
    running: frozenset[str] = frozenset()
    ending: str | None = None


@dataclasses.dataclass(frozen=True)
class SetLocked:
    """The flag of a locked host is to be there, or not."""

    is_locked: bool


@dataclasses.dataclass(frozen=True)
class Leave:
    """The host is not in service any more."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A task is to begin."""

    task: str
    token: str


@dataclasses.dataclass(frozen=True)
class End:
    """The boot is to end."""

    how: str


Effect = SetLocked | Leave | Run | End


def decide(wish: Wish, known: Known) -> list[Effect]:
    """What is to begin now. A boot that ends begins nothing else."""
    effects: list[Effect] = []
    is_to_end = bool(wish.boot_id) and wish.boot_id == known.boot_id and known.may_reboot
    # One that is unlocked is in service in its next boot, not for what is left of this one.
    is_kept = known.is_locked and (is_to_end or known.ending is not None)
    if wish.is_locked is not None and wish.is_locked is not known.is_locked and not is_kept:
        effects.append(SetLocked(wish.is_locked))
        if wish.is_locked and is_to_end and known.ending is None:
            # Whoever counts on it hears that it is locked before it is gone: the next wish ends the boot.
            return effects
    if is_to_end:
        if known.ending is None and known.is_in_service and wish.end != ENDS[0]:
            # Nor do those who count on one that has failed, which may be many at the same moment.
            effects.append(Leave())
        elif known.ending is None or ENDS.index(wish.end) > ENDS.index(known.ending):
            effects.append(End(str(wish.end)))
        return effects
    if known.ending is not None:
        return effects
    busy = {KINDS[task].lane for task in known.running}
    for task, token in wish.tasks.items():
        if task not in KINDS:
            # Of a release that this host does not have yet.
            continue
        lane = KINDS[task].lane
        if known.done.get(task) != token and lane not in busy:
            busy.add(lane)
            effects.append(Run(str(task), token))
    return effects


def places(task: str, subfunctions: Sequence[str]) -> list[str]:
    """The directories with a task's scripts: of `goenabled`, or of `services`.

    What was started last is stopped first.
    """
    match task:
        case "goenabled":
            return ["."]
        case "goenabled-worker":
            return ["worker"]
        case "start":
            return list(subfunctions[:1])
        case "start-worker":
            return ["worker"]
        case _:
            return list(reversed(subfunctions))


def period_s(wish: Wish, usual_s: float) -> float:
    """Seconds until the next report."""
    return max(wish.report_s, LEAST_PERIOD_S) if wish.report_s > 0 else usual_s


def config(has_failed: bool, has_passed: bool, is_configured: bool) -> str:
    """How the last application of the host's configuration went, by its flag files; a host that was never configured has none due.

    :param is_configured: whether it has been at least once, in this boot or an earlier one
    """
    if has_failed:
        return "failed"
    return "pending" if is_configured and not has_passed else "passed"
