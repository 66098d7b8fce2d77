# SPDX-License-Identifier: Apache-2.0
"""Real processes: started, known, stopped."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import fixtures
from oslotest import base

from stxembedded import process
from stxembedded.tests.waiting import wait_for

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
POLITE = (
    "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(print('ends'))); print('polite', flush=True); signal.pause()"
)
PARENT = "import subprocess, signal; print(subprocess.Popen(['sleep', '60']).pid, flush=True); signal.pause()"


class ProcessTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.pid_file = directory / "it.pid"
        self.output = directory / "it.out"

    def start(self, *argv: str) -> process.Process:
        child = process.start(argv, self.pid_file, self.output)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        started = process.read_pid_file(self.pid_file)
        assert started is not None
        return started

    def fifo(self) -> Path:
        path = self.pid_file.with_suffix(".fifo")
        if not path.exists():
            os.mkfifo(path)
        return path

    def said(self) -> str:
        return wait_for(self.output.read_text)

    def test_started_process_is_known_by_its_file(self) -> None:
        started = self.start("sleep", "60")
        self.assertTrue(started.is_running)
        self.assertEqual(process.find(started.pid), started)
        self.assertLess(started.uptime_s, 60)
        self.assertGreater(started.memory_mib, 0)

    def test_started_process_has_a_session_of_its_own(self) -> None:
        started = self.start("sleep", "60")
        self.assertEqual(os.getsid(started.pid), started.pid)

    def test_files_are_private(self) -> None:
        self.start("sleep", "60")
        for path in (self.pid_file, self.output):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_stopped_process_is_gone_with_its_file(self) -> None:
        started = self.start("sleep", "60")
        self.assertIs(process.stop(self.pid_file, 60), process.Stopped.TERMINATED)
        self.assertFalse(started.is_running)
        self.assertFalse(self.pid_file.exists())

    def test_process_that_ignores_term_is_killed_at_the_deadline(self) -> None:
        started = self.start(sys.executable, "-c", STUBBORN)
        self.said()
        begun = time.monotonic()
        self.assertIs(process.stop(self.pid_file, 0.2), process.Stopped.KILLED)
        self.assertGreaterEqual(time.monotonic() - begun, 0.2)
        self.assertFalse(started.is_running)

    def test_process_that_is_stopped_gets_to_end_itself(self) -> None:
        started = self.start(sys.executable, "-c", POLITE)
        self.said()
        os.kill(started.pid, signal.SIGSTOP)
        self.assertIs(process.stop(self.pid_file, 60), process.Stopped.TERMINATED)
        self.assertEqual(self.output.read_text(), "polite\nends\n")

    def test_what_a_process_leaves_in_its_session_is_stopped_too(self) -> None:
        self.start(sys.executable, "-c", PARENT)
        child = int(self.said())
        self.assertIsNotNone(process.find(child))
        process.stop(self.pid_file, 60)
        self.assertIsNone(process.find(child))

    def test_ended_process_is_not_running_even_before_it_is_reaped(self) -> None:
        started = self.start("sh", "-c", "read line < $0", str(self.fifo()))
        self.fifo().write_text("end\n")
        wait_for(lambda: process.find(started.pid) is None)
        self.assertIsNone(process.read_pid_file(self.pid_file))
        self.assertIs(process.stop(self.pid_file, 1), process.Stopped.NOT_RUNNING)

    def test_other_process_with_the_same_pid_is_left_alone(self) -> None:
        started = self.start("sleep", "60")
        self.pid_file.write_text(f"{started.pid}\n{started.started - 1}\n")
        self.assertIs(process.stop(self.pid_file, 1), process.Stopped.NOT_RUNNING)
        self.assertTrue(started.is_running)
        self.assertIs(process.end(process.Process(started.pid, started.started - 1), 1), process.Stopped.NOT_RUNNING)
        self.assertTrue(started.is_running)

    def test_file_of_a_pid_alone_means_a_process_that_was_there_when_it_was_written(self) -> None:
        started = self.start("sleep", "60")
        self.pid_file.write_text(f"{started.pid}\n")
        self.assertEqual(process.read_pid_file(self.pid_file), started)
        an_hour_ago = time.time() - 3600
        os.utime(self.pid_file, (an_hour_ago, an_hour_ago))
        self.assertIsNone(process.read_pid_file(self.pid_file))

    def test_unreadable_file_names_no_process(self) -> None:
        for content in ("", "none", "-1", "999999999 1"):
            self.pid_file.write_text(content)
            self.assertIsNone(process.read_pid_file(self.pid_file))

    def test_process_is_found_by_its_arguments(self) -> None:
        mark = tempfile.mktemp(dir="/nowhere")
        started = self.start("sh", "-c", "sleep 60; :", "--config-file", mark)
        # Until the shell's child has become `sleep`, it has the shell's arguments too.
        wait_for(lambda: process.with_arguments([["--config-file", mark]]) == [started])
        self.assertEqual(process.with_arguments([["--config-file", mark[:-1]], [mark, "--config-file"]]), [])
