# SPDX-License-Identifier: Apache-2.0
"""A world in which controllers and voters run on a virtual clock, with networks and faults between them, all from one seed.

What is checked is what nobody inside can know: at no instant are two controllers allowed to act, no write that was acknowledged is
missing on whoever acts, and once all is whole again somebody acts within a bound.
"""

import dataclasses
import heapq
import itertools
import math
import random
from collections.abc import Callable, Collection
from typing import Any

from sm import lease

CONTROLLERS = ("controller-0", "controller-1")
NETWORKS = ("mgmt", "cluster", "oam")
TIMING = lease.Timing()
BOOT_S = 0.8
RESTART_S = 0.02, 0.2
# From the moment when all is whole until somebody acts: a boot, the silence of voters that have just started, a lost election or two.
BOUND_S = BOOT_S + 1.5
WRITE_EVERY_S = 0.04
DAEMON_EVERY_S = 0.1


class Violation(AssertionError):
    """Something happened that must never happen."""


@dataclasses.dataclass
class Node:
    """One host, on or off.

    :ivar kept: on its disk
    :ivar rate: how fast its clock runs, 1 being right
    :ivar allowed_until: until when its kernel lets it act, by the world's clock
    :ivar data: number of the last write that it has
    """

    name: str
    kept: lease.Kept
    rate: float
    offset: float
    voter: lease.Voter | None = None
    candidate: lease.Candidate | None = None
    is_frozen: bool = False
    inbox: list[Callable[[], None]] = dataclasses.field(default_factory=list)
    life: int = 0
    tick_at: float = math.inf
    allowed_until: float = -1.0
    data: int = 0

    def local(self, now: float) -> float:
        return self.offset + now * self.rate

    def world(self, local: float) -> float:
        return (local - self.offset) / self.rate


class World:
    """:param hosts: beside the controllers
    :param voting: how many of these hosts vote at first; by default most of them do
    :param voter, candidate: what is looked at; others than the real ones show that the checks find what is wrong
    """

    def __init__(
        self,
        seed: int,
        hosts: int,
        timing: lease.Timing = TIMING,
        voter: type[lease.Voter] = lease.Voter,
        candidate: type[lease.Candidate] = lease.Candidate,
        voting: int | None = None,
    ) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.timing = timing
        self._voter, self._candidate = voter, candidate
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        names = (*CONTROLLERS, *(f"host-{number}" for number in range(hosts)))
        some = names[2:][:voting] if voting is not None else [name for name in names[2:] if self.chance.random() < 0.7]
        voters = frozenset((*CONTROLLERS, *some))
        record = lease.Record(0, 0, voters, frozenset(CONTROLLERS))
        self.nodes = {
            name: Node(name, lease.Kept(0, None, record), self.chance.uniform(0.99, 1.01), self.chance.uniform(0, 1000))
            for name in names
        }
        # (from, to, network): not delivered.
        self.cut: set[tuple[str, str, str]] = set()
        self.loss = 0.0
        self.late_s = 0.0
        self.acknowledged = 0
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

    # -- hosts

    def _boot(self, node: Node) -> None:
        node.life += 1
        local = node.local(self.now)
        node.voter = self._voter(node.name, node.kept, self.timing, local)
        if node.name in CONTROLLERS:
            start = f"{node.name}/{node.life}"
            node.candidate = self._candidate(node.voter, start, self.timing, self.chance)
            node.candidate.wants = True
            life = node.life
            self._wake(node, self.now)
            self.at(self.now + DAEMON_EVERY_S, lambda: self._manage(node, life))
            self.at(self.now + WRITE_EVERY_S, lambda: self._write(node, life))

    def power_off(self, name: str) -> None:
        node = self.nodes[name]
        node.life += 1
        node.voter = node.candidate = None
        node.is_frozen = False
        node.inbox.clear()
        self._stop_acting(node)

    def power_on(self, name: str) -> None:
        node = self.nodes[name]
        if node.voter is None:
            node.life += 1
            life = node.life
            self.at(self.now + BOOT_S, lambda: self._boot(node) if node.life == life else None)

    def restart(self, name: str) -> None:
        """Its process alone: what the kernel allows goes on until it runs out."""
        node = self.nodes[name]
        if node.voter is None:
            return
        node.life += 1
        node.voter = node.candidate = None
        node.inbox.clear()
        life = node.life
        self.at(self.now + self.chance.uniform(*RESTART_S), lambda: self._boot(node) if node.life == life else None)

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
        self._request(node, candidate, node.local(self.now))
        self._wake(node, max(node.world(candidate.wake_at), self.now + 0.001))

    def _request(self, node: Node, candidate: lease.Candidate, local: float) -> None:
        asked = candidate.request(local)
        if asked is None:
            return
        request, voters = asked
        # Its own voter first.
        for voter in sorted(voters, key=lambda name: (name != node.name, name)):
            if voter == node.name:
                self._vote(node, request, node)
            else:
                self.send(node, voter, lambda target: self._vote(target, request, node))

    def _vote(self, node: Node, request: lease.Request, asker: Node) -> None:
        assert node.voter is not None
        answer = node.voter.on_request(request, node.local(self.now))
        node.kept = node.voter.kept
        if answer is None:
            return
        if asker is node:
            self._hear(node, answer)
        else:
            self.send(node, asker.name, lambda target: self._hear(target, answer))

    def _hear(self, node: Node, answer: lease.Answer) -> None:
        candidate = node.candidate
        assert candidate is not None and node.voter is not None
        local = node.local(self.now)
        candidate.on_answer(answer, local)
        node.kept = node.voter.kept
        wake = max(node.world(candidate.wake_at), self.now)
        if wake < node.tick_at:
            self._wake(node, wake)
        until = candidate.holds_until()
        if until > local:
            self._act(node, node.world(until))

    def _act(self, node: Node, until: float) -> None:
        for other in self.nodes.values():
            if other is not node and other.allowed_until > self.now:
                raise Violation(f"{node.name} may act at {self.now:.4f} s, and so may {other.name}")
        if node.allowed_until <= self.now:
            self.takeovers += 1
            if node.data != self.acknowledged:
                raise Violation(f"{node.name} acts with write {node.data}, and {self.acknowledged} was acknowledged")
        node.allowed_until = max(node.allowed_until, until)

    def _stop_acting(self, node: Node) -> None:
        node.allowed_until = min(node.allowed_until, self.now)

    def acting(self) -> list[str]:
        return [node.name for node in self.nodes.values() if node.allowed_until > self.now]

    def hand_over(self, name: str) -> None:
        """The operator wants the other controller to be the active one."""
        node = self.nodes[name]
        if node.candidate is None or node.is_frozen or node.allowed_until <= self.now:
            return
        self._stop_acting(node)
        released = node.candidate.release()
        if released is not None:
            release, voters = released
            for voter in sorted(voters):
                if voter == node.name:
                    self._released(node, release)
                else:
                    self.send(node, voter, lambda target: self._released(target, release))
        life = node.life
        self.at(self.now + 0.5, lambda: self._when_awake(node, life, lambda: self._want_again(node)))

    def _released(self, node: Node, release: lease.Release) -> None:
        assert node.voter is not None
        node.voter.on_release(release, node.local(self.now))

    @staticmethod
    def _want_again(node: Node) -> None:
        assert node.candidate is not None
        node.candidate.wants = True

    def _manage(self, node: Node, life: int) -> None:
        """A holder follows the hosts that there are, and says which controllers have all data."""

        def manage() -> None:
            if node.allowed_until > self.now and node.candidate is not None:
                # One that does not answer would be a voter whose grant is missed at once.
                there = {name for name in self.wanted if name in node.candidate.record.voters or self._answers(node, name)}
                node.candidate.change(there, self._eligible(node))
            self.at(self.now + DAEMON_EVERY_S, lambda: self._manage(node, life))

        self._when_awake(node, life, manage)

    def _peer(self, node: Node) -> Node:
        return self.nodes[next(name for name in CONTROLLERS if name != node.name)]

    def _copies(self, node: Node) -> bool:
        """Whether what is written reaches the peer."""
        return self._answers(node, self._peer(node).name)

    def _answers(self, node: Node, name: str) -> bool:
        other = self.nodes[name]
        is_there = other.voter is not None and not other.is_frozen
        return is_there and self.hears(node.name, name) and self.hears(name, node.name)

    def _eligible(self, node: Node) -> frozenset[str]:
        peer = self._peer(node)
        if self._copies(node) and peer.data == node.data:
            return frozenset(CONTROLLERS)
        return frozenset({node.name})

    def _write(self, node: Node, life: int) -> None:
        """A client writes through a controller that may act; the database of the peer has it first, or is not counted on."""

        def write() -> None:
            candidate = node.candidate
            if node.allowed_until > self.now and candidate is not None:
                peer = self._peer(node)
                is_alone = candidate.is_agreed() and candidate.record.eligible == {node.name}
                if self._copies(node):
                    node.data += 1
                    peer.data = self.acknowledged = node.data
                elif is_alone:
                    node.data += 1
                    self.acknowledged = node.data
            self.at(self.now + WRITE_EVERY_S, lambda: self._write(node, life))

        self._when_awake(node, life, write)

    # -- faults

    def heal(self) -> None:
        self.cut.clear()
        self.loss = self.late_s = 0.0
        for name, node in self.nodes.items():
            if node.is_frozen:
                self.thaw(name)
            self.power_on(name)

    def fault(self) -> None:
        """Something happens."""
        name = self.chance.choice([*CONTROLLERS, *self.nodes])
        getattr(self, f"_fault_{self.chance.choice(FAULTS)}")(name)

    def _later(self, most_s: float, what: Callable[..., Any], *arguments: Any) -> None:
        self.at(self.now + self.chance.uniform(0.02, most_s), lambda: what(*arguments))

    def _fault_power(self, name: str) -> None:
        self.power_off(name)
        self._later(1.0, self.power_on, name)

    def _fault_freeze(self, name: str) -> None:
        self.freeze(name)
        self._later(1.5, self.thaw, name)

    def _fault_restart(self, name: str) -> None:
        self.restart(name)

    def _fault_upgrade(self, name: str) -> None:
        """The process is restarted on many hosts at once."""
        for other in self.nodes:
            if other == name or self.chance.random() < 0.7:
                self.restart(other)

    def _fault_cut(self, name: str) -> None:
        networks = self.chance.sample(NETWORKS, self.chance.randint(1, 3))
        directions = self.chance.choice(("in", "out", "both"))
        for other, network in itertools.product(self.nodes, networks):
            if directions != "in":
                self.cut.add((name, other, network))
            if directions != "out":
                self.cut.add((other, name, network))

    def _fault_partition(self, name: str) -> None:
        networks = self.chance.sample(NETWORKS, self.chance.randint(1, 3))
        self.part({other for other in self.nodes if other == name or self.chance.random() < 0.5}, networks)

    def part(self, one: set[str], networks: Collection[str] = NETWORKS) -> None:
        """These hear nobody else, and nobody else hears them."""
        for source, target, network in itertools.product(self.nodes, self.nodes, networks):
            if (source in one) != (target in one):
                self.cut.add((source, target, network))

    def _fault_join(self, name: str) -> None:
        self.cut.clear()

    def _fault_loss(self, name: str) -> None:
        self.loss = self.chance.choice((0.0, 0.05, 0.3))

    def _fault_late(self, name: str) -> None:
        self.late_s = self.chance.choice((0.0, 0.1, 0.6))

    def _fault_hand_over(self, name: str) -> None:
        for controller in self.acting():
            self.hand_over(controller)

    def _fault_other_hosts(self, name: str) -> None:
        """Hosts are enabled or locked: others are to vote."""
        hosts = [other for other in self.nodes if other not in CONTROLLERS]
        self.wanted = frozenset((*CONTROLLERS, *(host for host in hosts if self.chance.random() < 0.6)))


FAULTS = (
    *("power", "freeze", "restart", "upgrade", "cut", "partition", "join", "loss", "late", "hand_over", "other_hosts"),
    *("power", "freeze", "partition", "other_hosts"),
)


def play(seed: int, **options: Any) -> World:
    """One life of a system: faults for two or three seconds, then none.

    :raises Violation: when something happened that must not
    """
    chance = random.Random(seed)
    world = World(seed, hosts=chance.choice((1, 1, 2, 3, 3, 5)), **options)
    world.run(0.6)
    for _ in range(chance.randint(2, 8)):
        world.run(world.now + chance.expovariate(3))
        for _ in range(chance.choice((1, 1, 2, 3))):
            world.run(world.now + chance.uniform(0.0, 0.15))
            world.fault()
    world.run(world.now + 0.3)
    world.heal()
    # One that still was booting, or thawing by itself, is left to it.
    world.run(world.now + 1.6)
    world.heal()
    world.run(world.now + BOUND_S)
    if len(world.acting()) != 1:
        raise Violation(f"all is whole, and {world.acting() or 'nobody'} acts at {world.now:.2f} s")
    return world
