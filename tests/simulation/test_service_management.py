# SPDX-License-Identifier: Apache-2.0
"""Twenty thousand lives of two controllers, from seeds; the unit tests of Service Management play a few hundred of them.

In every tenth the controllers can cut each other's power. A seed that fails is named:
`python -c "from sm.tests.simulation import life; life.play(SEED)"` plays it again, exactly; with `fences=True` those with boards.
`STX_SIMULATION_SEEDS` says how many there are.
"""

import os

import ddt
from oslotest import base

from sm.tests.simulation import life, world

SEEDS = int(os.environ.get("STX_SIMULATION_SEEDS", "20000"))
PARTS = 8


def has_boards(seed: int) -> bool:
    return seed % 10 == 4


class Lives(base.BaseTestCase):
    """Half of them; tests of one class are played by one process, one after another."""

    def play(self, part: int) -> None:
        for seed in range(part, SEEDS, PARTS):
            try:
                life.play(seed, fences=has_boards(seed))
            except world.Violation as violation:
                self.fail(f"seed {seed}{', with boards' if has_boards(seed) else ''}: {violation}")


@ddt.ddt
class EvenTest(Lives):
    @ddt.data(*range(0, PARTS, 2))
    def test_no_life_of_a_system_breaks_a_rule(self, part: int) -> None:
        self.play(part)


@ddt.ddt
class OddTest(Lives):
    @ddt.data(*range(1, PARTS, 2))
    def test_no_life_of_a_system_breaks_a_rule(self, part: int) -> None:
        self.play(part)
