# SPDX-License-Identifier: Apache-2.0
"""The host watchdog and a process that checks in with it, as processes; the reset is a file that is written."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import fixtures
from oslotest import base

from mtce.tests.unit.pmon import harness

# Longer than a busy machine holds up a process that is well.
SILENCE_S = 5.0
DEADLINE_S = 60.0
WATCHDOG = "import sys; from mtce.cmd.watchdog import main; sys.exit(main())"
# As mtce-client does.
MEMBER = """
import pathlib, sys, threading
from mtce import liveness
liveness.PERIOD_S = 0.05
alive = liveness.Alive(pathlib.Path(sys.argv[1]), lambda: True)
alive.start()
threading.Event().wait()
"""


class WatchdogTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.console, self.reset = self.directory / "console", self.directory / "reset"
        self.console.touch()
        given = {
            "silence_s": SILENCE_S,
            "device": "",
            "console": str(self.console),
            "reset_command": ["touch", str(self.reset)],
        }
        path = self.directory / "watchdog.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(given))
        self.watchdog = self.start(WATCHDOG, f"--settings={path}", f"--run-path={self.directory}")
        self.member = self.start(MEMBER, str(self.directory))
        harness.wait_until((self.directory / "watchdog.heard").exists, DEADLINE_S)

    def start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        made = subprocess.Popen([sys.executable, "-c", program, *words], env=environment)
        self.addCleanup(self.end, made)
        return made

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(DEADLINE_S)

    def test_a_process_that_hangs_has_its_host_started_anew_in_time(self) -> None:
        begun = time.monotonic()
        self.member.send_signal(signal.SIGSTOP)
        harness.wait_until(self.reset.exists, DEADLINE_S)
        self.assertGreater(time.monotonic() - begun, SILENCE_S / 2)
        self.assertIn(f"mtce-client has said nothing for {SILENCE_S:g} s", self.console.read_text())

    def test_a_host_whose_processes_are_well_is_left_alone_until_they_are_not(self) -> None:
        # It has gone on for longer than a silence may last, as what is heard last shows.
        socket_path = self.directory / "watchdog.sock"
        begun = time.monotonic()
        harness.wait_until(lambda: time.monotonic() - begun > 1.5 * SILENCE_S, DEADLINE_S)
        self.assertTrue(socket_path.exists())
        self.assertFalse(self.reset.exists())
        self.member.kill()
        self.member.wait(DEADLINE_S)
        harness.wait_until(self.reset.exists, DEADLINE_S)

    def test_a_locked_host_is_left_alone(self) -> None:
        locked = self.directory / ".node_locked"
        locked.touch()
        self.member.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        harness.wait_until(lambda: time.monotonic() - begun > 1.5 * SILENCE_S, DEADLINE_S)
        self.assertFalse(self.reset.exists())
        locked.unlink()
        harness.wait_until(self.reset.exists, DEADLINE_S)

    def test_it_ends_when_it_is_told_to(self) -> None:
        self.watchdog.terminate()
        self.assertEqual(0, self.watchdog.wait(DEADLINE_S))
        self.assertFalse(self.reset.exists())
