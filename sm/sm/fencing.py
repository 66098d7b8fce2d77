# SPDX-License-Identifier: Apache-2.0
"""The third vote where there are two controllers and nobody else: that of their boards, of which one can cut the other one's power.

It is a voter without a host, called FENCING. Each controller counts its vote by itself:

- The holder has it for as long as it lives: nobody else can have been elected without its vote, or without cutting its power. It has it
  for its term; for another one, and for another record, once its promise (below) is over, or the other controller off.
- The other one has it, if it is eligible, once the holder's board says that the holder is off, and if the holder had promised, not too long
  ago, that it would not change the record for a while unless the other one knows.
- A controller that has started anew has it no longer, and needs the other one's vote: it may have been off, and replaced, meanwhile.

So a holder whose fellow is gone, board and all, goes on after that while; one that is gone itself, board and all, is not replaced: nobody
could tell it from one that is alive.
"""

import dataclasses
import enum
import math
from collections.abc import Collection

from sm.lease import BLANK, Answer, Candidate, Request, Voter

FENCING = "(fencing)"


@dataclasses.dataclass(frozen=True)
class Timing:
    """In seconds.

    :ivar promise_s: how long the holder's promise lasts: until then, writes may wait when the other controller is gone, and its board too
    :ivar holder_wait_s: how long the holder waits for the other one before it cuts its power: a process that ends is back by then
    :ivar other_wait_s: how long the other one does, from when the holder's board answers. The holder comes first, as it is the one that
        serves: what it has asked and told is done by then, so that the two do not cut each other's power
    :ivar retry_s: between two questions
    :ivar ask_s, cut_s, restore_s: the longest that a board may take
    :ivar pause_s: one that was not at work for so long waits from the beginning: the other one may be about to cut its power
    :ivar echo_s: one that has not heard this one for so long is as one that is not heard
    """

    promise_s: float = 30.0
    holder_wait_s: float = 2.5
    other_wait_s: float = 10.5
    retry_s: float = 1.0
    ask_s: float = 4.0
    cut_s: float = 6.0
    restore_s: float = 30.0
    pause_s: float = 2.0
    echo_s: float = 1.0


# What a clock may be faster by than another one.
_RATE = 0.9


@dataclasses.dataclass(frozen=True)
class Pledge:
    """What controllers tell each other in every hello.

    :ivar start: of the process that says it
    :ivar said_at: when, by its clock
    :ivar echo: start and time of the newest that it has heard of the other one
    :ivar promise: key of the record that is agreed on, which it promises not to change for a while without the other one
    """

    start: str
    said_at: float
    echo: tuple[str, float] | None = None
    promise: tuple[int, int] | None = None


class NoWitness:
    """What there is of a witness where no board is told of: nobody.

    :cvar voters: whom it speaks for
    """

    voters: frozenset[str] = frozenset()

    def say(self, now: float) -> Pledge | None:
        """What the next hello tells."""
        return None

    def hear(self, sender: str, pledge: Pledge, now: float) -> None:
        """The other controller is there, and says so."""

    def is_echoed(self, now: float) -> bool:
        """Whether the other controller has heard this one a moment ago, and said so."""
        return True

    def find_off(self, off_at: float, now: float) -> None:
        """The other controller's board says that it is off, or was at some time after this moment."""

    def may_cut(self, now: float) -> bool:
        """Whether this one could take over, were the other one's power cut now."""
        return False

    def asked(self, voters: frozenset[str]) -> frozenset[str]:
        """Whom to ask where these vote."""
        return voters

    def answer(self, request: Request, now: float) -> Answer | None:
        """The vote, after this host's own."""
        return None

    def answers(self, answer: Answer) -> list[Answer]:
        """What an answer of somebody says."""
        return [answer]


class Witness(NoWitness):
    """The boards' vote, as one controller counts it.

    :param other: name of the other controller
    :param start: of this process
    """

    voters = frozenset({FENCING})

    def __init__(self, voter: Voter, candidate: Candidate, other: str, start: str, timing: Timing, now: float) -> None:
        self._voter = voter
        self._candidate = candidate
        self._other = other
        self._start = start
        self._timing = timing
        # Whatever this host has promised before it started.
        self._promised_at = now
        self._echo: tuple[str, float] | None = None
        self._heard_at = self._echoed_at = -math.inf
        # What the other one has promised, and until when.
        self._promise: tuple[int, int] = BLANK.key
        self._until = -math.inf
        self._is_off = False
        # The newest vote for somebody else when the other one was found off in time; none may have followed.
        self._succeeds: int | None = None

    def say(self, now: float) -> Pledge:
        record = self._candidate.record
        promise = record.key if FENCING in record.voters and self._candidate.is_agreed() else None
        if promise is not None:
            self._promised_at = now
        return Pledge(self._start, now, self._echo, promise)

    def hear(self, sender: str, pledge: Pledge, now: float) -> None:
        if sender != self._other:
            return
        self._heard_at = now
        self._is_off, self._succeeds = False, None
        if self._echo is None or self._echo[0] != pledge.start or self._echo[1] < pledge.said_at:
            self._echo = pledge.start, pledge.said_at
        if pledge.echo is None or pledge.echo[0] != self._start or not pledge.echo[1] <= now:
            return
        # It cannot have been said before what it answers to.
        self._echoed_at = max(self._echoed_at, pledge.echo[1])
        until = pledge.echo[1] + self._timing.promise_s * _RATE
        if pledge.promise is not None and until >= self._until:
            self._until, self._promise = until, pledge.promise

    def is_echoed(self, now: float) -> bool:
        return now - self._echoed_at < self._timing.echo_s

    def find_off(self, off_at: float, now: float) -> None:
        if off_at <= self._heard_at or self._is_off:
            return
        self._is_off = True
        if self.may_succeed(now):
            self._succeeds = self._voter.other_term

    def may_succeed(self, now: float) -> bool:
        """Whether this one could be elected if the other one were off by then."""
        record = self._voter.kept.record
        return now < self._until and record.key >= self._promise and self._voter.name in record.eligible

    def may_cut(self, now: float) -> bool:
        return self.may_succeed(now + self._timing.cut_s)

    def asked(self, voters: frozenset[str]) -> frozenset[str]:
        return voters | {self._other} if FENCING in voters else voters

    def answer(self, request: Request, now: float) -> Answer | None:
        if not self._has_vote:
            return None
        # It elects nobody, and agrees on no record, that the other one may not know, which may count on what was before.
        is_known = self._is_off or now >= self._promised_at + self._timing.promise_s
        term, record = (request.term, request.record) if is_known else (self._candidate.won, BLANK)
        if request.is_probe and term != request.term:
            return None
        return Answer(FENCING, True, request.start, request.number, request.sent_at, term, record, is_probe=request.is_probe)

    @property
    def _has_vote(self) -> bool:
        """Whether the boards vote for this one, whatever the other one says."""
        return self._candidate.continues or self._succeeds == self._voter.other_term

    def answers(self, answer: Answer) -> list[Answer]:
        """What an answer of somebody says: the other controller's also for the boards, as nobody counts on them against that one."""
        is_both = answer.voter == self._other and (answer.is_granted or not self._has_vote)
        return [answer, *([dataclasses.replace(answer, voter=FENCING)] if is_both else [])]


class Step(enum.StrEnum):
    """:cvar IDLE: the other controller is there, or need not be
    :cvar ASKING: its board is asked whether it is on
    :cvar WAITING: it is, or the board does not answer
    :cvar CUTTING: its power is cut
    :cvar OFF: it is off, or was
    :cvar RESTORING: it gets its power back
    """

    IDLE = "idle"
    ASKING = "asking"
    WAITING = "waiting"
    CUTTING = "cutting"
    OFF = "off"
    RESTORING = "restoring"


class Order(enum.StrEnum):
    """What a board is told."""

    ASK = "status"
    CUT = "off"
    RESTORE = "on"


class Power(enum.StrEnum):
    """How an order came out: the host's power, or that nobody can tell."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Facts:
    """:ivar is_heard: the other controller is
    :ivar is_needed: its vote, or its silence, keeps something from going on
    :ivar holds: this one has the lease
    :ivar may_succeed: this one may replace the other one, if that one is off soon enough
    :ivar done: how the last order came out, once it did
    """

    now: float
    is_heard: bool
    is_needed: bool
    holds: bool
    may_succeed: bool
    done: Power | None = None


def is_needed(voters: Collection[str], holds: bool, eligible: Collection[str], other: str) -> bool:
    """Whether the silence of the other controller keeps something from going on.

    :param voters: of the newest record
    :param eligible: by the newest record, or the last one that was agreed on
    """
    return FENCING in voters and (not holds or other in eligible)


@dataclasses.dataclass(frozen=True)
class Fencer:
    """Cuts the power of a controller that is silent, when its fellow cannot go on without.

    :ivar seen_at: when it was looked at last
    :ivar silent_at: since when it is
    :ivar reached_at: since when its board says that it is on; None while it has not answered
    :ivar at: when the last order was given
    :ivar off_at: it was off at some time after this moment
    :ivar has_cut: this one has cut its power, or tried to, so it gives it back
    """

    step: Step = Step.IDLE
    seen_at: float = dataclasses.field(default=0.0, compare=False)
    silent_at: float = 0.0
    reached_at: float | None = None
    at: float = 0.0
    off_at: float | None = None
    has_cut: bool = False

    def moments(self, timing: Timing) -> list[float]:
        """When something may follow though nothing has happened."""
        if self.step is Step.WAITING:
            return [self.at + timing.retry_s, *(self.cut_at(holds, timing) for holds in (False, True))]
        return [self.at + timing.retry_s, self.at + timing.ask_s] if self.step is Step.OFF else []

    def cut_at(self, holds: bool, timing: Timing) -> float:
        """From when on its power is cut, if it is on."""
        if self.reached_at is None:
            return math.inf
        # After a time when nobody reached anything, the holder comes first again.
        return self.silent_at + timing.holder_wait_s if holds else self.reached_at + timing.other_wait_s


def follow(fencer: Fencer, facts: Facts, timing: Timing) -> tuple[Fencer, Order | None]:
    """What follows from how things are. It may be called at any time, and again."""
    may = facts.is_needed and not facts.is_heard and (facts.holds or facts.may_succeed)
    if fencer.step in (Step.ASKING, Step.WAITING) and facts.now - fencer.seen_at > timing.pause_s:
        fencer = dataclasses.replace(fencer, silent_at=facts.now, reached_at=None)
    fencer = dataclasses.replace(fencer, seen_at=facts.now)
    if fencer.step in (Step.CUTTING, Step.OFF, Step.RESTORING):
        return _after_order(fencer, facts, timing, may)
    match fencer.step:
        case Step.IDLE if may:
            return _ask(Fencer(seen_at=facts.now, silent_at=facts.now), facts)
        case Step.ASKING if facts.done is Power.OFF:
            return dataclasses.replace(fencer, step=Step.OFF, off_at=fencer.at), None
        case Step.ASKING if facts.done is not None:
            # While it does not answer, nothing is known of it.
            reached_at = (fencer.reached_at or facts.now) if facts.done is Power.ON else None
            return dataclasses.replace(fencer, step=Step.WAITING, reached_at=reached_at), None
        case Step.WAITING if not may:
            return (dataclasses.replace(fencer, step=Step.OFF) if fencer.has_cut else Fencer()), None
        case Step.WAITING if facts.now >= fencer.cut_at(facts.holds, timing):
            return dataclasses.replace(fencer, step=Step.CUTTING, at=facts.now, has_cut=True), Order.CUT
        case Step.WAITING if facts.now >= fencer.at + timing.retry_s:
            return _ask(fencer, facts)
    return fencer, None


def _after_order(fencer: Fencer, facts: Facts, timing: Timing, may: bool) -> tuple[Fencer, Order | None]:
    """What follows once it is off, or shall be.

    :param may: it may still not be on
    """
    match fencer.step:
        case Step.CUTTING if facts.done is Power.OFF:
            return dataclasses.replace(fencer, step=Step.OFF, off_at=fencer.at), None
        case Step.CUTTING if facts.done is not None:
            return dataclasses.replace(fencer, step=Step.WAITING, reached_at=None), None
        case Step.OFF if may and facts.now >= fencer.at + timing.ask_s:
            # It may have said something between the order and its end.
            return _ask(dataclasses.replace(fencer, silent_at=facts.now, reached_at=None), facts)
        case Step.OFF if not may and fencer.has_cut and facts.now >= fencer.at + timing.retry_s:
            return dataclasses.replace(fencer, step=Step.RESTORING, at=facts.now), Order.RESTORE
        case Step.OFF if facts.is_heard and not fencer.has_cut:
            return Fencer(), None
        case Step.RESTORING if facts.done is Power.ON:
            return Fencer(), None
        case Step.RESTORING if facts.done is not None:
            return dataclasses.replace(fencer, step=Step.OFF, at=facts.now), None
    return fencer, None


def _ask(fencer: Fencer, facts: Facts) -> tuple[Fencer, Order]:
    return dataclasses.replace(fencer, step=Step.ASKING, at=facts.now), Order.ASK
