# SPDX-License-Identifier: Apache-2.0
"""Who is silent for too long."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from mtce.watchdog.quorum import Quorum

SILENCE_S, TURN_S = 150.0, 10.0


class QuorumTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.quorum = self.make()
        self.now = 0.0
        self.quorum.pass_time(self.now, False)

    def make(self, *heard: str) -> Quorum:
        return Quorum(["mtce-client", "other"], SILENCE_S, TURN_S, heard)

    def wait(self, seconds: float, is_locked: bool = False) -> str:
        """The verdict after so long."""
        until = self.now + seconds
        while self.now < until:
            self.now += TURN_S
            self.quorum.pass_time(self.now, is_locked)
        return self.quorum.verdict()

    def test_one_that_falls_silent_is_named_when_its_time_is_over(self) -> None:
        self.quorum.hear("mtce-client")
        self.assertEqual("", self.wait(SILENCE_S))
        self.assertEqual("mtce-client has said nothing for 150 s", self.wait(TURN_S))

    def test_one_that_checks_in_again_is_forgiven(self) -> None:
        self.quorum.hear("mtce-client")
        self.wait(2 * SILENCE_S)
        self.quorum.hear("mtce-client")
        self.assertEqual("", self.wait(SILENCE_S))

    def test_one_that_has_never_checked_in_is_no_reason(self) -> None:
        self.assertEqual("", self.wait(100 * SILENCE_S))

    def test_one_that_an_earlier_watchdog_heard_in_this_boot_is(self) -> None:
        self.quorum = self.make("mtce-client", "no-member-now")
        self.assertEqual("mtce-client has said nothing for 150 s", self.wait(2 * SILENCE_S))

    def test_who_is_no_member_counts_for_nothing(self) -> None:
        self.assertFalse(self.quorum.hear("stranger"))
        self.assertEqual("", self.wait(2 * SILENCE_S))

    def test_a_locked_host_waits_for_nobody_and_begins_anew_when_it_is_unlocked(self) -> None:
        self.quorum.hear("mtce-client", "sshd cannot be kept running")
        self.assertEqual("", self.wait(2 * SILENCE_S, is_locked=True))
        self.assertEqual("", self.wait(SILENCE_S))
        self.assertNotEqual("", self.wait(TURN_S))

    def test_a_member_can_say_why_the_host_cannot_go_on_and_take_it_back(self) -> None:
        self.quorum.hear("mtce-client", "sshd cannot be kept running")
        self.assertEqual("sshd cannot be kept running", self.quorum.verdict())
        self.quorum.hear("mtce-client")
        self.assertEqual("", self.quorum.verdict())

    def test_a_watchdog_that_was_held_up_blames_nobody_for_that(self) -> None:
        self.quorum.hear("mtce-client")
        self.now += 100 * SILENCE_S
        self.quorum.pass_time(self.now, False)
        self.assertEqual("", self.quorum.verdict())

    @given(st.lists(st.tuples(st.sampled_from(("hear", "turn")), st.floats(0.0, 60.0))))
    def test_no_member_is_blamed_within_its_time(self, events: list[tuple[str, float]]) -> None:
        quorum, now, heard_at = Quorum(["a"], SILENCE_S, TURN_S), 0.0, 0.0
        for kind, passed in events:
            now += passed
            quorum.pass_time(now, False)
            if kind == "hear":
                quorum.hear("a")
                heard_at = now
            if now - heard_at <= SILENCE_S:
                self.assertEqual("", quorum.verdict())
