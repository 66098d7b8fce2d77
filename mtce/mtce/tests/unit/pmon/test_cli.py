# SPDX-License-Identifier: Apache-2.0
"""The commands against a real monitor."""

import contextlib
import io
import os

from mtce.pmon import cli
from mtce.pmon.machine import Verb
from mtce.tests.unit.pmon.harness import MonitorTest, is_alive


class CliTest(MonitorTest):
    def run_cli(self, verb: Verb, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main(verb, ["--socket", str(self.directory / "pmon.sock"), *arguments])
            except SystemExit as end:
                code = int(end.code or 0)
        return code, out.getvalue(), err.getvalue()

    def test_stop_and_start_and_restart(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        pid = self.running_pid("sleeper")
        self.assertEqual((0, "sleeper is stopped.\n", ""), self.run_cli(Verb.STOP, "sleeper"))
        self.assertFalse(is_alive(pid))
        self.assertEqual((0, "sleeper is running.\n", ""), self.run_cli(Verb.START, "sleeper"))
        pid = self.running_pid("sleeper")
        self.assertEqual((0, "sleeper is running.\n", ""), self.run_cli(Verb.RESTART, "sleeper"))
        self.assertNotEqual(pid, self.running_pid("sleeper"))

    def test_an_order_that_fails_exits_with_1_and_the_reason(self) -> None:
        self.failing("broken")
        self.start()
        code, out, err = self.run_cli(Verb.START, "nobody")
        self.assertEqual((1, ""), (code, out))
        self.assertEqual("nobody is not watched. Use one of: broken.\n", err)
        code, _, err = self.run_cli(Verb.RESTART, "broken")
        self.assertEqual(1, code)
        self.assertIn("did not start", err)

    def test_a_monitor_that_does_not_run_is_told(self) -> None:
        code, _, err = self.run_cli(Verb.START, "x")
        self.assertEqual(1, code)
        self.assertIn("does not run", err)

    def test_a_deadline_that_passes_is_told(self) -> None:
        self.conf("slow", command="sleep 1000", startuptime=600)
        self.start()
        self.wait_for("slow", "startup")
        code, _, err = self.run_cli(Verb.RESTART, "slow", "--deadline", "0.05")
        self.assertEqual(1, code)
        self.assertIn("No result after 0.05 s", err)

    def test_wrong_arguments_exit_with_2(self) -> None:
        for arguments in ([], ["x", "y"], ["x", "--deadline", "0"], ["x", "--deadline", "soon"]):
            code, _, err = self.run_cli(Verb.START, *arguments)
            self.assertEqual(2, code)
            self.assertIn("usage: pmon-start", err)

    def test_help_has_an_example(self) -> None:
        for verb in Verb:
            code, out, _ = self.run_cli(verb, "--help")
            self.assertEqual(0, code)
            self.assertIn(f"example: pmon-{verb} mtcClient", out)

    def test_only_the_owner_may_give_orders(self) -> None:
        self.start()
        self.assertEqual(0o600, os.stat(self.directory / "pmon.sock").st_mode & 0o777)
