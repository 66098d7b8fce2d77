# SPDX-License-Identifier: Apache-2.0
"""Real scripts, in a directory of their own."""

import logging
import os
import threading
from pathlib import Path

import fixtures

from mtce import scripts
from mtce.scripts import Outcome, Scripts, ScriptsError
from mtce.tests.unit.pmon import harness


class ScriptsTest(harness.DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.directory / "goenabled.d"
        self.place.mkdir(mode=0o755)
        self.scripts = Scripts()
        self.addCleanup(self.scripts.close)

    def add(self, name: str, text: str) -> Path:
        return self.script(f"goenabled.d/{name}", f"#!/bin/sh\n{text}\n")

    def run_all(self, timeout_s: float = 60.0, is_parallel: bool = True) -> list[Outcome]:
        return self.scripts.run(scripts.find(self.place), "start", timeout_s, is_parallel)


class FindTest(ScriptsTest):
    def test_executable_files_are_found_in_the_order_of_their_names(self) -> None:
        for name in ("20-b", "10-a"):
            self.add(name, "exit 0")
        self.write("goenabled.d/README", "not one")
        (self.place / "worker").mkdir()
        self.assertEqual(["10-a", "20-b"], [path.name for path in scripts.find(self.place)])

    def test_without_the_directory_there_are_none(self) -> None:
        self.assertEqual([], scripts.find(self.place / "worker"))

    def test_a_directory_that_others_may_write_to_is_refused(self) -> None:
        self.place.chmod(0o777)
        error = self.assertRaises(ScriptsError, scripts.find, self.place)
        self.assertIn(f"chmod go-w {self.place}", str(error))

    def test_a_script_that_others_may_write_to_is_refused(self) -> None:
        self.add("10-a", "exit 0").chmod(0o775)
        error = self.assertRaises(ScriptsError, scripts.find, self.place)
        self.assertIn("goenabled.d/10-a can be changed by others", str(error))

    def test_a_script_of_somebody_else_is_refused(self) -> None:
        if os.geteuid():
            self.skipTest("only root can give files away")
        os.chown(self.add("10-a", "exit 0"), 12345, -1)
        self.assertRaises(ScriptsError, scripts.find, self.place)


class RunTest(ScriptsTest):
    def test_each_is_called_with_the_argument_and_passes_with_0(self) -> None:
        self.add("10-a", f'echo "$*" > {self.directory}/said')
        self.assertEqual([Outcome("10-a")], self.run_all())
        self.assertEqual("start\n", (self.directory / "said").read_text())

    def test_those_that_fail_are_named_with_the_reason(self) -> None:
        self.add("10-a", "exit 3")
        self.add("20-b", "exit 0")
        self.add("30-c", "kill -9 $$")
        self.write("goenabled.d/40-d", "#!/no/such/shell\n", 0o755)
        outcomes = self.run_all()
        self.assertEqual("", outcomes[1].reason)
        failed = scripts.failures(outcomes)
        self.assertIn("10-a: it exited with code 3; 30-c: killed by signal 9 (SIGKILL); 40-d: ", failed)
        self.assertIn("cannot be run", failed)

    def test_in_parallel_they_run_at_the_same_time(self) -> None:
        # Each waits for the other.
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        self.add("10-a", f"echo x > {pipe}")
        self.add("20-b", f"read line < {pipe}")
        self.assertEqual("", scripts.failures(self.run_all()))

    def test_in_order_one_begins_when_the_one_before_has_ended(self) -> None:
        self.add("10-a", f"test ! -e {self.directory}/b && touch {self.directory}/a")
        self.add("20-b", f"test -e {self.directory}/a && touch {self.directory}/b; exit 1")
        self.add("30-c", f"test -e {self.directory}/b")
        self.assertEqual("20-b: it exited with code 1", scripts.failures(self.run_all(is_parallel=False)))

    def test_one_that_takes_too_long_is_killed_with_all_that_it_has_started(self) -> None:
        self.add("10-a", f"sleep 1000 & echo $! > {self.directory}/pid; wait")
        self.assertEqual([Outcome("10-a", "it did not end within 0.5 s")], self.run_all(timeout_s=0.5))
        harness.wait_until(lambda: not self.marked())

    def test_those_that_come_after_it_are_not_run(self) -> None:
        self.add("10-a", "sleep 1000")
        self.add("20-b", f"touch {self.directory}/b")
        outcomes = self.run_all(timeout_s=0.3, is_parallel=False)
        self.assertEqual("it was not run, the time was over", outcomes[1].reason)
        self.assertFalse((self.directory / "b").exists())

    def test_what_one_leaves_running_lives_on(self) -> None:
        self.add("10-a", f"sleep 1000 > /dev/null 2>&1 & echo $! > {self.directory}/pid")
        self.assertEqual([Outcome("10-a")], self.run_all())
        self.assertTrue(harness.is_alive(int((self.directory / "pid").read_text())))

    def test_one_that_is_stopped_ends(self) -> None:
        self.add("10-a", f"touch {self.directory}/begun; sleep 1000")
        thread = threading.Thread(target=self.run_all)
        thread.start()
        harness.wait_until((self.directory / "begun").exists)
        self.scripts.stop()
        thread.join(60)
        self.assertFalse(thread.is_alive())
        self.assertTrue(self.scripts.is_stopped)
        harness.wait_until(lambda: not self.marked())

    def test_what_it_prints_is_logged_up_to_a_bound(self) -> None:
        logger = self.useFixture(fixtures.FakeLogger("mtce.scripts", level=logging.INFO))
        self.add("10-a", "echo the reason; yes | head -c 1000000; exit 1")
        self.assertEqual("10-a: it exited with code 1", scripts.failures(self.run_all()))
        self.assertIn("the reason", logger.output)
        self.assertLess(len(logger.output), 2 * scripts.MAX_OUTPUT_BYTES)
