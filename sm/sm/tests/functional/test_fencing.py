# SPDX-License-Identifier: Apache-2.0
"""An engine with a program for the other controller's board: when it is asked, and when it is told to cut power."""

import time

from sm.fencing import FENCING
from sm.tests.functional import engine_base
from sm.tests.functional.engine_base import OWN, PEER

BOTH = {OWN, PEER}


class FencingTest(engine_base.EngineTestCase):
    services = "groups: {}"
    fence = "PROGRAM board"

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "board.state").write_text("on")
        self.until("the board was asked", lambda: self.lease.wish.hello.reaches_board)
        self.hear_peer(is_ready=True, reaches_board=True)
        self.see(voters={*BOTH, FENCING}, eligible=BOTH, holds=True)
        self.forget()

    def power(self) -> str:
        return (self.directory / "board.state").read_text()

    def fall_silent(self) -> None:
        self.see(heard={}, granting=frozenset())

    def test_a_silent_controller_loses_its_power_and_gets_it_back_when_nobody_counts_on_it(self) -> None:
        silent_at = time.monotonic()
        self.fall_silent()
        self.until("its power is cut", lambda: self.lease.wish.off_at is not None)
        self.assertEqual("off", self.power())
        self.assertGreater(self.lease.wish.off_at, silent_at)
        self.see(voters={OWN}, eligible={OWN})
        self.until("it has its power back", lambda: self.power() == "on")
        self.assertEqual([f"{PEER} is silent: its power is cut.", f"{PEER} gets its power back."], self.ledger.fenced)

    def test_one_that_is_owed_its_power_gets_it_from_the_next_process(self) -> None:
        self.fall_silent()
        self.until("its power is cut", lambda: self.lease.wish.off_at is not None)
        self.engine.close()
        self.begin()
        self.see(holds=False)
        self.until("it has its power back", lambda: self.power() == "on")
        self.until("it is written down", lambda: not (self.directory / "fenced").exists())

    def test_one_that_does_not_hear_this_one_is_as_one_that_is_not_heard(self) -> None:
        self.see(is_echoed=False)
        self.until("its power is cut", lambda: self.power() == "off")

    def test_one_that_nobody_counts_on_keeps_its_power(self) -> None:
        self.see(voters={*BOTH, FENCING}, eligible={OWN})
        self.engine.turn()
        self.see(is_agreed=False, heard={}, granting=frozenset())
        for _ in range(3):
            self.engine.turn()
        self.assertEqual("idle", self.engine.fencing)

    def test_one_that_is_off_stays_so(self) -> None:
        (self.directory / "board.state").write_text("off")
        self.fall_silent()
        self.until("it is found off", lambda: self.lease.wish.off_at is not None)
        self.see(voters={OWN}, eligible={OWN})
        self.until("nothing is at work", lambda: self.engine.fencing == "off")
        self.assertEqual({"board status"}, set(self.log()))
        self.hear_peer()
        self.until("it is there again", lambda: self.lease.wish.off_at is None)

    def test_one_that_says_something_in_time_keeps_its_power(self) -> None:
        self.fall_silent()
        self.until("its board was asked", lambda: bool(self.log()))
        self.hear_peer()
        self.until("all is well", lambda: self.engine.fencing == "idle")
        self.assertEqual(("on", []), (self.power(), self.ledger.fenced))

    def test_a_board_that_does_not_answer_is_told_to_the_other_controller(self) -> None:
        self.flag("board", "fails-status")
        self.fall_silent()
        self.until("it is known", lambda: not self.lease.wish.hello.reaches_board)
        self.assertIsNone(self.lease.wish.off_at)
        self.flag("board", "fails-status", is_there=False)
        self.hear_peer()
        self.until("it was asked again", lambda: self.lease.wish.hello.reaches_board)

    def test_one_that_does_not_hold_the_lease_cuts_no_power_unless_it_was_promised_something(self) -> None:
        self.see(holds=False)
        self.fall_silent()
        self.engine.turn()
        self.assertEqual("idle", self.engine.fencing)
        self.see(may_succeed=True)
        self.until("its power is cut", lambda: self.lease.wish.off_at is not None)

    def test_one_that_ends_waits_until_the_other_one_does_without_it(self) -> None:
        self.see(holds=False)
        self.hear_peer(is_ready=True, is_active=True, reaches_board=True)
        self.engine.retire()
        self.engine.turn()
        self.assertFalse(self.lease.wish.hello.is_ready)
        self.assertFalse(self.engine.is_done())
        self.see(voters={PEER}, eligible={PEER})
        self.engine.turn()
        self.assertTrue(self.engine.is_done())
