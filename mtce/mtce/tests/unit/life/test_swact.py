# SPDX-License-Identifier: Apache-2.0
"""The active controller is swacted; mtce-agent ends with that, and another one goes on."""

import ddt
from oslotest import base

from mtce.life import swact
from mtce.life.model import Life, Procedure, Stage
from mtce.tests.unit.life.world import World


@ddt.ddt
class SwactTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(personality="controller")
        self.world.power_on()
        self.world.pass_s(25.0)
        self.world.ask("unlock")
        self.world.pass_s(60.0)
        self.world.is_self = True

    def ask(self, action: str = "swact") -> None:
        self.world.history.clear()
        self.world.ask(action)
        self.world.pass_s(0.5)

    def begin(self, action: str = "swact") -> None:
        """Until Service Management has been asked by this mtce-agent."""
        self.ask(action)
        self.world.pass_s(0.5)
        self.world.hands_over = True

    def take_over(self, is_self: bool) -> None:
        """Another mtce-agent goes on with what is stored."""
        self.world.hands_over, self.world.is_self = None, is_self
        self.world.life = self.world.life.changed(since=self.world.now)

    def tasks(self) -> list[str]:
        return list(dict.fromkeys(life.task for life in self.world.history))

    def assert_in_service(self, life: Life) -> None:
        self.assertEqual(("unlocked", "enabled", "available"), (life.administrative, life.operational, life.availability))

    @ddt.data("swact", "force-swact")
    def test_it_is_requested_then_in_progress_and_complete_when_the_other_one_is_active(self, action: str) -> None:
        boot = self.world.boot
        self.begin(action)
        self.assertEqual(Procedure(action), self.world.life.procedure)
        self.take_over(is_self=False)
        self.world.pass_s(9.0)
        self.assert_in_service(self.world.life)
        self.world.pass_s(3.0)
        self.assertEqual(["Swact: Request", "Swact: In-Progress", "Swact: Complete", ""], self.tasks())
        self.assertEqual((None, boot), (self.world.life.procedure, self.world.boot))

    def test_one_that_comes_back_to_the_same_controller_did_not_complete(self) -> None:
        self.begin()
        self.take_over(is_self=True)
        self.world.pass_s(1.0)
        self.assertEqual("Swact: Did Not Complete", self.world.life.task)
        self.world.pass_s(21.0)
        self.assertEqual(("", None), (self.world.life.task, self.world.life.procedure))

    def test_one_that_is_refused_did_not_complete(self) -> None:
        self.begin()
        self.world.hands_over = False
        self.world.pass_s(1.0)
        self.assertEqual("Swact: Did Not Complete", self.world.life.task)

    def test_one_of_which_nothing_comes_ends_after_a_while(self) -> None:
        self.begin()
        self.world.pass_s(121.0)
        self.assertEqual("Swact: Timeout", self.world.life.task)

    def test_one_that_dies_while_the_swact_is_told_is_missed_as_soon_as_ever(self) -> None:
        self.begin()
        self.take_over(is_self=False)
        self.world.pass_s(1.0)
        self.world.power_off()
        self.world.pass_s(2.0)
        self.assertEqual(Procedure.RECOVER, self.world.life.procedure)

    def test_one_that_is_told_not_to_be_complete_is_once_the_other_one_is_active(self) -> None:
        self.begin()
        self.world.hands_over = False
        self.world.pass_s(1.0)
        self.take_over(is_self=False)
        self.world.pass_s(1.0)
        self.assertEqual("Swact: Complete", self.world.life.task)

    def test_another_one_is_taken_while_the_outcome_of_one_is_told(self) -> None:
        self.begin()
        self.take_over(is_self=True)
        self.world.pass_s(1.0)
        self.ask()
        self.assertEqual("Swact: Request", self.world.life.task)

    def test_a_worker_that_comes_goes_on_unless_it_is_forced_and_afterwards_then(self) -> None:
        self.world.is_all_in_one = True
        self.world.life = self.world.life.changed(
            procedure=Procedure.ENABLE, stage=Stage.WORKER_GOENABLED, subfunction_oper="disabled", subfunction_avail="intest"
        )
        self.world.obeys = False
        self.ask()
        self.assertIs(Procedure.ENABLE, self.world.life.procedure)
        self.ask("force-swact")
        self.assertIs(Procedure.FORCE_SWACT, self.world.life.procedure)
        self.world.obeys = True
        self.take_over(is_self=False)
        self.world.pass_s(20.0)
        self.assertEqual((None, "enabled"), (self.world.life.procedure, self.world.life.subfunction_oper))

    def test_one_that_has_failed_hands_over_by_force_when_that_is_asked_for(self) -> None:
        self.world.severities = frozenset({"critical"})
        self.world.pass_s(1.0)
        before = self.world.life
        self.assertEqual((Procedure.ENABLE, Stage.HAND_OVER, False), (before.procedure, before.stage, swact.is_asked_for(before)))
        self.ask("force-swact")
        self.assertIs(Procedure.ENABLE, self.world.life.procedure)
        self.assertTrue(swact.is_asked_for(self.world.life))

    def test_one_that_is_not_active_any_more_has_nothing_to_hand_over(self) -> None:
        self.world.is_self = False
        self.ask()
        self.assertEqual((None, ""), (self.world.life.procedure, self.world.life.task))
