# SPDX-License-Identifier: Apache-2.0
"""What a scenario's player makes of what the observer tells it."""

from unittest import mock

from oslotest import base

from stxlab import player, scenario, timeline
from stxlab.timeline import Event

ANSWERS = scenario.condition("host a mgmt answers")


class LateTest(base.BaseTestCase):
    """An observer that is late: it tells something each time that the player waits."""

    def setUp(self) -> None:
        super().setUp()
        self.player = player.Player(mock.MagicMock(), lambda _: None)
        self.log = self.player._log
        self.log.add(Event(0.0, "reach", "a", "mgmt", "answers"))
        self.log.add(Event(0.0, timeline.LOOKED, "", "", timeline.NETWORK))
        # An order that was given a while ago.
        self.log.begun -= 100.0
        self.player._ordered = 50.0

    def judged(self, *told: Event) -> str | None:
        coming = iter(told)
        step = scenario.Step(ANSWERS.text, condition=ANSWERS)
        with mock.patch.object(player.time, "sleep", lambda _: self.log.add(next(coming))):
            return self.player._await_condition(step, ANSWERS)

    def test_what_was_seen_before_an_order_does_not_count_until_it_was_looked_at_again(self) -> None:
        told = self.judged(
            Event(50.0, timeline.LOOKED, "", "", timeline.POWER),
            Event(49.9, timeline.LOOKED, "", "", timeline.NETWORK),
            Event(50.1, "reach", "a", "mgmt", "silent"),
            Event(50.2, timeline.LOOKED, "", "", timeline.NETWORK),
        )
        self.assertEqual("not within 0 s; seen: silent", told)

    def test_what_is_still_so_when_it_was_looked_at_again_counts(self) -> None:
        self.assertIsNone(self.judged(Event(50.2, timeline.LOOKED, "", "", timeline.NETWORK)))

    def test_looks_are_no_part_of_the_timeline(self) -> None:
        self.assertEqual(["reach"], [event.kind for event in self.log.events])
