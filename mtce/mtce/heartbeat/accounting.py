# SPDX-License-Identifier: Apache-2.0
"""Which hosts answer pulses on a network, and what becomes of those that do not.

Spec mtce-sm.md A3.2. What it costs in a period grows with the hosts that do not answer; those that do are a member of a set each.
"""

import dataclasses
import enum
from typing import Annotated

import msgspec


class Level(enum.IntEnum):
    """How a host is on a network, by the pulses in a row that it has missed."""

    CLEAR = 0
    MINOR = 1
    DEGRADED = 2
    LOST = 3


Count = Annotated[int, msgspec.Meta(ge=1)]


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """After how many pulses that were missed in a row a host has each level.

    :ivar repeat: while it is lost, that is told again after so many more
    :ivar recover: so many answers in a row end a loss; one is enough to end the others
    """

    minor: Count = 4
    degrade: Count = 6
    failure: Count = 10
    repeat: Count = 100
    recover: Count = 10

    def level(self, missed: int) -> Level:
        if missed >= self.failure:
            return Level.LOST
        if missed >= self.degrade:
            return Level.DEGRADED
        return Level.MINOR if missed >= self.minor else Level.CLEAR


@dataclasses.dataclass(frozen=True)
class Change:
    """A host has another level, or is still lost.

    :ivar missed: in a row, so far
    """

    host: str
    level: Level
    missed: int


@dataclasses.dataclass
class _Ailing:
    """A host that missed a pulse of late."""

    missed: int = 0
    answered: int = 0
    level: Level = Level.CLEAR


class Accounts:
    """The hosts that are watched on one network.

    :ivar watched: who is; whoever else answers does not count
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self.watched: frozenset[str] = frozenset()
        self._sequence = 0
        self._asked: frozenset[str] = frozenset()
        self._answered: set[str] = set()
        self._ailing: dict[str, _Ailing] = {}

    @property
    def ailing(self) -> dict[str, tuple[Level, int]]:
        """Of hosts that are not well, the level, and how many pulses in a row they have missed."""
        return {host: (each.level, each.missed) for host, each in self._ailing.items() if each.level is not Level.CLEAR}

    def watch(self, hosts: set[str]) -> None:
        """Watch these from the next pulse on, and no others; whoever was watched before goes on as he is."""
        self.watched = frozenset(hosts)
        for host in self._ailing.keys() - hosts:
            del self._ailing[host]

    def begin(self, sequence: int, is_asked: bool = True) -> None:
        """A pulse goes out; answers to earlier ones count no longer.

        :param is_asked: else it did not leave this host, and nobody can have missed it
        """
        self._sequence = sequence
        # Whoever is watched only since then was not asked either.
        self._asked = self.watched if is_asked else frozenset()
        self._answered.clear()

    def hear(self, host: str, sequence: int) -> bool:
        """Whether it is an answer of a host that is watched, and the first one to this pulse."""
        if sequence != self._sequence or host not in self.watched or host in self._answered:
            return False
        self._answered.add(host)
        return True

    def end(self) -> list[Change]:
        """The time for answers is over. Gives what changed, for hosts in the order of their names."""
        changes = []
        missing = (self._asked & self.watched) - self._answered
        for host in sorted(missing | self._ailing.keys()):
            change = self._miss(host) if host in missing else self._recover(host)
            if change is not None:
                changes.append(change)
        return changes

    def _miss(self, host: str) -> Change | None:
        ailing = self._ailing.setdefault(host, _Ailing())
        ailing.missed += 1
        ailing.answered = 0
        before, ailing.level = ailing.level, max(ailing.level, self.thresholds.level(ailing.missed))
        more = ailing.missed - self.thresholds.failure
        again = more >= 0 and more % self.thresholds.repeat == 0
        return Change(host, ailing.level, ailing.missed) if ailing.level > before or again else None

    def _recover(self, host: str) -> Change | None:
        ailing = self._ailing[host]
        if host not in self._answered:
            # It was not asked.
            return None
        ailing.answered += 1
        ailing.missed = 0
        if ailing.level is Level.LOST and ailing.answered < self.thresholds.recover:
            return None
        del self._ailing[host]
        return Change(host, Level.CLEAR, 0) if ailing.level is not Level.CLEAR else None
