# SPDX-License-Identifier: Apache-2.0
"""The end of a boot, with commands that are written down and never run."""

import os
import pathlib
import subprocess
from collections.abc import Sequence

import fixtures
from oslotest import base

from mtce import ending
from mtce.ending import Commands, Ending, EndingError, Runner


class Recorder(Runner):
    """Writes down what would be run.

    :param failing: programs that do not work
    """

    def __init__(self, *failing: str) -> None:
        self.ran: list[str] = []
        self.detached: list[str] = []
        self._failing = failing

    def check(self) -> None:
        pass

    def run(self, argv: Sequence[str], limit_s: float) -> None:
        self.ran.append(" ".join(argv))
        if argv[0] in self._failing:
            raise EndingError(f"{argv[0]} did not work")

    def detach(self, argv: Sequence[str]) -> None:
        self.detached.append(" ".join(argv))
        if argv[0] in self._failing:
            raise EndingError(f"{argv[0]} did not work")


class EndingTest(base.BaseTestCase):
    def end(self, how: str, *failing: str, last_resort_s: int | None = None) -> Recorder:
        runner = Recorder(*failing)
        commands = Commands(reboot=("reboot",), reset=("reset",), wipe=("wipe",), last_resort="die")
        self.has_begun = Ending(commands, runner).end(how, last_resort_s)
        return runner

    def test_the_last_resort_is_ready_before_anything_else_is_tried(self) -> None:
        for how, wait_s in (("reboot", 120), ("reset", 60), ("wipe", 60)):
            armed = self.end(how).ran[0]
            self.assertTrue(armed.startswith("systemd-run "), armed)
            self.assertTrue(armed.endswith(f"sleep {wait_s} && {{ die; }}"), armed)

    def test_its_time_can_be_chosen(self) -> None:
        self.assertIn("sleep 300 && { die; }", self.end("reboot", last_resort_s=300).ran[0])

    def test_each_end_has_its_commands(self) -> None:
        self.assertEqual(["reboot"], self.end("reboot").ran[1:])
        self.assertEqual(["reset"], self.end("reset").ran[1:])
        self.assertEqual(["wipe", "reset"], self.end("wipe").ran[1:])

    def test_a_disk_that_cannot_be_wiped_keeps_no_host_up(self) -> None:
        self.assertEqual(["wipe", "reset"], self.end("wipe", "wipe").ran[1:])

    def test_where_no_unit_can_be_made_the_last_resort_is_a_process(self) -> None:
        runner = self.end("reboot", "systemd-run", "reboot")
        self.assertEqual(1, len(runner.detached))
        self.assertIn("sleep 120 && { die; }", runner.detached[0])

    def test_it_has_begun_when_anything_worked(self) -> None:
        self.end("reboot", "reboot")
        self.assertTrue(self.has_begun)
        self.end("reboot", "systemd-run", "/bin/sh")
        self.assertTrue(self.has_begun)
        self.end("reboot", "systemd-run", "/bin/sh", "reboot")
        self.assertFalse(self.has_begun)

    def test_a_last_resort_that_is_ended_early_does_nothing(self) -> None:
        (armed,) = (line for line in self.end("reboot").ran if line.startswith("systemd-run"))
        script = armed.partition("-c ")[2].replace("sleep 120", "sh -c 'kill $$'").replace("die", "echo too early")
        done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, timeout=60)
        self.assertEqual(b"", done.stdout)

    def test_a_process_that_systemd_has_not_started_ends_no_boot(self) -> None:
        # This test is such a process: were it let, it would find no program of this name.
        self.useFixture(fixtures.EnvironmentVariable("SYSTEMD_EXEC_PID", str(os.getppid())))
        self.useFixture(fixtures.MonkeyPatch("subprocess.run", self.fail))
        self.useFixture(fixtures.MonkeyPatch("subprocess.Popen", self.fail))
        nothing = Ending(Commands(*[("/no/such/program",)] * 3, last_resort="exit"), Runner())
        self.assertFalse(nothing.is_possible)
        self.assertRaises(EndingError, nothing.end, "reboot")
        self.assertRaises(EndingError, Runner().run, ["/no/such/program"], 1.0)
        self.assertRaises(EndingError, Runner().detach, ["/no/such/program"])


class CommandsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.systemd = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch("mtce.ending._SYSTEMD", self.systemd))

    def test_a_container_never_presses_the_key_of_the_machine_that_it_is_on(self) -> None:
        (self.systemd / "container").write_text("systemd-nspawn")
        self.assertNotIn("sysrq", ending.commands_of_this_host().last_resort)

    def test_a_process_of_another_name_space_does_not_either(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("os.readlink", lambda path: "pid:[4026532567]"))
        self.assertNotIn("sysrq", ending.commands_of_this_host().last_resort)

    def test_a_machine_of_its_own_has_the_kernel_s_key(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("os.readlink", lambda path: "pid:[4026531836]"))
        self.assertIn("/proc/sysrq-trigger", ending.commands_of_this_host().last_resort)

    def test_what_wipes_can_be_chosen(self) -> None:
        self.assertEqual(["wipe"], ending.commands_of_this_host(["wipe"]).wipe)
        self.assertIn("mtce.wiping", ending.commands_of_this_host().wipe)
