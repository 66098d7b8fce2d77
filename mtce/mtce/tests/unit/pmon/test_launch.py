# SPDX-License-Identifier: Apache-2.0

import os
from pathlib import Path

import fixtures

from mtce.pmon import identity, launch
from mtce.pmon.launch import LaunchError
from mtce.tests.unit.pmon.harness import DirectoryTest, is_alive, wait_until


class LaunchTest(DirectoryTest):
    def launch(self, *argv: str, log_path: str = "") -> tuple[int, int]:
        pid, pidfd = launch.launch(argv, log_path)
        self.addCleanup(os.close, pidfd)
        return pid, pidfd

    def ended(self, *argv: str) -> int | None:
        pid, pidfd = self.launch(*argv)
        wait_until(lambda: identity.has_ended(pidfd))
        return launch.reap(pid, pidfd)

    def test_an_exit_code_or_signal_is_told(self) -> None:
        self.assertEqual(0, self.ended("true"))
        self.assertEqual(3, self.ended("sh", "-c", "exit 3"))
        self.assertEqual(-9, self.ended("sh", "-c", "kill -9 $$"))

    def test_a_reaped_child_leaves_no_zombie(self) -> None:
        pid, pidfd = self.launch("true")
        wait_until(lambda: identity.has_ended(pidfd))
        launch.reap(pid, pidfd)
        self.assertFalse(Path(f"/proc/{pid}").exists())
        self.assertIsNone(launch.reap(pid, pidfd))

    def test_a_program_that_cannot_be_run_is_told(self) -> None:
        self.assertIn("No such file", str(self.assertRaises(LaunchError, launch.launch, ["/nowhere"])))
        self.assertIn("Permission denied", str(self.assertRaises(LaunchError, launch.launch, [str(self.write("x", "x"))])))
        self.assertIn("log file", str(self.assertRaises(LaunchError, launch.launch, ["true"], "/nowhere/log")))

    def test_a_program_leads_a_session_and_holds_no_descriptor_of_the_monitor(self) -> None:
        leak = os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(os.close, leak)
        os.set_inheritable(leak, True)
        pid, _ = self.launch("sleep", "1000")
        self.assertEqual(pid, os.getsid(pid))
        # While the program is loaded its libraries are open for a moment; what leaked would stay.
        wait_until(lambda: {path.name for path in Path(f"/proc/{pid}/fd").iterdir()} == {"0", "1", "2"})

    def test_what_systemd_tells_the_monitor_is_not_passed_on(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("NOTIFY_SOCKET", "/run/notify"))
        pid, _ = self.launch("sleep", "1000")
        environment = Path(f"/proc/{pid}/environ")
        # It is empty while the program is loaded.
        wait_until(lambda: b"PATH=" in environment.read_bytes())
        self.assertNotIn(b"NOTIFY_SOCKET", environment.read_bytes())

    def test_a_failed_child_takes_its_group_with_it_and_a_good_one_does_not(self) -> None:
        note = self.directory / "child"
        for code in (1, 0):
            self.ended("sh", "-c", f"sleep 1000 & echo $! > {note}; exit {code}")
            child = int(note.read_text())
            if code:
                wait_until(lambda child=child: not is_alive(child))
            else:
                self.assertTrue(is_alive(child))

    def test_endings_in_words(self) -> None:
        self.assertEqual("it ended", launch.ending(None))
        self.assertEqual("it exited with code 0", launch.ending(0))
        self.assertEqual("killed by signal 15 (SIGTERM)", launch.ending(-15))
        self.assertEqual("killed by signal 99", launch.ending(-99))
