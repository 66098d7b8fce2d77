# SPDX-License-Identifier: Apache-2.0
"""What mtce and sysinv ask of a controller: states that they tell, a swact, and whether one could be (spec mtce-sm.md B5.1)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from sm import control
from sm.api import rules, states
from sm.api.rules import Code

TOLD = ("lock", "unlock", "event")
SWACTS = ("swact", "swact-force")
CHECKS = ("swact-pre-check", "lock-pre-check")
_LOCKED = {"lock": "locked", "unlock": "unlocked"}


@dataclasses.dataclass(frozen=True)
class Order:
    """:ivar admin: as told; `unknown` leaves what is known, likewise of the other two"""

    host: str
    action: str
    admin: str = "unknown"
    oper: str = "unknown"
    avail: str = "unknown"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """:ivar details: why not; empty when it was done
    :ivar impact: services that would be lost
    """

    code: Code = Code.DONE
    details: str = ""
    impact: Sequence[str] = ()


def carry_out(order: Order) -> Outcome:
    """Do it, or say why not.

    :raises exception.Unavailable: when Service Management is away
    """
    facts = states.facts()
    if order.host not in facts.nodes:
        return Outcome(
            Code.NO_HOST, f"There is no controller {order.host}. There are: {', '.join(sorted(facts.nodes)) or 'none'}."
        )
    if order.action == "lock-pre-check":
        return _lockable(facts, order.host)
    if order.action == "swact-pre-check":
        return _swactable(facts, order.host)
    if order.action in SWACTS:
        return _swact(facts, order)
    return _tell(facts, order)


def is_swactable(facts: rules.Facts, host: str) -> rules.Answer:
    """Whether the host could hand over its activity now. Only itself knows."""
    activity = rules.has_activity(facts, host)
    if activity is not rules.Answer.YES:
        return activity
    if host != facts.own:
        return rules.Answer.UNKNOWN
    return rules.Answer.YES if _swactable(facts, host).code is Code.DONE else rules.Answer.NO


def _lockable(facts: rules.Facts, host: str) -> Outcome:
    lost = rules.sole_services(facts, host)
    if not lost:
        return Outcome()
    cure = (
        "Swact first." if rules.has_activity(facts, host) is rules.Answer.YES else "Put them right on the other controller first."
    )
    return Outcome(Code.SOLE_PROVIDER, f"Only {host} provides {', '.join(lost)}. {cure}", lost)


def _swactable(facts: rules.Facts, host: str) -> Outcome:
    reason = rules.why_elsewhere(facts, host)
    if reason is not None:
        return Outcome(Code.FAILED, reason)
    outcome = _asked(facts, do="precheck")
    reason = outcome.details or rules.why_not_settled(facts)
    return _refused(facts, reason) if reason else outcome


def _swact(facts: rules.Facts, order: Order) -> Outcome:
    reason = rules.why_elsewhere(facts, order.host)
    if reason is not None:
        return Outcome(Code.FAILED, reason)
    return _asked(facts, do="swact", force=order.action == "swact-force")


def _tell(facts: rules.Facts, order: Order) -> Outcome:
    if order.host != facts.own:
        reason = (
            f"{facts.own} takes the states of {facts.own} only: tell those of {order.host} there, at port 7777 of {order.host}."
        )
        return Outcome(Code.FAILED, reason)
    if order.action == "lock" and (outcome := _lockable(facts, order.host)).code is not Code.DONE:
        return outcome
    told = rules.states(facts.nodes[order.host], _LOCKED.get(order.action, order.admin), order.oper, order.avail)
    return _asked(facts, do="node", **told)


def _asked(facts: rules.Facts, **request: Any) -> Outcome:
    try:
        answer = states.ask(**request)
    except control.ControlError as error:
        # It tells one that is away from one that refuses.
        states.status()
        return _refused(facts, str(error))
    return Outcome(details=answer.get("reason") or "")


def _refused(facts: rules.Facts, reason: str) -> Outcome:
    return Outcome(Code.FAILED if rules.has_partner(facts) else Code.NOBODY_TO_SWACT_TO, reason)
