# SPDX-License-Identifier: Apache-2.0
"""A world in which controllers and voters run on a virtual clock, with networks and faults between them, all from one seed.

What is checked is what nobody inside can know: at no instant are two controllers allowed to act, no write that was acknowledged is
missing on whoever serves, and once all is whole again somebody serves within a bound.

A controller serves with a database that needs the other one for every write, or does not, as its activity says. It writes for as long as
it serves, whatever became of the lease meanwhile: that nothing is lost must not rest on anybody being stopped in time.
"""

import dataclasses
import functools
import heapq
import itertools
import math
import random
from collections.abc import Callable, Collection
from typing import Any

from sm import activity, fencing, lease, quorum
from sm.activity import Activity, Order, Phase
from sm.fencing import FENCING
from sm.group import Side

CONTROLLERS = ("controller-0", "controller-1")
NETWORKS = ("mgmt", "cluster", "oam")
TIMING = lease.Timing()
BOOT_S = 0.8
RESTART_S = 0.02, 0.2
# From the moment when all is whole until somebody acts: a boot, the silence of voters that have just started, a lost election or two.
BOUND_S = BOOT_S + 1.5
WRITE_EVERY_S = 0.04
MANAGE_EVERY_S = 0.06
HELLO_EVERY_S = 0.1
LINK_S = 0.03
SLOW_DISK_S = 0.7
SILENT_S = 0.5
FORGET_S = 0.8
# To stop services, and to follow the other controller's data again; to have a copy catch up.
STOP_S = 0.02, 0.3
ATTACH_S = 0.02, 0.3
# Boards are fast here, and lives short.
FENCING_TIMING = fencing.Timing(
    promise_s=3.0,
    holder_wait_s=0.25,
    other_wait_s=0.7,
    retry_s=0.1,
    ask_s=0.2,
    cut_s=0.4,
    restore_s=0.4,
    pause_s=0.2,
    echo_s=0.6,
)
# To answer, and until what was told has happened.
BOARD_S = 0.02, 0.18
# With boards, one may just have lost its power, and a promise may have to end first.
FENCING_BOUND_S = BOUND_S + BOOT_S + FENCING_TIMING.promise_s


class Violation(AssertionError):
    """Something happened that must never happen."""


class Write:
    """One write, and the one before it."""

    def __init__(self, number: int, before: "Write | None") -> None:
        self.number = number
        self.before = before


@dataclasses.dataclass(frozen=True)
class Said:
    """What a controller says of itself in its hello."""

    at: float
    is_active: bool
    follows: bool


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the process with the services has told that of the lease."""

    wants_lease: bool = True
    eligible: frozenset[str] | None = None
    number: int = 0
    off_at: float | None = None


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the process of the lease has told that with the services."""

    holds: bool = False
    agreed: frozenset[str] | None = None
    eligible: frozenset[str] = frozenset()
    number: int = 0
    voters: frozenset[str] = frozenset()
    may_succeed: bool = False
    is_echoed: bool = False


@dataclasses.dataclass
class Node:
    """One host, on or off.

    :ivar kept: on its disk
    :ivar storing: being written to it, or written, and it has not been noticed
    :ivar rate: how fast its clock runs, 1 being right
    :ivar allowed_until: until when its kernel lets it act, by the world's clock
    :ivar data: the last write that it has
    :ivar told, wish: to the process of the lease: the last one that is on its way, and the one that came
    :ivar shown, seen: likewise by it
    :ivar led: whether it held the lease, and its record was agreed on, at the last turn of the lease's loop
    :ivar serves: its database is the primary one
    :ivar follows_at: from when on it can copy what the other one writes
    :ivar reaches: it says that it reaches the other one's board
    :ivar owes: on its disk: it has cut the other one's power, and not given it back
    :ivar is_cut: it lost its power that way; nobody else gives it back
    :ivar needs_peer: no write is acknowledged that the other one does not have
    """

    name: str
    kept: lease.Kept
    rate: float
    offset: float
    voter: lease.Voter | None = None
    storing: lease.Kept | None = None
    candidate: lease.Candidate | None = None
    witness: fencing.NoWitness = dataclasses.field(default_factory=fencing.NoWitness)
    fencer: fencing.Fencer = dataclasses.field(default_factory=fencing.Fencer)
    fenced: fencing.Power | None = None
    last_agreed: frozenset[str] = frozenset()
    reaches: bool = True
    owes: bool = False
    is_cut: bool = False
    is_frozen: bool = False
    inbox: list[Callable[[], None]] = dataclasses.field(default_factory=list)
    life: int = 0
    is_on: bool = True
    tick_at: float = math.inf
    allowed_until: float = -1.0
    data: Write | None = None
    activity: Activity = dataclasses.field(default_factory=lambda: Activity(""))
    told: Wish = Wish()
    wish: Wish = Wish()
    shown: Seen = Seen()
    seen: Seen = Seen()
    led: tuple[bool, bool] = False, False
    link_at: float = 0.0
    heard: Said | None = None
    hello_at: float = 0.0
    serves: bool = False
    follows_at: float = 0.0
    needs_peer: bool = False
    order: int = 0
    done: bool | None = None
    answered: dict[str, float] = dataclasses.field(default_factory=dict)

    def local(self, now: float) -> float:
        return self.offset + now * self.rate

    def world(self, local: float) -> float:
        return (local - self.offset) / self.rate


class World:
    """:param hosts: beside the controllers
    :param voting: how many of these hosts vote at first; by default most of them do
    :param link_s: how long it may take from one process of a controller to the other
    :param heeds_numbers: whether it is looked at which wish something is the answer to
    :param fences: whether the controllers can cut each other's power
    :param voter, candidate, witness, step: what is looked at; others than the real ones show that the checks find what is wrong
    """

    def __init__(
        self,
        seed: int,
        hosts: int,
        timing: lease.Timing = TIMING,
        voter: type[lease.Voter] = lease.Voter,
        candidate: type[lease.Candidate] = lease.Candidate,
        voting: int | None = None,
        step: Callable[[Activity, activity.Facts], tuple[Activity, list[Order]]] = activity.step,
        link_s: float = LINK_S,
        heeds_numbers: bool = True,
        fences: bool = False,
        witness: type[fencing.Witness] = fencing.Witness,
    ) -> None:
        self.link_s, self.heeds_numbers, self.fences = link_s, heeds_numbers, fences
        self.chance = random.Random(seed)
        self.now = 0.0
        self.timing = timing
        self._voter, self._candidate, self._witness, self._step = voter, candidate, witness, step
        self._writes = itertools.count(1)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        names = (*CONTROLLERS, *(f"host-{number}" for number in range(hosts)))
        some = names[2:][:voting] if voting is not None else [name for name in names[2:] if self.chance.random() < 0.7]
        voters = frozenset((*CONTROLLERS, *some))
        record = lease.Record(0, 0, voters if hosts else voters | {FENCING}, frozenset(CONTROLLERS))
        self.nodes = {
            name: Node(name, lease.Kept(0, None, record), self.chance.uniform(0.99, 1.01), self.chance.uniform(0, 1000))
            for name in names
        }
        # (from, to, network): not delivered.
        self.cut: set[tuple[str, str, str]] = set()
        # Whose boards nobody reaches; who reaches no board.
        self.boards_cut: set[str] = set()
        self.boards_cut_from: set[str] = set()
        self.loss = 0.0
        # How often a disk takes its time.
        self.slow_disks = 0.0
        self.late_s = 0.0
        # By key, every one that anybody ever kept: two of one key would be taken for each other.
        self.records: dict[tuple[int, int], lease.Record] = {}
        self.acknowledged: Write | None = None
        self.acting_since: float | None = None
        self.takeovers = 0
        self.wanted = voters
        for node in self.nodes.values():
            self._boot(node)

    # -- time

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), what))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until

    def _later(self, most_s: float, what: Callable[..., Any], *arguments: Any) -> None:
        self.at(self.now + self.chance.uniform(0.02, most_s), lambda: what(*arguments))

    # -- hosts

    def _boot(self, node: Node) -> None:
        node.life += 1
        local = node.local(self.now)
        node.voter = self._voter(node.name, node.kept, self.timing, local)
        if node.name in CONTROLLERS:
            start = f"{node.name}/{node.life}"
            node.candidate = self._candidate(node.voter, start, self.timing, self.chance)
            node.candidate.wants = True
            if self.fences:
                other = self._peer(node).name
                node.witness = self._witness(node.voter, node.candidate, other, start, FENCING_TIMING, local)
                owing = fencing.Fencer(fencing.Step.OFF, at=self.now, has_cut=True)
                node.fencer, node.fenced = owing if node.owes else fencing.Fencer(), None
                node.last_agreed = frozenset()
            node.activity, node.heard = Activity(node.name), None
            node.told = node.wish = Wish()
            node.shown = node.seen = Seen()
            if node.serves:
                # Its services outlived the process; nobody knows yet what shall become of them.
                self._stop_services(node)
            life = node.life
            self._wake(node, self.now)
            self.at(self.now + MANAGE_EVERY_S, lambda: self._manage(node, life))

    def power_off(self, name: str) -> None:
        node = self.nodes[name]
        self._crash(node)
        node.is_on, node.is_frozen = False, False
        self._stop_acting(node)
        node.serves, node.needs_peer = False, False
        node.follows_at = self.now + BOOT_S

    def power_on(self, name: str) -> None:
        node = self.nodes[name]
        if node.voter is None:
            node.is_on, node.is_cut = True, False
            node.life += 1
            life = node.life
            self.at(self.now + BOOT_S, lambda: self._boot(node) if node.life == life else None)

    def restart(self, name: str) -> None:
        """Its process alone: what the kernel allows goes on until it runs out."""
        node = self.nodes[name]
        if node.voter is None:
            return
        self._crash(node)
        life = node.life
        self.at(self.now + self.chance.uniform(*RESTART_S), lambda: self._boot(node) if node.life == life else None)

    def reinstall(self, name: str) -> None:
        """A host that is off gets an empty disk."""
        self.nodes[name].kept = lease.Kept()

    def remembers(self) -> bool:
        """Whether nobody has forgotten anything, or a controller has voters enough that have not."""
        kept = {name: node.kept.record for name, node in self.nodes.items()}
        blank = {name for name, record in kept.items() if record == lease.BLANK}
        return not blank or any(
            name in kept[name].eligible and 2 * len(kept[name].voters - blank) > len(kept[name].voters) for name in CONTROLLERS
        )

    def freeze(self, name: str) -> None:
        self.nodes[name].is_frozen = True

    def thaw(self, name: str) -> None:
        node = self.nodes[name]
        node.is_frozen = False
        waiting, node.inbox = node.inbox, []
        for what in waiting:
            what()

    def _when_awake(self, node: Node, life: int, what: Callable[[], None]) -> None:
        if node.life != life or node.voter is None:
            return
        if node.is_frozen:
            node.inbox.append(lambda: self._when_awake(node, life, what))
        else:
            what()

    # -- messages

    def send(self, source: Node, target: str, receive: Callable[[Node], None]) -> None:
        node = self.nodes[target]
        life = node.life

        def deliver() -> None:
            self._when_awake(node, life, lambda: receive(node))

        for network in self._networks(source.name, target):
            if (source.name, target, network) in self.cut or self.chance.random() < self.loss:
                continue
            delay = 0.0005 + self.chance.expovariate(2000)
            if self.late_s and self.chance.random() < 0.1:
                delay += self.chance.uniform(0, self.late_s)
            self.at(self.now + delay, deliver)
            # Copies on other paths say the same.
            if self.chance.random() < 0.9:
                return

    @staticmethod
    def _networks(source: str, target: str) -> tuple[str, ...]:
        return NETWORKS if source in CONTROLLERS and target in CONTROLLERS else NETWORKS[:2]

    def hears(self, source: str, target: str) -> bool:
        return any((source, target, network) not in self.cut for network in self._networks(source, target))

    # -- what a controller does

    def _wake(self, node: Node, when: float) -> None:
        """Have the candidate asked at this moment; what was to be earlier or later is forgotten."""
        life, node.tick_at = node.life, when
        self.at(when, lambda: self._when_awake(node, life, lambda: self._tick(node, when)))

    def _tick(self, node: Node, when: float) -> None:
        candidate = node.candidate
        if candidate is None or when != node.tick_at:
            return
        self._lead(node)
        self._request(node, candidate, node.local(self.now))
        self._wake(node, max(node.world(candidate.wake_at), self.now + 0.001))

    def _request(self, node: Node, candidate: lease.Candidate, local: float) -> None:
        asked = candidate.request(local)
        if asked is None:
            return
        request, voters = asked[0], node.witness.asked(asked[1])
        # Its own voter first.
        for voter in sorted(voters, key=lambda name: (name != node.name, name)):
            if voter == FENCING:
                vote = node.witness.answer(request, local)
                if vote is not None:
                    self._hear(node, vote)
            elif voter == node.name:
                self._vote(node, request, node)
            else:
                self.send(node, voter, lambda target: self._vote(target, request, node))

    def _vote(self, node: Node, request: lease.Request, asker: Node) -> None:
        assert node.voter is not None
        answer = node.voter.on_request(request, node.local(self.now))
        self._store(node)
        if answer is not None:
            self._answer(node, asker, answer)

    def _answer(self, node: Node, asker: Node, answer: lease.Answer) -> None:
        if asker is node:
            self._hear(node, answer)
        else:
            self.send(node, asker.name, lambda target: self._hear(target, answer))

    def _store(self, node: Node) -> None:
        """Have its disk written, one time after the other."""
        assert node.voter is not None
        if node.storing is not None or node.voter.kept == node.kept:
            return
        record = node.voter.kept.record
        if self.records.setdefault(record.key, record) != record:
            raise Violation(f"{node.name} keeps {record} at {self.now:.4f} s, and there is {self.records[record.key]}")
        node.storing = node.voter.kept
        if self.chance.random() >= self.slow_disks:
            self._stored(node)
        else:
            life = node.life
            self.at(self.now + self.chance.uniform(0.0, SLOW_DISK_S), lambda: self._stored(node) if node.life == life else None)

    def _stored(self, node: Node) -> None:
        assert node.storing is not None
        node.kept = node.storing
        self._when_awake(node, node.life, functools.partial(self._tell_stored, node, node.kept))

    def _tell_stored(self, node: Node, kept: lease.Kept) -> None:
        assert node.voter is not None
        # Not before: the next may be stored once the end of this is known.
        node.storing = None
        said = node.voter.on_stored(kept)
        if said is not None:
            self._answer(node, self.nodes[said[0]], said[1])
        self._store(node)

    def _crash(self, node: Node) -> None:
        """The process ends; what was being written is on the disk, or is not."""
        node.life += 1
        node.inbox.clear()
        if node.storing is not None and self.chance.random() < 0.5:
            node.kept = node.storing
        node.voter = node.candidate = node.storing = None

    def _hear(self, node: Node, answer: lease.Answer) -> None:
        candidate = node.candidate
        assert candidate is not None and node.voter is not None
        local = node.local(self.now)
        for each in node.witness.answers(answer):
            candidate.on_answer(each, local)
        self._store(node)
        wake = max(node.world(candidate.wake_at), self.now)
        if wake < node.tick_at:
            self._wake(node, wake)
        until = candidate.holds_until()
        if until > local:
            self._act(node, node.world(until))
        if (until > local, candidate.is_agreed()) != node.led:
            self._lead(node)

    def _act(self, node: Node, until: float) -> None:
        for other in self.nodes.values():
            if other is not node and other.allowed_until > self.now:
                raise Violation(f"{node.name} may act at {self.now:.4f} s, and so may {other.name}")
        if node.allowed_until <= self.now:
            self.takeovers += 1
        node.allowed_until = max(node.allowed_until, until)

    def _stop_acting(self, node: Node) -> None:
        node.allowed_until = min(node.allowed_until, self.now)

    def acting(self) -> list[str]:
        return [node.name for node in self.nodes.values() if node.allowed_until > self.now]

    def serving(self) -> list[str]:
        """Who may act, and does."""
        return [name for name in self.acting() if self.nodes[name].serves]

    def hand_over(self, name: str) -> None:
        """The operator wants the other controller to be the active one."""
        node = self.nodes[name]
        if node.candidate is not None and not node.is_frozen:
            left, _ = activity.leave(node.activity, self._facts(node))
            self._follow(node, left, [])

    def _release(self, node: Node) -> None:
        assert node.candidate is not None
        self._stop_acting(node)
        released = node.candidate.release()
        if released is not None:
            release, voters = released
            for voter in sorted(voters - {FENCING}):
                if voter == node.name:
                    self._released(node, release)
                else:
                    self.send(node, voter, lambda target: self._released(target, release))

    def _released(self, node: Node, release: lease.Release) -> None:
        assert node.voter is not None
        node.voter.on_release(release, node.local(self.now))

    # -- what a controller makes of it

    def _manage(self, node: Node, life: int) -> None:
        def manage() -> None:
            self._greet(node)
            self._follow(node, *self._step(node.activity, self._facts(node)))
            self._fence(node)
            self.at(self.now + MANAGE_EVERY_S, lambda: self._manage(node, life))

        self._when_awake(node, life, manage)

    def _link(self, node: Node, arrive: Callable[[], None]) -> None:
        """From one process of a controller to the other; nothing overtakes anything."""
        life, node.link_at = node.life, max(node.link_at, self.now + self.chance.uniform(0.0002, self.link_s))
        self.at(node.link_at, lambda: self._when_awake(node, life, arrive))

    def _fence(self, node: Node) -> None:
        seen, name = node.seen, self._peer(node).name
        if not self.fences:
            return
        if seen.agreed is not None:
            node.last_agreed = seen.agreed
        facts = fencing.Facts(
            self.now,
            node.heard is not None and self.now - node.heard.at <= SILENT_S and seen.is_echoed,
            fencing.is_needed(seen.voters, seen.holds, node.last_agreed | seen.eligible, name),
            seen.holds,
            seen.may_succeed,
            node.fenced,
        )
        before = node.fencer
        node.fencer, order = fencing.follow(before, facts, FENCING_TIMING)
        node.owes = node.fencer.has_cut
        if order is not None:
            node.fenced = None
            self._later(BOARD_S[1], self._when_awake, node, node.life, functools.partial(self._tell_board, node, order, self.now))
        if node.fencer.off_at != before.off_at:
            self._want(node, node.told.wants_lease, node.told.eligible)

    def _tell_board(self, node: Node, order: fencing.Order, ordered_at: float) -> None:
        other = self._peer(node)
        is_late = self.now - ordered_at > FENCING_TIMING.cut_s
        if is_late or other.name in self.boards_cut or node.name in self.boards_cut_from:
            node.fenced = fencing.Power.UNKNOWN
            return
        if order is fencing.Order.ASK:
            node.fenced = fencing.Power.ON if other.is_on else fencing.Power.OFF
            return
        life = node.life

        def happen() -> None:
            # Whatever became of who has told it.
            if order is fencing.Order.CUT:
                self.power_off(other.name)
                other.is_cut = True
            else:
                self.power_on(other.name)
            is_on = fencing.Power.ON if other.is_on else fencing.Power.OFF
            self._when_awake(node, life, lambda: setattr(node, "fenced", is_on))

        self._later(BOARD_S[1], happen)

    def _want(self, node: Node, wants_lease: bool, eligible: frozenset[str] | None) -> None:
        off_at = None if node.fencer.off_at is None else node.local(node.fencer.off_at)
        wish = Wish(wants_lease, eligible, node.told.number + (eligible != node.told.eligible), off_at)

        def arrive() -> None:
            node.wish = wish
            self._lead(node)

        if wish != node.told:
            node.told = wish
            self._link(node, arrive)

    def _lead(self, node: Node) -> None:
        """A turn of the lease's loop: what is wanted of it, and what it shows."""
        candidate, wish = node.candidate, node.wish
        assert candidate is not None
        if candidate.wants and not wish.wants_lease:
            self._release(node)
        candidate.wants = wish.wants_lease
        if wish.off_at is not None:
            node.witness.find_off(wish.off_at, node.local(self.now))
        if candidate.is_elected and wish.eligible is not None:
            candidate.change(self._voters(node, candidate), wish.eligible)
        local, record = node.local(self.now), candidate.record
        holds, is_agreed = node.led = candidate.holds_until() > local, candidate.is_agreed()
        seen = Seen(
            holds,
            record.eligible if is_agreed else None,
            record.eligible,
            wish.number,
            record.voters,
            node.witness.may_cut(local),
            node.witness.is_echoed(local),
        )

        def arrive() -> None:
            node.seen = seen

        if seen != node.shown:
            node.shown = seen
            self._link(node, arrive)

    def _voters(self, node: Node, candidate: lease.Candidate) -> frozenset[str]:
        """Who shall vote: of those that are to, whoever has answered not long ago; where there is none, another one."""
        candidate.trial, local = frozenset(self.nodes) | node.witness.voters, node.local(self.now)
        for name in self.nodes:
            if candidate.grants(name, local):
                node.answered[name] = self.now
        near = {name for name, when in node.answered.items() if self.now - when < FORGET_S}
        peer, others = self._peer(node).name, near - set(CONTROLLERS)
        has_fencing = self.fences and self.nodes[peer].reaches
        return quorum.wanted(
            node.name,
            peer if peer in near else None,
            others & set(self.wanted),
            candidate.record.voters,
            has_fencing,
            others - set(self.wanted),
        )

    def _greet(self, node: Node) -> None:
        if self.now < node.hello_at:
            return
        node.hello_at = self.now + HELLO_EVERY_S
        is_active, follows = node.activity.phase in (Phase.TAKING, Phase.ACTIVE), self._follows(node)
        pledge = node.witness.say(node.local(self.now))

        def hear(target: Node) -> None:
            target.heard = Said(self.now, is_active, follows)
            if pledge is not None:
                target.witness.hear(node.name, pledge, target.local(self.now))

        self.send(node, self._peer(node).name, hear)

    def _follows(self, node: Node) -> bool:
        return not node.serves and node.voter is not None and self.now >= node.follows_at

    def _facts(self, node: Node) -> activity.Facts:
        seen, said = node.seen, node.heard
        if said is not None and self.now - said.at > SILENT_S:
            said = None
        peer = self._peer(node).name
        return activity.Facts(
            self.now,
            Side(node.name, True, True),
            seen.holds,
            seen.agreed if seen.number == node.told.number or not self.heeds_numbers else None,
            None if said is None else Side(peer, True, peer in seen.eligible),
            said is not None and said.follows,
            said is not None and said.is_active,
            node.serves,
            False,
            node.done,
            not node.serves,
        )

    def _follow(self, node: Node, now: Activity, orders: Collection[Order]) -> None:
        before, node.activity = node.activity, now
        if now.is_active and not node.serves and not before.is_active:
            self._serve(node)
        if not now.is_active and before.is_active:
            self._stop_services(node)
        self._want(node, now.wants_lease, now.eligible)
        for order in orders:
            node.order, node.done = node.order + 1, None
            self._later(
                ATTACH_S[1], self._when_awake, node, node.life, functools.partial(self._carry_out, node, order, node.order)
            )

    def _carry_out(self, node: Node, order: Order, number: int) -> None:
        if number != node.order:
            return
        if order is Order.DETACH:
            node.needs_peer, node.done = False, True
            return
        # It may have come so far that writes wait when it fails.
        node.needs_peer = True
        peer = self._peer(node)
        # What it has more than the active one is thrown away only where it knows that it is not counted on.
        is_worthless = peer.name not in peer.kept.record.eligible
        node.done = self._copies(node) and (self._has(node, peer.data) or is_worthless)
        if node.done:
            peer.data = node.data

    def _serve(self, node: Node) -> None:
        if not self._has(node, self.acknowledged):
            raise Violation(f"{node.name} serves at {self.now:.4f} s without a write that was acknowledged")
        node.serves, node.needs_peer = True, False
        life = node.life
        self.at(self.now + WRITE_EVERY_S, lambda: self._write(node, life))

    def _stop_services(self, node: Node) -> None:
        life = node.life
        self._later(STOP_S[1], self._when_awake, node, life, lambda: self._stopped(node))

    def _stopped(self, node: Node) -> None:
        if not node.activity.is_active:
            node.serves, node.needs_peer = False, False
            node.follows_at = self.now + self.chance.uniform(*STOP_S)

    def _peer(self, node: Node) -> Node:
        return self.nodes[CONTROLLERS[node.name == CONTROLLERS[0]]]

    def _copies(self, node: Node) -> bool:
        """Whether what is written reaches the peer, and is told back."""
        other = self._peer(node)
        is_there = self._follows(other) and not other.is_frozen
        return is_there and self.hears(node.name, other.name) and self.hears(other.name, node.name)

    def _check_alone(self, node: Node) -> None:
        """Who acknowledges alone is counted on alone: were it to die now, nobody else could serve."""
        newest = max((other.kept.record for other in self.nodes.values()), key=lambda record: record.key)
        if self._peer(node).name in newest.eligible:
            raise Violation(f"{node.name} acknowledges alone at {self.now:.4f} s, and {self._peer(node).name} is counted on")

    @staticmethod
    def _has(node: Node, write: Write | None) -> bool:
        found = node.data
        while found is not None and write is not None and found.number > write.number:
            found = found.before
        return write is None or found is write

    def _write(self, node: Node, life: int) -> None:
        """A client writes; where the database needs the peer, that one has it before anybody is told."""

        def write() -> None:
            if not node.serves:
                return
            made = Write(next(self._writes), node.data)
            # A copy that has something else does not take it.
            is_copied = self._copies(node) and self._has(node, self._peer(node).data)
            if is_copied or not node.needs_peer:
                if not is_copied:
                    self._check_alone(node)
                node.data = made
                if is_copied:
                    self._peer(node).data = made
                if not self._has(node, self.acknowledged):
                    raise Violation(f"{node.name} acknowledges a write at {self.now:.4f} s, and lacks another one")
                self.acknowledged = made
            self.at(self.now + WRITE_EVERY_S, lambda: self._write(node, life))

        self._when_awake(node, life, write)

    def part(self, one: set[str], networks: Collection[str] = NETWORKS) -> None:
        """These hear nobody else, and nobody else hears them."""
        for source, target, network in itertools.product(self.nodes, self.nodes, networks):
            if (source in one) != (target in one):
                self.cut.add((source, target, network))
