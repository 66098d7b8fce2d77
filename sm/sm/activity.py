# SPDX-License-Identifier: Apache-2.0
"""What a controller does with the lease: takes the activity, has it, lets it go; and whether it needs the other one for every write.

Data is replicated in one of two ways. Together: what is acknowledged is on both controllers, and both are eligible. Alone: the active
controller acknowledges by itself; the record of the voters said first that no other one is eligible. So nobody ever becomes active who
lacks what was acknowledged.
"""

import dataclasses
import enum

from sm.group import Side, should_hand_over, why_not

# A copy that could not be attached is tried again.
RETRY_S = 1.0
# For the services to stop before another controller is active, and for that one to be.
LEAVE_S = 120.0
AWAY_S = 5.0
# A lease that is late for a moment moves nothing: the kernel has shut the gate meanwhile, and data are safe by what was agreed.
GRACE_S = 1.0


class Phase(enum.StrEnum):
    """:cvar TAKING: has the lease, and tells the voters that it begins alone
    :cvar LEAVING: has the lease, and stops what needs it
    :cvar AWAY: has let it go for the other one
    """

    PASSIVE = "passive"
    TAKING = "taking"
    ACTIVE = "active"
    LEAVING = "leaving"
    AWAY = "away"


class Copies(enum.StrEnum):
    """How data is replicated.

    :cvar ATTACHING: the other copy catches up
    :cvar PARTING: the voters are told that it is alone from now on
    :cvar DETACHING: what waits for the other copy is let go
    """

    ALONE = "alone"
    ATTACHING = "attaching"
    TOGETHER = "together"
    PARTING = "parting"
    DETACHING = "detaching"


class Order(enum.StrEnum):
    """What is begun with the data."""

    ATTACH = "attach"
    DETACH = "detach"


@dataclasses.dataclass(frozen=True)
class Facts:
    """:ivar agreed: eligible by the record that is agreed on; None while the last change is not
    :ivar peer: the other controller, while it is heard
    :ivar follows: its copies can follow
    :ivar is_peer_active: it says so
    :ivar leads: this controller's own data are the active ones
    :ivar is_standalone: the active copy says that no other one follows
    :ivar done: how the last order came out, once it did
    :ivar is_stopped: nothing is left that needs the lease
    """

    now: float
    own: Side
    holds: bool
    agreed: frozenset[str] | None = None
    peer: Side | None = None
    follows: bool = False
    is_peer_active: bool = False
    leads: bool = True
    is_standalone: bool = False
    done: bool | None = None
    is_stopped: bool = False


@dataclasses.dataclass(frozen=True)
class Activity:
    """:ivar eligible: whom the record shall name; None while it is not this controller's to say
    :ivar lost_at: when the lease ended, while it may come back
    :ivar result: what became of the last request to hand over, for whoever asked
    """

    name: str
    phase: Phase = Phase.PASSIVE
    copies: Copies = Copies.ALONE
    partner: str = ""
    deadline: float = 0.0
    retry_at: float = 0.0
    lost_at: float | None = None
    result: str = ""

    @property
    def eligible(self) -> frozenset[str] | None:
        if self.phase in (Phase.PASSIVE, Phase.AWAY):
            return None
        both = self.copies is Copies.TOGETHER
        return frozenset({self.name, self.partner} if both else {self.name})

    @property
    def wants_lease(self) -> bool:
        return self.phase is not Phase.AWAY

    @property
    def is_active(self) -> bool:
        """Whether services that move shall be active here."""
        return self.phase is Phase.ACTIVE


def step(activity: Activity, facts: Facts) -> tuple[Activity, list[Order]]:
    """What follows from how things are. It may be called at any time, and again."""
    if activity.phase is Phase.AWAY:
        return _away(activity, facts), []
    if not facts.holds:
        return _without_lease(activity, facts), []
    if activity.lost_at is not None:
        activity = dataclasses.replace(activity, lost_at=None)
    if activity.phase is Phase.PASSIVE:
        # Its data may require the other controller still, from when it was active before.
        activity = Activity(activity.name, Phase.TAKING, Copies.PARTING, result=activity.result)
    if activity.phase is Phase.TAKING:
        if facts.agreed != activity.eligible:
            return activity, []
        activity = dataclasses.replace(activity, phase=Phase.ACTIVE)
    if activity.phase is Phase.LEAVING:
        return _leaving(activity, facts)
    activity, orders = _copies(activity, facts)
    is_shared = activity.copies is Copies.TOGETHER and facts.agreed == activity.eligible
    if should_hand_over(facts.own, facts.peer) and facts.follows and is_shared:
        if facts.peer is not None and facts.peer.down < facts.own.down:
            # Nobody reaches it for as long as its services take to stop.
            return _release(activity, facts), []
        activity, _ = leave(activity, facts)
    return activity, orders


def leave(activity: Activity, facts: Facts, is_forced: bool = False) -> tuple[Activity, str | None]:
    """Let the other controller have the activity. Gives why not, if it cannot.

    :param is_forced: also when services have failed there; never to one that lacks data
    """
    if activity.phase is Phase.LEAVING:
        return activity, None
    if activity.phase is not Phase.ACTIVE:
        return activity, f"{activity.name} is not active."
    peer = facts.peer
    if peer is not None and is_forced:
        peer = dataclasses.replace(peer, groups=())
    reason = why_not(peer)
    if reason is None and (activity.copies is not Copies.TOGETHER or facts.agreed != activity.eligible):
        reason = f"{activity.partner or 'The other controller'} does not have all data yet."
    if reason is not None:
        return activity, reason
    return dataclasses.replace(activity, phase=Phase.LEAVING, deadline=facts.now + LEAVE_S, result=""), None


def _leaving(activity: Activity, facts: Facts) -> tuple[Activity, list[Order]]:
    # Some of it has stopped already: it begins alone again.
    back = dataclasses.replace(activity, phase=Phase.TAKING, copies=Copies.PARTING)
    if facts.peer is None or not facts.peer.is_ready:
        return dataclasses.replace(back, result="The other controller was lost; the activity stays."), []
    # The other one could not take it before the voters know that it may.
    if facts.is_stopped and facts.agreed == activity.eligible:
        return _release(activity, facts), []
    if facts.now >= activity.deadline:
        return dataclasses.replace(back, result=f"The services did not stop within {LEAVE_S:g} s; the activity stays."), []
    return activity, []


def _without_lease(activity: Activity, facts: Facts) -> Activity:
    lost_at = facts.now if activity.lost_at is None else activity.lost_at
    if activity.phase is Phase.ACTIVE and not facts.is_peer_active and facts.now < lost_at + GRACE_S:
        return dataclasses.replace(activity, lost_at=lost_at)
    is_cut_short = activity.phase is Phase.LEAVING
    return Activity(activity.name, result="The lease ended while the services stopped." if is_cut_short else activity.result)


def _release(activity: Activity, facts: Facts) -> Activity:
    return Activity(activity.name, Phase.AWAY, partner=activity.partner, deadline=facts.now + AWAY_S)


def _away(activity: Activity, facts: Facts) -> Activity:
    if facts.is_peer_active:
        return Activity(activity.name, result=f"{activity.partner} is active.")
    if facts.now >= activity.deadline:
        return Activity(activity.name, result=f"{activity.partner} did not become active; the activity comes back.")
    return activity


def _copies(activity: Activity, facts: Facts) -> tuple[Activity, list[Order]]:
    """One step of the data; at most one order is at work."""
    peer = facts.peer if facts.peer is not None and facts.peer.is_ready and facts.follows else None
    match activity.copies:
        case Copies.ALONE if peer is not None and facts.leads and facts.now >= activity.retry_at:
            return dataclasses.replace(activity, copies=Copies.ATTACHING, partner=peer.name), [Order.ATTACH]
        case Copies.ATTACHING if peer is None or facts.done is False:
            # It may have come so far that writes wait already.
            return dataclasses.replace(activity, copies=Copies.DETACHING), [Order.DETACH]
        case Copies.ATTACHING if facts.done:
            return dataclasses.replace(activity, copies=Copies.TOGETHER), []
        case Copies.TOGETHER if peer is None or facts.is_standalone:
            return dataclasses.replace(activity, copies=Copies.PARTING), []
        case Copies.PARTING if facts.agreed == activity.eligible and facts.leads:
            return dataclasses.replace(activity, copies=Copies.DETACHING), [Order.DETACH]
        case Copies.DETACHING if facts.done:
            pause_s = RETRY_S if activity.partner else 0.0
            return dataclasses.replace(activity, copies=Copies.ALONE, retry_at=facts.now + pause_s), []
        case Copies.DETACHING if facts.done is False:
            return activity, [Order.DETACH]
    return activity, []
