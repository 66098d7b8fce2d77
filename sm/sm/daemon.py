# SPDX-License-Identifier: Apache-2.0
"""The two loops that stand on the lease: a voter's, on every host, and a controller's, which wants the lease and acts on it.

It is alone in its thread, and waits for nothing but messages and time: services take as long as they like elsewhere.
"""

import dataclasses
import logging
import math
import random
import selectors
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from sm import fencing, lease, quorum
from sm.keeper import Background, Keeper
from sm.lease import BLANK, Record
from sm.messages import Body, Hello
from stx.datagrams import Drop
from stx.paths import Paths

LOG = logging.getLogger(__name__)

# Nothing that only this loop can notice is later than this.
_IDLE_S = 0.1
HELLO_S = 0.1
VOTER_HELLO_S = 1.0
# After so long without a word a host counts as gone: for data that is written together, and for the vote.
SILENT_S = 0.5
FORGET_S = 3.0
# For others to count on this host no more, when it is told to end.
RETIRE_S = 2.0
COUNT_S = 1.0
SHOW_S = 0.02
# Datagrams a second that are dropped, from which on they are taken in together.
MOST_DROPPED = 100
BREATH_S = 0.01


class Power(Protocol):
    """What may be done only while the lease lasts."""

    def renew(self, until: float) -> None:
        """The lease lasts until then, in monotonic seconds; called at each renewal."""

    def lost(self) -> None:
        """It is over: whatever the kernel did not stop by itself is stopped now."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the rest of a controller wants of the loop.

    :ivar hello: what is said to the other controller
    :ivar wants_lease: once it is not wanted, it is let go
    :ivar eligible: whom the record shall name, where it is this controller's to say
    :ivar number: another one each time that something else shall be eligible
    :ivar off_at: the other controller was off at some time after this, by the monotonic clock; None when nobody has found it so
    """

    hello: Hello | None = None
    wants_lease: bool = True
    eligible: frozenset[str] | None = None
    number: int = 0
    off_at: float | None = None


@dataclasses.dataclass(frozen=True)
class View:
    """What the loop sees.

    :ivar is_agreed: the record is this controller's, and a majority keeps it
    :ivar number: of the newest wish that the loop has followed: what was agreed on before says nothing of a later one
    :ivar granting: who has granted the lease to this controller a moment ago, whether it votes or would
    :ivar heard: who was heard a moment ago, and said what
    :ivar paths: by network and name, of whoever was ever heard there, whether it still is
    :ivar networks: whether each network works: its port has a link, and somebody is heard there, where anybody ever was
    :ivar dropped: how many datagrams were dropped, by network and reason; not the newest figures
    :ivar may_succeed: were the other controller's power cut now, this one could take over
    :ivar is_echoed: the other controller has heard this one a moment ago; always, where it cannot have its power cut
    """

    holds: bool = False
    record: Record = BLANK
    is_agreed: bool = False
    granting: frozenset[str] = frozenset()
    heard: dict[str, Hello] = dataclasses.field(default_factory=dict)
    paths: dict[tuple[str, str], bool] = dataclasses.field(default_factory=dict)
    networks: dict[str, bool] = dataclasses.field(default_factory=dict)
    dropped: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    number: int = 0
    may_succeed: bool = False
    is_echoed: bool = True


class Loop:
    """A voter; with a candidate, a controller.

    :param power: of a controller
    :param changed: called when the view has changed
    :param dropped: tells how many datagrams were dropped, by network and reason
    :param other: the other controller, where the two can cut each other's power
    :param is_ready: whether the host may be counted on; it is asked before it is said
    :ivar view: what is seen
    """

    def __init__(
        self,
        name: str,
        start: int,
        keeper: Keeper,
        paths: Paths[Body],
        timing: lease.Timing,
        power: Power | None = None,
        chance: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        wish: Wish | None = None,
        changed: Callable[["View"], None] = lambda view: None,
        dropped: Callable[[], Mapping[tuple[str, Drop], int]] = dict,
        other: str | None = None,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.view = View()
        self._clock = clock
        self._keeper = Background(keeper)
        # What the disk said last, while it stores nothing.
        self._refusal = ""
        self._paths = paths
        self._power = power
        self._wish = wish or Wish()
        self._changed = changed
        self._dropped = dropped
        self._is_ready = is_ready
        self._counted: dict[tuple[str, str], int] = {}
        self._count_at = self._show_at = self._breath_at = self._renew_at = -math.inf
        self._dropped_of_late = 0
        self._is_flooded = False
        self._is_stopping = False
        self._held_until: float | None = None
        self._hello_at = -math.inf
        self._retire_by = math.inf
        # Whether it said that it is not ready, and that it leaves.
        self._said = (True, True)
        self._heard: dict[str, tuple[float, Hello]] = {}
        self.voter = lease.Voter(name, keeper.kept, timing, clock())
        self.candidate: lease.Candidate | None = None
        if power is not None:
            self.candidate = lease.Candidate(self.voter, str(start), timing, chance or random.SystemRandom())
        self._witness = fencing.NoWitness()
        if self.candidate is not None and other is not None:
            self._witness = fencing.Witness(self.voter, self.candidate, other, str(start), fencing.Timing(), clock())
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._keeper.descriptor, selectors.EVENT_READ, self._stored)
        for path, made in paths.sockets:
            self._selector.register(made, selectors.EVENT_READ, path)

    def stop(self) -> None:
        """End the loop soon; may be called by a signal handler."""
        self._is_stopping = True

    def retire(self) -> None:
        """Say that the host cannot be counted on, and end a moment later; may be called by a signal handler.

        It votes on meanwhile. That it is out of the record that it has is no reason to end sooner: there may be a newer one.
        """
        self._retire_by = min(self._retire_by, self._clock() + RETIRE_S)

    def want(self, wish: Wish) -> None:
        """Do so from now on."""
        self._wish = wish

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Have something called when a descriptor can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def run(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Until it is told to stop.

        :param is_wanted: while it says no, the lease is let go
        """
        while not self._is_stopping and self._clock() < self._retire_by:
            if not is_wanted():
                self._wish = dataclasses.replace(self._wish, hello=None, wants_lease=False)
            self.turn()
        self.close()

    def close(self) -> None:
        """Let the lease go, and use nothing any more."""
        self.release()
        self._selector.close()
        self._paths.close()
        self._keeper.close()

    def turn(self) -> None:
        """Wait for what comes next, and take it in."""
        for key, _ in self._selector.select(self._wait_s()):
            if callable(key.data):
                key.data()
            else:
                self._dropped_of_late += self._paths.receive(key.data, self._hear)
        now = self._clock()
        self._breathe(now)
        self._renew(now)
        self._greet(now)
        if self.candidate is not None:
            self._follow_wish(self.candidate, now)
            if self._clock() >= self.candidate.wake_at:
                self._request(self.candidate)
            self._look(self.candidate)
        self._show(now)

    def _breathe(self, now: float) -> None:
        """Under a flood of datagrams that are dropped, take them in many at a time: each by itself would cost a turn."""
        if now >= self._breath_at:
            self._breath_at = now + COUNT_S
            self._is_flooded = self._dropped_of_late > MOST_DROPPED * COUNT_S
            self._dropped_of_late = 0
        if self._is_flooded:
            time.sleep(BREATH_S)

    def _renew(self, now: float) -> None:
        """Listen again where a network's device was made anew."""
        if now < self._renew_at:
            return
        self._renew_at = now + COUNT_S
        for path, old, made in self._paths.renew():
            self._selector.unregister(old)
            old.close()
            self._selector.register(made, selectors.EVENT_READ, path)

    def release(self) -> None:
        """Let the lease go, where there is one, after all that needs it was stopped."""
        if self.candidate is None or self._power is None:
            return
        if self._held_until is not None:
            self._held_until = None
            self._power.lost()
        released = self.candidate.release()
        if released is not None:
            release, voters = released
            self.voter.on_release(release, self._clock())
            self._paths.send(voters - {self.voter.name}, release)

    def _wait_s(self) -> float:
        moments = [self._hello_at] if self._wish.hello else []
        if self.candidate is not None:
            moments += [self.candidate.wake_at, *([self._held_until] if self._held_until is not None else [])]
        return max(0.0, min((_IDLE_S, *(moment - self._clock() for moment in moments))))

    def _greet(self, now: float) -> None:
        hello = self._wish.hello
        if hello is None:
            return
        is_leaving = self._retire_by < math.inf
        is_ready = hello.is_ready and not is_leaving and self._is_ready()
        # That it cannot be counted on any more is said at once.
        worse = (not is_ready, is_leaving)
        if now >= self._hello_at or worse > self._said:
            self._hello_at = now + (HELLO_S if hello.is_controller else VOTER_HELLO_S)
            self._said = worse
            said = dataclasses.replace(hello, is_ready=is_ready, is_leaving=is_leaving, pledge=self._witness.say(now))
            self._paths.send(self._paths.peers, said, to_group=True)

    def _follow_wish(self, candidate: lease.Candidate, now: float) -> None:
        wish = self._wish
        if not wish.wants_lease:
            self.release()
        candidate.wants = wish.wants_lease
        if wish.off_at is not None:
            self._witness.find_off(wish.off_at, now)
        if wish.eligible is not None and candidate.is_elected:
            near = {name: hello for name, (heard_at, hello) in self._heard.items() if now - heard_at < _silent_s(hello)}
            candidate.trial = frozenset(near) | self._witness.voters
            voters = candidate.record.voters
            answering = {name: hello for name, hello in near.items() if name in voters or candidate.grants(name, now)}
            peer = next((name for name, hello in sorted(answering.items()) if hello.is_controller), None)
            others = [name for name, hello in answering.items() if hello.is_ready and not hello.is_controller]
            has_fencing = bool(self._witness.voters) and peer is not None and answering[peer].may_fence
            # Of those that are about to end, none; nor where the other controller may end, too.
            idle = [name for name, hello in answering.items() if not (hello.is_controller or hello.is_ready or hello.is_leaving)]
            spares = idle if peer is not None and answering[peer].is_ready else []
            candidate.change(quorum.wanted(self.name, peer, others, voters, has_fencing, spares), wish.eligible)

    def _request(self, candidate: lease.Candidate) -> None:
        asked = candidate.request(self._clock())
        if asked is None:
            return
        request, voters = asked
        if self.voter.name in voters:
            answer = self._vote(request)
            if answer is not None:
                candidate.on_answer(answer, self._clock())
        vote = self._witness.answer(request, self._clock())
        if vote is not None:
            candidate.on_answer(vote, self._clock())
        self._paths.send(self._witness.asked(voters) - {self.voter.name}, request)

    def _hear(self, sender: str, body: Body) -> None:
        if isinstance(body, Hello):
            self._heard[sender] = self._clock(), body
            if body.pledge is not None:
                self._witness.hear(sender, body.pledge, self._clock())
        elif isinstance(body, lease.Request):
            answer = self._vote(body)
            if answer is not None:
                self._paths.send([sender], answer)
        elif isinstance(body, lease.Release):
            self.voter.on_release(body, self._clock())
            if self.candidate is not None:
                # It may be had at once.
                self.candidate.wake_at = self._clock()
        elif self.candidate is not None:
            for answer in self._witness.answers(body):
                self.candidate.on_answer(answer, self._clock())
            self._keeper.begin(self.voter.kept)
            self._look(self.candidate)

    def _vote(self, request: lease.Request) -> lease.Answer | None:
        answer = self.voter.on_request(request, self._clock())
        self._keeper.begin(self.voter.kept)
        return answer

    def _stored(self) -> None:
        """What the voter had decided is on disk; whoever waits for that is told."""
        try:
            said = self.voter.on_stored(self._keeper.end())
        except OSError as error:
            # The next request has it tried again.
            if str(error) != self._refusal:
                LOG.error("Nothing new is granted: %s cannot be stored: %s", self.voter.kept, error)
            self._refusal = str(error)
            return
        self._refusal = ""
        self._keeper.begin(self.voter.kept)
        if said is None:
            return
        holder, answer = said
        if holder != self.name:
            self._paths.send([holder], answer)
        elif self.candidate is not None:
            self.candidate.on_answer(answer, self._clock())
            self._look(self.candidate)

    def _look(self, candidate: lease.Candidate) -> None:
        """Use the lease as far as it lasts."""
        until, now = candidate.holds_until(), self._clock()
        if self._power is None:
            return
        if until > now:
            if until != self._held_until:
                self._held_until = until
                self._power.renew(until)
        elif self._held_until is not None:
            self._held_until = None
            self._power.lost()

    def _show(self, now: float) -> None:
        candidate = self.candidate
        holds, is_agreed = self._held_until is not None, candidate is not None and candidate.is_agreed()
        # What matters is shown at once; what was heard a moment later does.
        matters = holds, is_agreed, self._wish.number
        if matters == (self.view.holds, self.view.is_agreed, self.view.number) and now < self._show_at:
            return
        self._show_at = now + SHOW_S
        view = View(
            holds,
            self.voter.kept.record if candidate is None else candidate.record,
            is_agreed,
            frozenset(name for name in self._heard if candidate is not None and candidate.grants(name, now)),
            {name: hello for name, (heard_at, hello) in self._heard.items() if now - heard_at < _silent_s(hello)},
            {place: now - heard_at < FORGET_S for place, heard_at in self._paths.heard_at.items()},
            {name: has_link and self._is_heard_on(name, now) for name, has_link in self._paths.links().items()},
            self._count(now),
            self._wish.number,
            self._witness.may_cut(now),
            self._witness.is_echoed(now),
        )
        if view != self.view:
            self.view = view
            self._changed(view)

    def _is_heard_on(self, network: str, now: float) -> bool:
        heard = [heard_at for (path, _), heard_at in self._paths.heard_at.items() if path == network]
        return not heard or now - max(heard) < FORGET_S

    def _count(self, now: float) -> dict[tuple[str, str], int]:
        """A flood of such datagrams shall not keep anybody busy who only shows how many there are."""
        if now >= self._count_at:
            self._count_at = now + COUNT_S
            self._counted = {(path, str(reason)): count for (path, reason), count in self._dropped().items()}
        return self._counted


def _silent_s(hello: Hello) -> float:
    return SILENT_S if hello.is_controller else FORGET_S
