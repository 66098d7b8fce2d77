# SPDX-License-Identifier: Apache-2.0
"""Service groups: how well one is on a controller, and whether the other controller should have the activity instead.

Spec mtce-sm.md B2.6 and B2.7. Who is active at all is the lease's business; what is decided here is only whether its holder lets it go.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

from sm.service import Conf, State, Status


class Impact(enum.StrEnum):
    """What the failure of a service means for its group."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class GroupState(enum.StrEnum):
    INITIAL = "initial"
    STANDBY = "standby"
    GO_STANDBY = "go-standby"
    GO_ACTIVE = "go-active"
    ACTIVE = "active"
    DISABLING = "disabling"
    DISABLED = "disabled"


_ORDER = (Status.NONE, Status.WARN, Status.DEGRADED, Status.FAILED)
_WORST = {
    Impact.NONE: Status.NONE,
    Impact.MINOR: Status.WARN,
    Impact.MAJOR: Status.DEGRADED,
    Impact.CRITICAL: Status.FAILED,
}
_REACHED = {State.ACTIVE: GroupState.ACTIVE, State.STANDBY: GroupState.STANDBY, State.DISABLED: GroupState.DISABLED}
_UNDER_WAY = {State.ACTIVE: GroupState.GO_ACTIVE, State.STANDBY: GroupState.GO_STANDBY, State.DISABLED: GroupState.DISABLING}


@dataclasses.dataclass(frozen=True)
class Member:
    """A service in its group.

    :ivar failed_at: when it failed last, in monotonic seconds; None if it never did
    """

    conf: Conf
    impact: Impact
    state: State
    status: Status
    failed_at: float | None = None


def status(members: Iterable[Member], debounce_s: float, now: float) -> Status:
    """The group's: that of its worst member, as far as that one's impact goes.

    One that failed counts for a while after it has recovered, so that a controller where things keep failing is no attractive one.
    """
    worst = Status.NONE
    for member in members:
        is_sticky = member.failed_at is not None and now - member.failed_at < debounce_s
        own = Status.FAILED if is_sticky else member.status
        worst = max(worst, min(own, _WORST[member.impact], key=_ORDER.index), key=_ORDER.index)
    return worst


def state(members: Sequence[Member], desired: State) -> GroupState:
    """How far the group is on its way to ACTIVE, STANDBY or DISABLED."""
    if any(member.state is State.INITIAL for member in members):
        return GroupState.INITIAL
    if all(member.state is member.conf.wanted(desired) for member in members):
        return _REACHED[desired]
    return _UNDER_WAY[desired]


@dataclasses.dataclass(frozen=True)
class Side:
    """One controller, as the other one sees it.

    :ivar is_ready: it is unlocked, has booted, and nothing on it waits for a reboot
    :ivar is_eligible: it has all data that was acknowledged
    :ivar groups: status of each group that moves with the activity
    :ivar down: how many of its networks do not work
    """

    name: str
    is_ready: bool
    is_eligible: bool
    groups: tuple[Status, ...] = ()
    down: int = 0

    @property
    def badness(self) -> tuple[int, int, int]:
        """Of two sides the one with less is healthier."""
        return tuple(self.groups.count(each) for each in reversed(_ORDER[1:]))  # type: ignore[return-value]


def why_not(peer: Side | None) -> str | None:
    """Why a controller cannot have the activity; None when it can."""
    if peer is None:
        return "There is no other controller, or it is not heard of."
    if not peer.is_ready:
        return f"{peer.name} is locked, or not ready."
    if not peer.is_eligible:
        return f"{peer.name} does not have all data yet."
    if Status.FAILED in peer.groups:
        return f"Services on {peer.name} have failed."
    return None


def should_hand_over(own: Side, peer: Side | None) -> bool:
    """Whether the holder lets the lease go because the other controller would do better.

    Degraded groups are no reason: moving costs more than it brings. A network that is out is one, where it works on the other one.
    """
    if peer is None or not (peer.is_ready and peer.is_eligible) or peer.down > own.down:
        return False
    if Status.FAILED in own.groups:
        return peer.badness < own.badness
    return peer.down < own.down and Status.FAILED not in peer.groups


def down(own: Mapping[str, bool], other: Mapping[str, bool], is_heard: Mapping[str, bool]) -> int:
    """How many networks of a controller do not work.

    :param own: whether each works, as it says itself
    :param other: the same of the other controller
    :param is_heard: whether the other one hears it there: where that one's network works, silence is this one's fault
    """
    return sum(not works or (other.get(name, False) and is_heard.get(name) is False) for name, works in own.items())
