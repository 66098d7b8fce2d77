# SPDX-License-Identifier: Apache-2.0
"""The lease that makes a controller the active one: granted by a majority of voters, for a fraction of a second at a time.

Voters are the controllers and other hosts. Each grants to one candidate at a time, and keeps that promise for longer than the candidate
counts on it. Any two majorities have a voter in common, so two candidates never hold the lease at the same moment, whatever is lost,
late, frozen or restarted. Clocks need not agree; they have to run at about the same speed.

Who the voters are, and which controllers have all the data, is itself agreed on: a record that voters keep on disk. A candidate must
know the newest record that was agreed on, must be eligible by it, and changes it only as the holder, by one voter at a time.

Terms, votes and the order of records follow the Raft consensus algorithm, for a log that is one record long.
"""

import dataclasses
import math
import random
from collections.abc import Collection, Iterable


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long things last, in seconds.

    :ivar renew_s: between two requests of a candidate
    :ivar lease_s: for how long a grant counts, from the moment its request was sent
    :ivar promise_s: for how long a voter keeps it, from the moment the request came. What it is longer by covers clocks that run at
        different speeds, and the moment that a kernel needs to stop what the lease allowed
    :ivar retry_s: after an election that nobody won, each candidate waits up to this long, at random
    :ivar stand_s: for how long a candidate waits for votes, which a busy disk may hold up
    """

    renew_s: float = 0.08
    lease_s: float = 0.25
    promise_s: float = 0.35
    retry_s: float = 0.1
    stand_s: float = 1.0


@dataclasses.dataclass(frozen=True)
class Record:
    """What voters agree on.

    :ivar term: of the holder that wrote it; every election has another one
    :ivar revision: counts the changes that this holder made
    :ivar voters: whose grants count
    :ivar eligible: controllers that have all that was ever acknowledged; no other becomes active by itself
    """

    term: int
    revision: int
    voters: frozenset[str]
    eligible: frozenset[str]

    @property
    def key(self) -> tuple[int, int]:
        """Of two records the one with the greater key is newer."""
        return self.term, self.revision


# What a voter keeps that has never heard of a system.
BLANK = Record(-1, 0, frozenset(), frozenset())
_NO_KEY = BLANK.key


@dataclasses.dataclass(frozen=True)
class Request:
    """A candidate asks for a grant.

    :ivar start: of the candidate's process
    :ivar number: greater than that of every earlier message of the candidate, since it started
    :ivar sent_at: when it was sent, by the candidate's clock; it comes back with the answer
    :ivar record: the newest that the candidate knows; once it is elected, its own
    :ivar is_probe: it only asks what the answer would be, so that an election without a chance disturbs nobody
    """

    candidate: str
    start: str
    number: int
    sent_at: float
    term: int
    record: Record
    is_probe: bool = False


@dataclasses.dataclass(frozen=True)
class Release:
    """A candidate needs its grants no longer."""

    candidate: str
    start: str
    number: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a voter says to a request.

    :ivar start, number: of the request
    :ivar term: the newest that the voter has voted in
    :ivar record: the voter's own, as it is on its disk
    :ivar remaining_s: for how long it has promised its grant to another candidate
    """

    voter: str
    is_granted: bool
    start: str
    number: int
    sent_at: float
    term: int
    record: Record
    remaining_s: float = 0.0
    is_probe: bool = False


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a voter keeps on disk: it is there before anybody is told so.

    :ivar term: the newest that it has voted in
    :ivar holder: whom it voted for in that term
    """

    term: int = -1
    holder: str | None = None
    record: Record = BLANK


class Voter:
    """One voter.

    Disks may be slow. A vote is told once it is stored; a grant to whoever has the vote already is given at once, and tells of the record
    that is stored.

    :param kept: what was on disk when it started
    :ivar kept: what it has decided, and what is to be stored; whoever stores it calls `on_stored`
    :ivar other_term: the newest in which it has voted for somebody else
    """

    def __init__(self, name: str, kept: Kept, timing: Timing, now: float) -> None:
        self.name = name
        self.kept = kept
        self._stored = kept
        # To the holder, once all that was decided is stored.
        self._withheld: Answer | None = None
        self.other_term = -1 if kept.holder == name else kept.term
        self._timing = timing
        # What it promised before it started is not known: it promises nothing to anybody else for as long.
        self._promised_until = now + timing.promise_s
        # By candidate: its start, and the number of its last message.
        self._last: dict[str, tuple[str, int]] = {}

    def remaining_s(self, candidate: str, now: float) -> float:
        """For how long this candidate cannot have the grant."""
        return 0.0 if candidate == self.kept.holder else max(0.0, self._promised_until - now)

    def on_request(self, request: Request, now: float) -> Answer | None:
        """The answer; None to a message that came late, after a newer one of the same candidate, and to one that is answered later."""
        if not self._is_new(request):
            return None
        is_granted = self._may_grant(request, now)
        if is_granted and not request.is_probe:
            self._promised_until = now + self._timing.promise_s
            if request.candidate != self.name:
                self.other_term = request.term
            record = max(self.kept.record, request.record, key=_key)
            self.kept = Kept(request.term, request.candidate, record)
        answer = Answer(
            self.name,
            is_granted,
            request.start,
            request.number,
            request.sent_at,
            self.kept.term,
            self._stored.record,
            0.0 if is_granted else self.remaining_s(request.candidate, now),
            request.is_probe,
        )
        if is_granted and not request.is_probe and self._stored != self.kept:
            self._withheld = answer
            if self._stored.holder != self.kept.holder:
                return None
            # A promise to whom it has voted for before needs no disk; it is no vote in the new term.
            return dataclasses.replace(answer, term=self._stored.term)
        return answer

    def on_stored(self, kept: Kept) -> tuple[str, Answer] | None:
        """This is on disk now. Gives to whom there is something to say of it, and what."""
        self._stored = kept
        if self._withheld is None or kept != self.kept or kept.holder is None:
            return None
        answer, self._withheld = dataclasses.replace(self._withheld, record=kept.record), None
        return kept.holder, answer

    def on_release(self, release: Release, now: float) -> None:
        if self._is_new(release) and release.candidate == self.kept.holder:
            self._promised_until = now

    def learn(self, record: Record) -> None:
        """Keep a record that another voter has, if it is newer."""
        self.kept = dataclasses.replace(self.kept, record=max(self.kept.record, record, key=_key))

    def _is_new(self, message: Request | Release) -> bool:
        start, number = self._last.get(message.candidate, ("", 0))
        if start == message.start and message.number <= number:
            return False
        self._last[message.candidate] = (message.start, message.number)
        return True

    def _may_grant(self, request: Request, now: float) -> bool:
        if request.record.key < self.kept.record.key or request.candidate not in request.record.eligible:
            return False
        if self.kept.record == BLANK and (request.is_probe or request.record.term != request.term):
            # Its disk may have been wiped since others have agreed on something with it. It learns from one that is elected.
            return False
        if request.term == self.kept.term:
            return request.candidate == self.kept.holder
        return request.term > self.kept.term and self.remaining_s(request.candidate, now) <= 0.0


class Candidate:
    """A controller that wants the lease, or has it.

    :param voter: this controller's own, which keeps the newest record that it knows
    :param start: differs after every start of the process
    :ivar wants: whether it tries to get the lease, and to keep it
    :ivar trial: asked too, so that it is known who would grant: to add a voter that does not yet is to lose the lease
    :ivar wake_at: when `request` is to be called next
    """

    def __init__(self, voter: Voter, start: str, timing: Timing, chance: random.Random) -> None:
        self.name = voter.name
        self.wants = False
        self.trial: frozenset[str] = frozenset()
        self.wake_at = -math.inf
        self._voter = voter
        self._start = start
        self._timing = timing
        self._chance = chance
        self._number = 0
        self._released_at = 0
        self._seen_term = voter.kept.term
        # The term that it stands in, or was elected in, and since when; None between two.
        self._term: int | None = None
        self._since = -math.inf
        # The newest term in which it was elected.
        self._won = -1
        # The same, while its record of that term is still known as it made it, and how long it tries for once the lease is over.
        self._resumable = -1
        self._resume_by = -math.inf
        self._record = voter.kept.record
        # The record whose voters must agree too, while a change of it is not agreed on.
        self._old: Record | None = None
        # Who would vote for it, as the last probe tells, and that one's number; who did, in its term, and who refused; what each keeps;
        # whose promise is how old.
        self._would: set[str] = set()
        self._probed = 0
        self._votes: set[str] = set()
        self._refused: set[str] = set()
        self._agreed: dict[str, tuple[int, int]] = {}
        self._granted: dict[str, float] = {}

    @property
    def term(self) -> int | None:
        return self._term

    @property
    def record(self) -> Record:
        """Its own, or the newest that it knows."""
        return self._voter.kept.record if self._term is None else self._record

    @property
    def won(self) -> int:
        """The newest term in which it was elected; -1 before the first."""
        return self._won

    @property
    def is_elected(self) -> bool:
        """Whether a majority voted for it in its term; the record is then its own."""
        return self._term is not None and self._record.term == self._term

    @property
    def continues(self) -> bool:
        """Whether nobody can have been elected since it was, if its own vote would have been needed."""
        return self._won > self._voter.other_term and self._voter.kept.record.term == self._won

    def holds_until(self) -> float:
        """When the lease ends, by the candidate's own clock; it may be over already."""
        if self._term is None:
            return -math.inf
        return min(self._majority_sent_at(voters) for voters in self._voter_sets()) + self._timing.lease_s

    def is_agreed(self) -> bool:
        """Whether a majority keeps its record, the last change included."""
        return self.is_elected and all(self._is_majority_agreed(voters) for voters in self._voter_sets())

    def grants(self, voter: str, now: float) -> bool:
        """Whether a voter, or somebody on trial, has granted the lease a moment ago."""
        return now - self._granted.get(voter, -math.inf) < self._timing.lease_s

    def change(self, voters: Iterable[str], eligible: Iterable[str]) -> bool:
        """Go one step towards such a record: one voter more or less. Gives whether it is reached, and agreed on.

        Nothing happens while it is not the holder's to change, or while the last step is not agreed on. A voter that does not answer is
        none to add: its grant would be missed at once.
        """
        wanted, may = frozenset(voters), frozenset(eligible)
        if not self.is_agreed():
            return False
        own = self._record
        if (own.voters, own.eligible) == (wanted, may):
            return True
        # Whoever does not answer goes first, or comes last: the lease rests on the others meanwhile.
        by_answer = {name: self._granted.get(name, -math.inf) for name in wanted | own.voters}
        missing = sorted(wanted - own.voters, key=lambda name: (-by_answer[name], name))
        surplus = sorted(own.voters - wanted, key=lambda name: (by_answer[name], name))
        is_silent = bool(surplus) and by_answer[surplus[0]] < by_answer[self.name] - self._timing.lease_s
        step = own.voters | set(missing[:1]) if missing and not is_silent else own.voters - set(surplus[:1])
        self._record, self._old = Record(own.term, own.revision + 1, step, may), own
        # The voters hear of it at once.
        self.wake_at = -math.inf
        return False

    def request(self, now: float) -> tuple[Request, frozenset[str]] | None:
        """What to send now, and to whom, its own voter among them; None where there is nothing to ask for."""
        self.wake_at = now + self._timing.renew_s
        wait_s = self._timing.lease_s if self.is_elected else self._timing.stand_s
        if self._term is not None and now >= max(self.holds_until(), self._since + wait_s):
            # It hears nobody, or not enough. Whoever hears it would go on keeping its promise to it, and grant to nobody else.
            was_elected, self._term = self.is_elected, None
            self._resume_by = now + self._timing.stand_s
            if not was_elected:
                # Not at once, so that these promises end, and another one may stand.
                self.wake_at = now + self._timing.promise_s + self._chance.uniform(0.0, self._timing.retry_s)
                return None
        if not self.wants or (self._term is None and not self._may_stand(now)):
            return None
        self._number += 1
        term, is_probe = self._term, self._term is None
        if term is None:
            if now >= self._resume_by:
                # A change of voters, say, that cannot be agreed on would be in the way for ever.
                self._resumable = -1
            term = self._won if self._may_resume else self._next_term()
            self._would.clear()
            self._probed = self._number
            if not self._may_resume or self._record.key < self._voter.kept.record.key:
                self._record, self._old, self._resumable = self._voter.kept.record, None, -1
        request = Request(self.name, self._start, self._number, now, term, self._record, is_probe)
        return request, frozenset().union(*self._voter_sets(), self.trial if self.is_elected else ())

    def on_answer(self, answer: Answer, now: float) -> None:
        # To a process before this one: its numbers and times mean nothing here.
        if answer.start != self._start:
            return
        self._seen_term = max(self._seen_term, answer.term)
        if answer.number <= self._released_at or not self.wants:
            return
        if answer.is_probe:
            self._on_probe_answer(answer, now)
        elif self._term is not None:
            self._on_grant(answer, now) if answer.is_granted else self._on_refusal(answer, now)

    def release(self) -> tuple[Release, frozenset[str]] | None:
        """Let the lease go, so that another one can have it at once. What is sent, and to whom.

        All that needs the lease was stopped before.
        """
        self.wants = False
        if self._term is None:
            return None
        self._number += 1
        self._released_at = self._number
        everybody = frozenset().union(*self._voter_sets(), self.trial)
        self._term = None
        self._granted.clear()
        return Release(self.name, self._start, self._number), everybody

    def _on_probe_answer(self, answer: Answer, now: float) -> None:
        if answer.is_granted and answer.number == self._probed:
            self._would.add(answer.voter)
        if self._term is not None or answer.number != self._number:
            return
        if answer.is_granted:
            if all(_is_majority(self._would, voters) for voters in self._voter_sets()):
                if self._may_resume:
                    self._term, self._since = self._won, now
                else:
                    self._begin_term(now)
                self.wake_at = now
            return
        self._voter.learn(answer.record)
        if 0.0 < answer.remaining_s < self._timing.renew_s:
            self.wake_at = min(self.wake_at, now + answer.remaining_s)

    def _on_grant(self, answer: Answer, now: float) -> None:
        # A promise is one to this candidate, in whichever of its terms it was made.
        self._granted[answer.voter] = max(self._granted.get(answer.voter, -math.inf), answer.sent_at)
        self._refused.discard(answer.voter)
        if answer.term != self._term:
            return
        self._votes.add(answer.voter)
        self._agreed[answer.voter] = max(self._agreed.get(answer.voter, _NO_KEY), answer.record.key)
        if not self.is_elected and all(_is_majority(self._votes, voters) for voters in self._voter_sets()):
            self._record = dataclasses.replace(self._record, term=answer.term, revision=0)
            self._won = self._resumable = answer.term
            self.wake_at = now
        elif self.is_agreed():
            self._old = None

    def _on_refusal(self, answer: Answer, now: float) -> None:
        if now >= self.holds_until():
            self._voter.learn(answer.record)
            self._refused.add(answer.voter)
            if answer.record.key > self._record.key or not self._may_win():
                self._term = None
                self.wake_at = now + self._chance.uniform(0.0, self._timing.retry_s)
        elif answer.term > (self._term or 0) or self._voted_for_another(answer):
            # Somebody stood whom this voter could not refuse; in a newer term it is won back.
            self._begin_term(now)

    def _voted_for_another(self, answer: Answer) -> bool:
        """Whether the voter refuses only because of its vote in this term."""
        return answer.term == self._term and answer.remaining_s <= 0.0 and answer.record.key <= self._record.key

    def _may_stand(self, now: float) -> bool:
        """Whether it may ask who would vote for it. Even one that is not eligible does: what it knows may be old, and others tell."""
        return self._voter.remaining_s(self.name, now) <= 0.0

    def _begin_term(self, now: float) -> None:
        self._term = self._seen_term = self._next_term()
        self._since = now
        self._votes.clear()
        self._refused.clear()
        self._agreed.clear()

    def _next_term(self) -> int:
        return max(self._seen_term, self._voter.kept.term) + 1

    @property
    def _may_resume(self) -> bool:
        """Whether its last term goes on if voters say so: it was late, and nobody stood meanwhile. There is nothing to be stored then."""
        return self.continues and self._seen_term == self._resumable

    def _may_win(self) -> bool:
        """Whether those who would have voted for it, and have not refused, are enough."""
        return all(_is_majority(self._would - self._refused, voters) for voters in self._voter_sets())

    def _voter_sets(self) -> list[frozenset[str]]:
        return [self._record.voters] if self._old is None else [self._record.voters, self._old.voters]

    def _majority_sent_at(self, voters: Collection[str]) -> float:
        """When the requests were sent, at the least, that a majority granted."""
        if not voters:
            return -math.inf
        sent = sorted([self._granted.get(voter, -math.inf) for voter in voters], reverse=True)
        return sent[len(voters) // 2]

    def _is_majority_agreed(self, voters: Collection[str]) -> bool:
        own = self._record.key
        return 2 * len([voter for voter in voters if self._agreed.get(voter, _NO_KEY) >= own]) > len(voters)


def _key(record: Record) -> tuple[int, int]:
    return record.key


def _is_majority(found: Collection[str], voters: Collection[str]) -> bool:
    return 2 * len([voter for voter in voters if voter in found]) > len(voters)
