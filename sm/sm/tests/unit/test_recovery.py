# SPDX-License-Identifier: Apache-2.0
import math

from oslotest import base

from sm import recovery
from sm.recovery import Recovery


class RecoveryTest(base.BaseTestCase):
    def tries(self, mine: Recovery, since: float, until: float) -> tuple[Recovery, list[float]]:
        """When something that fails again at once is tried."""
        now, found = since, []
        while now < until:
            mine, is_due = recovery.step(mine, True, now)
            if is_due:
                found.append(now)
            now += 0.5
        return mine, found

    def test_what_has_not_failed_is_not_tried(self) -> None:
        self.assertEqual((Recovery(), False), recovery.step(Recovery(), False, 100.0))

    def test_the_first_try_comes_soon_and_the_pauses_grow_up_to_a_limit(self) -> None:
        _, found = self.tries(Recovery(), 0.0, 200.0)
        pauses = [after - before - 0.5 for before, after in zip([-0.5, *found], found, strict=False)]
        self.assertEqual([1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 5], pauses)

    def test_after_a_calm_time_the_first_pause_is_short_again(self) -> None:
        mine, found = self.tries(Recovery(), 0.0, 10.0)
        later = found[-1] + recovery.CALM_S
        mine, _ = recovery.step(mine, False, later - 1)
        _, again = self.tries(mine, later, later + 2)
        self.assertEqual([later + recovery.FIRST_S], again)

    def test_what_recovers_before_it_is_due_is_left_alone(self) -> None:
        mine, _ = recovery.step(Recovery(), True, 0.0)
        mine, is_due = recovery.step(mine, False, 0.5)
        self.assertEqual((math.inf, False), (mine.at, is_due))
