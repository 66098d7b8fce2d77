# SPDX-License-Identifier: Apache-2.0
"""When many hosts stop answering together it is the network, and no host is failed for it: multi-node failure avoidance.

Spec mtce-sm.md A3.4. What comes before and after is the caller's: hosts that have failed, or are no longer in service, are not among those
that miss pulses; those that are left at the end get the grace that a single one gets.
"""

import dataclasses
import enum
from collections.abc import Collection, Mapping

# Pulses are so much slower meanwhile, and for a while after.
BACKOFF = 4
RESTORE_S = 3.0


class Step(enum.StrEnum):
    """:cvar ENTER: too many do not answer on one network; none of the hosts is failed from now on
    :cvar JOIN: these do not answer either
    :cvar LEAVE: these answer again
    :cvar EXIT: so few are left that each is a case of its own again; the hosts are those that still do not answer
    :cvar EXPIRE: it has lasted too long; the hosts have failed
    """

    ENTER = "enter"
    JOIN = "join"
    LEAVE = "leave"
    EXIT = "exit"
    EXPIRE = "expire"


@dataclasses.dataclass(frozen=True)
class Effect:
    step: Step
    hosts: frozenset[str]


class Avoidance:
    """:param threshold: so many hosts on one network are too many
    :param timeout_s: for how long at most; 0 for as long as it takes
    :ivar pool: the hosts that are not failed, though they do not answer
    """

    def __init__(self, threshold: int = 2, timeout_s: float = 0.0) -> None:
        self.threshold = threshold
        self.timeout_s = timeout_s
        self.pool: frozenset[str] = frozenset()
        self._since: float | None = None

    @property
    def is_active(self) -> bool:
        return self._since is not None

    def step(self, ailing: Mapping[str, Collection[str]], now: float) -> list[Effect]:
        """What follows from who does not answer.

        :param ailing: by network, the hosts in service that miss pulses there
        :param now: monotonic seconds
        """
        missing = frozenset[str]().union(*ailing.values())
        are_many = any(len(hosts) >= self.threshold for hosts in ailing.values())
        if self._since is None:
            if not are_many:
                return []
            self._since, self.pool = now, missing
            return [Effect(Step.ENTER, missing)]
        joined, left = missing - self.pool, self.pool - missing
        effects = [Effect(step, hosts) for step, hosts in ((Step.JOIN, joined), (Step.LEAVE, left)) if hosts]
        self.pool = missing
        is_over = self.timeout_s > 0 and now >= self._since + self.timeout_s
        if not are_many or is_over:
            effects.append(Effect(Step.EXPIRE if are_many else Step.EXIT, missing))
            self._since, self.pool = None, frozenset()
        return effects

    def cancel(self) -> frozenset[str]:
        """End it without a verdict: losses mean something else from now on. Gives who still does not answer."""
        pool, self.pool, self._since = self.pool, frozenset(), None
        return pool
