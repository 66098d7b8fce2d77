# SPDX-License-Identifier: Apache-2.0
"""One life of a system: a world to which things happen, all from one seed, until all is whole again."""

import itertools
import random
from typing import Any

from sm.tests.simulation.world import BOUND_S, CONTROLLERS, FENCING_BOUND_S, NETWORKS, Violation, World


class Life(World):
    """A world with everything that can go wrong in it."""

    def heal(self) -> None:
        self.cut.clear()
        self.boards_cut.clear()
        self.boards_cut_from.clear()
        self.loss = self.late_s = self.slow_disks = 0.0
        if all(self.nodes[name].is_cut for name in CONTROLLERS):
            # One that was frozen came back just when its time was over. Somebody has to switch them on.
            for name in CONTROLLERS:
                self.nodes[name].is_cut = False
        for name, node in self.nodes.items():
            if node.is_frozen:
                self.thaw(name)
            node.reaches = True
            if not node.is_cut:
                self.power_on(name)

    def fault(self) -> None:
        """Something happens."""
        name = self.chance.choice([*CONTROLLERS, *self.nodes])
        getattr(self, f"_fault_{self.chance.choice(FENCING_FAULTS if self.fences else FAULTS)}")(name)

    def _fault_power(self, name: str) -> None:
        self.power_off(name)
        self._later(1.0, self._plug_in, name)

    def _fault_reinstall(self, name: str) -> None:
        """A host forgets what it has voted for. A controller is locked before: then it neither votes nor is counted on."""
        if name not in CONTROLLERS:
            self._fault_power(name)
            self.reinstall(name)

    def _plug_in(self, name: str) -> None:
        """One whose power a board has cut stays off."""
        if not self.nodes[name].is_cut:
            self.power_on(name)

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

    def _fault_join(self, name: str) -> None:
        self.cut.clear()
        self.boards_cut.clear()
        self.boards_cut_from.clear()

    def _fault_boards(self, name: str) -> None:
        if name in CONTROLLERS:
            self.chance.choice((self.boards_cut, self.boards_cut_from)).add(name)

    def _fault_reach(self, name: str) -> None:
        """A controller finds that it does not reach the other one's board, or does again."""
        self.nodes[name].reaches = not self.nodes[name].reaches

    def _fault_unplug(self, name: str) -> None:
        """Its board too."""
        self.boards_cut.add(name)
        self._fault_power(name)

    def _fault_loss(self, name: str) -> None:
        self.loss = self.chance.choice((0.0, 0.05, 0.3))

    def _fault_late(self, name: str) -> None:
        self.late_s = self.chance.choice((0.0, 0.1, 0.6))

    def _fault_disks(self, name: str) -> None:
        self.slow_disks = self.chance.choice((0.0, 0.3, 1.0))

    def _fault_hand_over(self, name: str) -> None:
        for controller in self.acting():
            self.hand_over(controller)

    def _fault_other_hosts(self, name: str) -> None:
        """Hosts are enabled or locked: others are to vote."""
        hosts = [other for other in self.nodes if other not in CONTROLLERS]
        self.wanted = frozenset((*CONTROLLERS, *(host for host in hosts if self.chance.random() < 0.6)))


FAULTS = (
    *("power", "freeze", "restart", "upgrade", "cut", "partition", "join", "loss", "late", "disks", "hand_over", "other_hosts"),
    *("power", "freeze", "partition", "other_hosts", "reinstall"),
)


# Of what happens, more that matters to them.
FENCING_FAULTS = (*FAULTS, "boards", "unplug", "unplug", "partition", "power", "cut", "reach")


def play(seed: int, **options: Any) -> Life:
    """One life of a system: faults for two or three seconds, then none.

    :raises Violation: when something happened that must not
    """
    chance = random.Random(seed)
    hosts = chance.choice((0, 0, 0, 1, 2) if options.get("fences") else (1, 1, 2, 3, 3, 5))
    world = Life(seed, **{"hosts": hosts, **options})
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
    world.run(world.now + (FENCING_BOUND_S if world.fences else BOUND_S))
    # A voter that was wiped elects nobody: where too few remember, an operator says who goes on.
    if not world.serving() and world.remembers():
        raise Violation(f"all is whole, and nobody serves at {world.now:.2f} s")
    return world
