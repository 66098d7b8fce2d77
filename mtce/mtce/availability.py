# SPDX-License-Identifier: Apache-2.0
"""Decides a host's operational state and availability from what is known of it (spec mtce-sm.md A2.8, A5.2)."""

import dataclasses
from collections.abc import Mapping

LOCKED, UNLOCKED = "locked", "unlocked"

# The process monitor itself, where it is the process that failed.
MONITOR = "pmond"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a host.

    :ivar administrative: locked or unlocked
    :ivar operational: what it was until now; a host out of service that is silent stays as it is
    :ivar availability: likewise
    :ivar is_heard: its agent reported in time, or is still given time to
    :ivar was_heard: its agent reported at any time since this began to listen
    :ivar failed: severity of the processes that have failed, by name
    :ivar is_last_controller: no other controller could take over if it were taken out of service
    """

    administrative: str
    operational: str
    availability: str
    is_heard: bool
    was_heard: bool
    failed: Mapping[str, str]
    is_last_controller: bool


@dataclasses.dataclass(frozen=True)
class State:
    operational: str
    availability: str


def decide(facts: Facts) -> State:
    """The state that a host with these facts is in.

    Major failures degrade it. Critical ones fail it, except the last controller, which would take the system with it.
    """
    if facts.administrative == LOCKED:
        return State("disabled", "online" if facts.is_heard else "offline")
    if not facts.is_heard and facts.operational != "enabled":
        # Only a host that says that it is well comes into service; online is a word for locked ones.
        return State("disabled", "offline" if facts.availability == "online" else facts.availability)
    if facts.is_heard and not facts.was_heard:
        # It was in service before this began to listen, and nothing is known of it yet.
        return State(facts.operational, facts.availability)
    severities = set(facts.failed.values())
    if "critical" in severities and not facts.is_last_controller:
        return State("disabled", "failed")
    is_degraded = bool(severities & {"critical", "major"})
    return State("enabled", "degraded" if is_degraded else "available")


def is_monitor_lost(facts: Facts) -> bool | None:
    """Whether a host in service no longer hears from its process monitor; None while it may still be heard for the first time."""
    if facts.administrative != UNLOCKED or facts.operational != "enabled":
        return False
    if facts.is_heard and not facts.was_heard:
        return None
    return not facts.is_heard
