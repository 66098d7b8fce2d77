# SPDX-License-Identifier: Apache-2.0
"""Wishes that are carried out with real scripts; the end of a boot is written down only."""

import queue
from typing import Any

import fixtures

from mtce import client, deeds
from mtce.deeds import Deeds
from mtce.ending import Commands, Ending
from mtce.tests.unit.pmon import harness
from mtce.tests.unit.test_ending import Recorder
from stx import flags, testing


class DeedsTest(harness.DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.tests, self.services = self.directory / "goenabled.d", self.directory / "services.d"
        for place in (self.tests, self.tests / "worker", self.services, self.services / "controller", self.services / "worker"):
            place.mkdir(mode=0o755)
        self.platform.conf.config(group="mtce_host", goenabled_dir=str(self.tests), services_dir=str(self.services))
        self.useFixture(fixtures.MonkeyPatch("mtce.deeds.INITIAL_CONFIG", self.directory / "configured"))
        self.news: queue.Queue[None] = queue.Queue()
        self.runner = Recorder()
        self.deeds = self.make()

    def make(self, boot_id: str = "this") -> Deeds:
        commands = Commands(reboot=("reboot",), reset=("reset",), wipe=("wipe",), last_resort="die")
        made = Deeds(boot_id, Ending(commands, self.runner), lambda: self.news.put(None))
        self.addCleanup(made.stop)
        return made

    def add(self, place: str, text: str) -> None:
        self.script(place, f"#!/bin/sh\n{text}\n")

    def fulfil(self, **wish: Any) -> None:
        self.deeds.fulfil(client.Wish(**wish))

    def result(self, task: str, token: str) -> client.Result:
        """How a task went that is begun now."""
        self.fulfil(tasks={task: token})
        self.news.get(timeout=60)
        result = self.deeds.results[task]
        self.assertEqual(token, result.token)
        return result

    def flags(self) -> set[str]:
        return {path.name for path in self.platform.path.iterdir()} - {deeds.RESULTS}


class FlagTest(DeedsTest):
    def test_the_flag_of_a_locked_host_comes_and_goes(self) -> None:
        self.fulfil(is_locked=True)
        self.assertEqual({".node_locked"}, self.flags())
        self.fulfil()
        self.assertEqual({".node_locked"}, self.flags())
        self.fulfil(is_locked=False)
        self.assertEqual(set(), self.flags())

    def test_the_configuration_is_told_by_flags(self) -> None:
        self.assertEqual(client.Config.PASSED, self.deeds.config())
        (self.directory / "configured").touch()
        self.assertEqual(client.Config.PENDING, self.deeds.config())
        (self.platform.path / ".config_pass").touch()
        self.assertEqual(client.Config.PASSED, self.deeds.config())
        (self.platform.path / ".config_fail").touch()
        self.assertEqual(client.Config.FAILED, self.deeds.config())


class TaskTest(DeedsTest):
    def test_tests_that_pass_set_their_flag(self) -> None:
        self.add("goenabled.d/10-a", "exit 0")
        self.assertTrue(self.result("goenabled", "1").is_passed)
        self.assertEqual({"goenabled"}, self.flags())

    def test_a_test_that_fails_is_named_and_the_flag_says_so(self) -> None:
        self.result("goenabled", "1")
        self.add("goenabled.d/10-a", "exit 1")
        result = self.result("goenabled", "2")
        self.assertEqual((False, "10-a: it exited with code 1"), (result.is_passed, result.reason))
        self.assertEqual({"goenabled_failed"}, self.flags())

    def test_the_worker_s_part_has_tests_and_flags_of_its_own(self) -> None:
        self.add("goenabled.d/10-a", "exit 1")
        self.add("goenabled.d/worker/10-a", "exit 0")
        self.assertTrue(self.result("goenabled-worker", "1").is_passed)
        self.assertEqual({"goenabled_subf"}, self.flags())
        self.add("goenabled.d/worker/20-b", "exit 1")
        self.assertFalse(self.result("goenabled-worker", "2").is_passed)
        self.assertEqual({"goenabled_subf_failed"}, self.flags())

    def test_a_host_without_tests_passes(self) -> None:
        self.platform.conf.config(group="mtce_host", goenabled_dir=str(self.directory / "none"))
        self.assertTrue(self.result("goenabled", "1").is_passed)

    def test_a_test_that_takes_too_long_fails(self) -> None:
        self.platform.conf.config(group="mtce_host", goenabled_timeout=1.0)
        self.add("goenabled.d/10-a", "sleep 1000")
        self.assertEqual("10-a: it did not end within 1 s", self.result("goenabled", "1").reason)

    def test_scripts_that_others_may_change_are_not_run(self) -> None:
        self.add("goenabled.d/10-a", f"touch {self.directory}/ran")
        self.tests.chmod(0o777)
        self.assertIn("can be changed by others than root", self.result("goenabled", "1").reason)
        self.assertFalse((self.directory / "ran").exists())

    def test_services_of_both_subfunctions_are_started_apart_and_stopped_together(self) -> None:
        self.platform.conf.config(group="pmon", subfunctions=["controller", "worker"])
        for place in ("controller", "worker"):
            self.add(f"services.d/{place}/10-a", f'echo {place} "$1" >> {self.directory}/said')
        self.result("start", "1")
        self.result("start-worker", "1")
        self.result("stop", "1")
        said = (self.directory / "said").read_text().splitlines()
        self.assertEqual(["controller start", "worker start", "worker stop", "controller stop"], said)

    def test_a_task_is_run_once_for_each_token(self) -> None:
        self.add("services.d/controller/10-a", f"echo x >> {self.directory}/said")
        self.result("start", "1")
        self.fulfil(tasks={"start": "1"})
        self.result("start", "2")
        self.assertEqual("x\nx\n", (self.directory / "said").read_text())

    def test_results_outlive_the_process_and_not_the_boot(self) -> None:
        self.result("goenabled", "1")
        self.assertEqual(self.deeds.results, self.make().results)
        self.assertEqual({"goenabled"}, self.flags())
        self.assertEqual({}, self.make("the next").results)
        self.assertEqual(set(), self.flags())

    def test_results_that_cannot_be_read_are_none(self) -> None:
        (self.platform.path / deeds.RESULTS).write_text("no")
        self.assertEqual({}, self.make().results)

    def test_a_task_that_is_interrupted_has_no_result_and_is_run_again(self) -> None:
        self.add("goenabled.d/10-a", f"touch {self.directory}/begun; exec sleep 1000")
        self.fulfil(tasks={"goenabled": "1"})
        harness.wait_until((self.directory / "begun").exists)
        self.deeds.stop()
        self.assertEqual({}, self.deeds.results)
        self.add("goenabled.d/10-a", "exit 0")
        self.deeds = self.make()
        self.assertTrue(self.result("goenabled", "1").is_passed)


class EndTest(DeedsTest):
    def test_the_boot_that_is_meant_ends(self) -> None:
        self.fulfil(boot_id="this", end=client.End.RESET)
        harness.wait_until(lambda: self.runner.ran[1:] == ["reset"])
        self.fulfil(boot_id="this", end=client.End.RESET)
        self.fulfil(boot_id="this", end=client.End.WIPE)
        harness.wait_until(lambda: self.runner.ran[3:] == ["wipe", "reset"])

    def test_a_host_in_service_goes_out_of_service_before_it_is_reset(self) -> None:
        flag = self.platform.path / flags.GOENABLED
        flag.touch()
        self.fulfil(boot_id="this", end=client.End.RESET)
        self.assertEqual((False, []), (flag.exists(), self.runner.ran))
        # As if it could not be removed.
        flag.touch()
        self.fulfil(boot_id="this", end=client.End.RESET)
        harness.wait_until(lambda: self.runner.ran[1:] == ["reset"])

    def test_one_that_is_tested_again_after_a_reset_that_came_to_nothing_goes_out_of_service_anew(self) -> None:
        flag = self.platform.path / flags.GOENABLED
        flag.touch()
        self.fulfil(boot_id="this", end=client.End.RESET)
        self.fulfil(tasks={"goenabled": "1"})
        self.result("goenabled", "1")
        self.assertTrue(flag.exists())
        self.fulfil(boot_id="this", end=client.End.RESET)
        self.assertEqual((False, []), (flag.exists(), self.runner.ran))

    def test_an_end_that_did_not_begin_is_tried_again(self) -> None:
        self.runner = Recorder("systemd-run", "/bin/sh", "reboot")
        self.deeds = self.make()
        for times in (1, 2):
            self.fulfil(boot_id="this")
            harness.wait_until(lambda times=times: self.runner.ran.count("reboot") == times and self.deeds._begun is None)

    def test_another_boot_is_left_alone(self) -> None:
        self.fulfil(boot_id="before")
        self.result("goenabled", "1")
        self.assertEqual([], self.runner.ran)

    def test_a_host_that_may_not_says_so_and_stays_up(self) -> None:
        self.assertTrue(self.deeds.may_reboot)
        self.platform.conf.config(group="mtce", may_reboot=False)
        self.assertFalse(self.deeds.may_reboot)
        self.fulfil(boot_id="this", tasks={"goenabled": "1"})
        self.assertEqual([], self.runner.ran)
