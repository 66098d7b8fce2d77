# SPDX-License-Identifier: Apache-2.0
"""What a host begins of what mtce-agent wants."""

import dataclasses
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from mtce import client, wishes
from mtce.wishes import End, Known, Leave, Run, SetLocked

KNOWN = Known(boot_id="this", is_locked=False, may_reboot=True)


def known(**changes: Any) -> Known:
    return dataclasses.replace(KNOWN, **changes)


class WordsTest(base.BaseTestCase):
    def test_every_task_and_end_that_can_be_wished_for_is_known(self) -> None:
        self.assertEqual(set(client.Task), set(wishes.KINDS))
        self.assertEqual(set(client.End), set(wishes.ENDS))

    def test_the_configuration_is_reported_in_words_of_the_report(self) -> None:
        said = {wishes.config(*flags) for flags in itertools.product((False, True), repeat=3)}
        self.assertEqual(set(client.Config), said)


class LockedTest(base.BaseTestCase):
    def test_the_flag_follows_the_wish(self) -> None:
        self.assertEqual([SetLocked(True)], wishes.decide(client.Wish(is_locked=True), known()))
        self.assertEqual([SetLocked(False)], wishes.decide(client.Wish(is_locked=False), known(is_locked=True)))

    def test_one_that_is_unlocked_stays_locked_until_its_boot_has_ended(self) -> None:
        ending = client.Wish(is_locked=False, boot_id="this", end=client.End.REBOOT)
        self.assertEqual([End("reboot")], wishes.decide(ending, known(is_locked=True)))
        self.assertEqual([], wishes.decide(ending, known(is_locked=True, ending="reboot")))
        self.assertEqual([SetLocked(False)], wishes.decide(ending, known(is_locked=True, may_reboot=False)))
        hangs = known(is_locked=True, ending="reboot")
        self.assertEqual([], wishes.decide(client.Wish(is_locked=False), hangs))

    def test_one_that_is_locked_and_reset_is_locked_first(self) -> None:
        forced = client.Wish(is_locked=True, boot_id="this", end=client.End.RESET)
        self.assertEqual([SetLocked(True)], wishes.decide(forced, known()))
        self.assertEqual([End("reset")], wishes.decide(forced, known(is_locked=True)))

    def test_one_that_is_in_service_and_reset_goes_out_of_service_first(self) -> None:
        for end in (client.End.RESET, client.End.WIPE):
            failed = client.Wish(boot_id="this", end=end)
            self.assertEqual([Leave()], wishes.decide(failed, known(is_in_service=True)))
            self.assertEqual([End(end)], wishes.decide(failed, known()))
        # One that is rebooted says so itself to those who count on it.
        self.assertEqual([End("reboot")], wishes.decide(client.Wish(boot_id="this"), known(is_in_service=True)))

    def test_a_flag_that_is_as_wished_or_not_spoken_of_is_left(self) -> None:
        self.assertEqual([], wishes.decide(client.Wish(is_locked=True), known(is_locked=True)))
        self.assertEqual([], wishes.decide(client.Wish(), known(is_locked=True)))


class TaskTest(base.BaseTestCase):
    def test_a_task_is_run_once_for_each_token(self) -> None:
        wish = client.Wish(tasks={"goenabled": "2"})
        self.assertEqual([Run("goenabled", "2")], wishes.decide(wish, known(done={"goenabled": "1"})))
        self.assertEqual([], wishes.decide(wish, known(done={"goenabled": "2"})))

    def test_one_that_runs_is_not_begun_again_also_for_another_token(self) -> None:
        wish = client.Wish(tasks={"goenabled": "2"})
        self.assertEqual([], wishes.decide(wish, known(running=frozenset({"goenabled"}))))

    def test_tests_run_beside_each_other_and_services_one_after_another(self) -> None:
        wish = client.Wish(tasks=dict.fromkeys(("goenabled", "goenabled-worker", "start", "start-worker"), "1"))
        self.assertEqual(["goenabled", "goenabled-worker", "start"], [effect.task for effect in wishes.decide(wish, known())])
        self.assertEqual([], wishes.decide(client.Wish(tasks={"stop": "1"}), known(running=frozenset({"start"}))))

    def test_a_task_of_a_later_release_keeps_no_other_back(self) -> None:
        wish = client.Wish(tasks={"unheard-of": "1", "stop": "1"})
        self.assertEqual([Run("stop", "1")], wishes.decide(wish, known()))

    def test_scripts_come_from_where_the_host_has_them(self) -> None:
        both = ["controller", "worker"]
        self.assertEqual(["."], wishes.places("goenabled", both))
        self.assertEqual(["worker"], wishes.places("goenabled-worker", both))
        self.assertEqual(["controller"], wishes.places("start", both))
        self.assertEqual(["worker"], wishes.places("start-worker", both))
        self.assertEqual(["worker", "controller"], wishes.places("stop", both))
        self.assertEqual(["storage"], wishes.places("start", ["storage"]))


class EndTest(base.BaseTestCase):
    def test_a_boot_ends_once(self) -> None:
        wish = client.Wish(boot_id="this")
        self.assertEqual([End("reboot")], wishes.decide(wish, known()))
        self.assertEqual([], wishes.decide(wish, known(ending="reboot")))

    def test_a_rougher_end_is_taken_a_gentler_one_is_not(self) -> None:
        reset = client.Wish(boot_id="this", end=client.End.RESET)
        self.assertEqual([End("reset")], wishes.decide(reset, known(ending="reboot")))
        self.assertEqual([], wishes.decide(reset, known(ending="wipe")))

    def test_another_boot_has_ended_already(self) -> None:
        self.assertEqual([], wishes.decide(client.Wish(boot_id="before", end=client.End.WIPE), known()))

    def test_nobody_s_workstation_is_rebooted(self) -> None:
        self.assertEqual([], wishes.decide(client.Wish(boot_id="this"), known(may_reboot=False)))

    def test_a_boot_that_ends_begins_no_task(self) -> None:
        tasks = {"start": "1"}
        self.assertEqual([End("reboot")], wishes.decide(client.Wish(tasks=tasks, boot_id="this"), known()))
        self.assertEqual([], wishes.decide(client.Wish(tasks=tasks), known(ending="reboot")))


class PeriodTest(base.BaseTestCase):
    def test_it_is_the_usual_one_unless_another_is_wished_for(self) -> None:
        self.assertEqual([5.0, 0.5, 0.1, 5.0], [wishes.period_s(client.Wish(report_s=s), 5.0) for s in (0.0, 0.5, 0.001, -1.0)])


class ConfigTest(base.BaseTestCase):
    def test_a_failure_counts_most(self) -> None:
        self.assertEqual("failed", wishes.config(has_failed=True, has_passed=True, is_configured=True))

    def test_a_configured_host_waits_for_its_configuration_in_every_boot(self) -> None:
        self.assertEqual("pending", wishes.config(has_failed=False, has_passed=False, is_configured=True))
        self.assertEqual("passed", wishes.config(has_failed=False, has_passed=True, is_configured=True))

    def test_a_host_that_was_never_configured_waits_for_nothing(self) -> None:
        self.assertEqual("passed", wishes.config(has_failed=False, has_passed=False, is_configured=False))


WISHES = st.builds(
    client.Wish,
    is_locked=st.none() | st.booleans(),
    tasks=st.dictionaries(st.sampled_from(sorted(wishes.KINDS)), st.sampled_from("12")),
    boot_id=st.sampled_from(("", "this", "before")),
    end=st.sampled_from(sorted(client.End)),
)


class Simulated:
    """A host that carries out at once what it begins; its tasks end when they are told to."""

    def __init__(self, may_reboot: bool) -> None:
        self.known = known(may_reboot=may_reboot)
        self.begun: list[Run] = []
        self.ends: list[str] = []
        self.tokens: dict[str, str] = {}

    def hear(self, wish: client.Wish) -> None:
        for effect in wishes.decide(wish, self.known):
            match effect:
                case SetLocked(is_locked):
                    self.known = dataclasses.replace(self.known, is_locked=is_locked)
                case Run(task, token):
                    self.begun.append(effect)
                    self.tokens[task] = token
                    self.known = dataclasses.replace(self.known, running=self.known.running | {task})
                case End(how):
                    self.ends.append(how)
                    self.known = dataclasses.replace(self.known, ending=how)

    def finish(self) -> None:
        done = {**self.known.done, **{task: self.tokens[task] for task in self.known.running}}
        self.known = dataclasses.replace(self.known, done=done, running=frozenset())


class PropertyTest(base.BaseTestCase):
    @given(st.lists(WISHES | st.none()), st.booleans())
    def test_whatever_is_wished_for_no_two_tasks_share_a_lane_and_no_boot_ends_gently_after_roughly(
        self, heard: list[client.Wish | None], may_reboot: bool
    ) -> None:
        host = Simulated(may_reboot)
        for wish in heard:
            if wish is None:
                host.finish()
                continue
            begun = len(host.begun)
            host.hear(wish)
            lanes = [wishes.KINDS[task].lane for task in host.known.running]
            self.assertEqual(len(set(lanes)), len(lanes))
            if wish.is_locked is not None and (host.known.ending or (may_reboot and wish.boot_id == host.known.boot_id)):
                self.assertLessEqual(wish.is_locked, host.known.is_locked)
            elif wish.is_locked is not None:
                self.assertEqual(wish.is_locked, host.known.is_locked)
            if host.ends:
                self.assertEqual(begun, len(host.begun))
        ranks = [wishes.ENDS.index(how) for how in host.ends]
        self.assertEqual(sorted(set(ranks)), ranks)
        self.assertTrue(may_reboot or not host.ends)

    @given(WISHES)
    def test_a_wish_that_is_repeated_comes_true_and_then_begins_nothing(self, wish: client.Wish) -> None:
        host = Simulated(may_reboot=False)
        for _ in wishes.KINDS:
            host.hear(wish)
            host.finish()
        self.assertEqual(wish.tasks, host.known.done)
        self.assertEqual(len(wish.tasks), len(host.begun))
        self.assertEqual([], wishes.decide(wish, host.known))
