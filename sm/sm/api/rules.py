# SPDX-License-Identifier: Apache-2.0
"""What may be asked of a controller, from what Service Management shows of both (spec mtce-sm.md B5.1). No I/O.

Whether the activity can be handed over is Service Management's own decision; what is here is what callers want to know besides.
"""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

# States of a group on a controller that has activity, or may still have some.
_ACTIVE = frozenset({"active", "go-active", "go-standby", "disabling", "unknown"})
_UNWELL = frozenset({"failed", "degraded"})


class Code(enum.StrEnum):
    """How a request ended, as mtce and sysinv read it."""

    DONE = "0"
    NO_HOST = "-1000"
    FAILED = "-1001"
    NOBODY_TO_SWACT_TO = "-1002"
    SOLE_PROVIDER = "-1003"


class Answer(enum.StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Facts:
    """:ivar own: name of the controller that is asked
    :ivar nodes: controllers by name, as the table NODES has them
    :ivar heard: hosts that are heard, by name, and what they say: is_active, is_ready
    :ivar assignments: of each group on each controller
    :ivar everywhere: groups that are active on both controllers
    :ivar critical: group and name of each service whose failure is critical for its group
    """

    own: str
    nodes: Mapping[str, Row]
    heard: Mapping[str, Row]
    assignments: Sequence[Row]
    everywhere: frozenset[str]
    critical: Sequence[tuple[str, str]]

    def knows(self, host: str) -> bool:
        """Whether what is shown of the host is so now."""
        return host == self.own or host in self.heard

    def of(self, host: str) -> list[Row]:
        """The host's groups that move with the activity."""
        return [row for row in self.assignments if row["node_name"] == host and row["service_group_name"] not in self.everywhere]

    @property
    def peer(self) -> str | None:
        """The other controller, also while it is not heard."""
        return next((name for name in sorted(self.nodes) if name != self.own), None)


def has_activity(facts: Facts, host: str) -> Answer:
    """Whether groups that move with the activity are active on the host, or on their way."""
    groups = facts.of(host)
    if not groups or not facts.knows(host):
        return Answer.UNKNOWN
    return Answer.YES if any(_is_active(row) for row in groups) else Answer.NO


def has_partner(facts: Facts) -> bool:
    """Whether there is another controller that could be active."""
    return facts.peer is not None and bool(facts.heard.get(facts.peer, {}).get("is_ready"))


def why_elsewhere(facts: Facts, host: str) -> str | None:
    """Why this controller cannot hand over the activity of the host; None when that is itself."""
    if host == facts.own:
        return None
    if host in facts.heard and facts.heard[host]["is_active"]:
        return f"{host} is the active controller: ask there, at port 7777 of {host}."
    return f"{host} is not active, so there is nothing to hand over. Name the controller that is active."


def why_not_settled(facts: Facts) -> str | None:
    """Why a swact now would meet groups that are on their way or unwell; None when it would not."""
    own = facts.of(facts.own)
    for row in own:
        if row["state"] != "active":
            return f"Service group {row['service_group_name']} is {row['state']} on {facts.own}. Wait until it is active."
    moving = {row["service_group_name"] for row in own}
    for row in facts.of(facts.peer) if facts.peer is not None else ():
        name, host = row["service_group_name"], row["node_name"]
        if name not in moving:
            # Of a configuration that only the other one has, or had.
            continue
        if row["state"] != "standby":
            return f"Service group {name} is {row['state']} on {host}. Wait until it is on standby."
        if row["status"] in _UNWELL:
            more = f" ({row['condition']})" if row["condition"] else ""
            return f"Service group {name} is {row['status']}{more} on {host}. Wait until it is well, or put it right."
    return None


def sole_services(facts: Facts, host: str) -> list[str]:
    """Critical services that only this host provides. Where it is the only controller, nothing can be done about it: none."""
    if facts.peer is None:
        return []
    here: set[str] = set()
    elsewhere: set[str] = set()
    for row in facts.assignments:
        if _is_active(row) and facts.knows(row["node_name"]):
            (here if row["node_name"] == host else elsewhere).add(row["service_group_name"])
    return sorted({service for group, service in facts.critical if group in here - elsewhere})


def states(row: Row, admin: str, oper: str, avail: str) -> dict[str, str]:
    """What a host is from now on; what is not told stays."""
    told = {"administrative": admin, "operational": oper, "availability": avail}
    known = {
        "administrative": row["administrative_state"],
        "operational": row["operational_state"],
        "availability": row["availability_status"],
    }
    return {name: value if value not in ("", "unknown") else known[name] or "unknown" for name, value in told.items()}


def _is_active(row: Row) -> bool:
    return not _ACTIVE.isdisjoint({row["state"], row["desired_state"]})
