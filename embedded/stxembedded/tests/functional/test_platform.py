# SPDX-License-Identifier: Apache-2.0
"""The whole platform by its commands: from nothing to a controller in service, and back to nothing."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import fixtures
from oslotest import base

from stxembedded import config, process
from stxembedded.tests.waiting import free_ports, wait_for

PROGRAMS = Path(sys.executable).parent
DEADLINE_S = 120


class Home:
    """A data directory with ports of its own."""

    def __init__(self, path: str) -> None:
        # A space is what quoting is easily forgotten for.
        self.data_dir = Path(path) / "the data"
        self.ports = dict(zip(config.PORTS, free_ports(len(config.PORTS)), strict=True))

    def stx(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.argv(command, *options), capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def argv(self, command: str, *options: str) -> list[str]:
        return [str(PROGRAMS / "stx"), command, "--data-dir", str(self.data_dir), *options]

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.stx("up", *(f"--{service}-port={port}" for service, port in self.ports.items()))

    def status(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in json.loads(self.stx("status", "-f", "json").stdout)}

    def processes(self) -> list[process.Process]:
        """All that runs with one of its configuration files, whatever the pid files say."""
        files = [str(path) for path in self.data_dir.glob("*.conf")]
        return process.with_arguments([["--config-file", file] for file in files])

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.data_dir.parent)}
        argv = ["sh", "-euc", f'eval "$("$@")"\n{script}', "sh", *self.argv("env")]
        return subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False, env=environment)


class PlatformTest(base.BaseTestCase):
    """A platform that runs; each test leaves it running."""

    directory: ClassVar[fixtures.TempDir]
    home: ClassVar[Home]
    started: ClassVar[subprocess.CompletedProcess[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.directory = fixtures.TempDir()
        cls.directory.setUp()
        cls.addClassCleanup(cls.directory.cleanUp)
        cls.home = Home(cls.directory.path)
        cls.addClassCleanup(cls.home.stx, "down")
        cls.started = cls.home.up()

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.started.returncode, 0, self.started.stdout + self.started.stderr)

    def test_up_ends_when_the_host_is_in_service_and_says_how_to_go_on(self) -> None:
        self.assertIn("controller-0 is unlocked enabled available", self.started.stdout)
        self.assertIn("system host-list", self.started.stdout)
        self.assertIn(f"--data-dir '{self.home.data_dir}'", self.started.stdout)

    def test_commands_work_with_the_credentials_of_env(self) -> None:
        done = self.home.shell("system host-list; fm alarm-list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"controller-0 +\| controller +\| unlocked +\| enabled +\| available")

    def test_second_up_is_quick_and_changes_nothing(self) -> None:
        before = self.home.status()
        begun = time.monotonic()
        again = self.home.stx("up")
        elapsed = time.monotonic() - begun
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("everything runs already", again.stdout)
        self.assertLess(elapsed, 5)
        self.assertEqual([row["pid"] for row in self.home.status().values()], [row["pid"] for row in before.values()])

    def test_other_ports_are_refused_while_it_runs(self) -> None:
        refused = self.home.stx("up", "--port-base", "20000")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Stop it first: stx down", refused.stderr)

    def test_killed_process_is_brought_back(self) -> None:
        for name in ("keystone", "mtce-client"):
            before = self.home.status()[name]["pid"]
            os.kill(before, signal.SIGKILL)
            wait_for(functools.partial(self.is_replaced, name, before), 30)
        self.assertEqual(self.home.up().returncode, 0)

    def is_replaced(self, name: str, before: int) -> bool:
        return self.home.status()[name]["pid"] not in {None, before}

    def test_everything_is_private_and_no_secret_is_an_argument(self) -> None:
        for path in self.home.data_dir.rglob("*"):
            self.assertEqual(path.lstat().st_mode & 0o077 if not path.is_socket() else 0, 0, str(path))
        secrets = json.loads((self.home.data_dir / "passwords.json").read_text()).values()
        for running in self.home.processes():
            command = Path(f"/proc/{running.pid}/cmdline").read_text()
            self.assertFalse([secret for secret in secrets if secret in command])


class LifeTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = Home(self.useFixture(fixtures.TempDir()).path)
        self.addCleanup(self.home.stx, "down")

    def test_down_leaves_no_process_and_keeps_the_data(self) -> None:
        self.assertEqual(self.home.up().returncode, 0)
        self.assertEqual(self.home.shell("system modify --name kept").returncode, 0)
        self.assertEqual(len(self.home.processes()), 3)
        down = self.home.stx("down")
        self.assertEqual(down.returncode, 0, down.stderr)
        self.assertEqual(self.home.processes(), [])
        self.assertEqual(self.home.stx("status").returncode, 3)
        self.assertIn("nothing runs", self.home.stx("down").stdout)
        self.assertEqual(self.home.stx("up").returncode, 0)
        self.assertIn("kept", self.home.shell("system show").stdout)

    def test_port_in_use_is_told_before_anything_starts(self) -> None:
        self.addCleanup(socket.create_server(("127.0.0.1", self.home.ports["platform"])).close)
        refused = self.home.up()
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, rf"Port {self.home.ports['platform']}, which platform needs, .* \(pid {os.getpid()}\)")
        self.assertFalse(self.home.data_dir.joinpath("log").exists())

    def test_failure_shows_the_reason_and_leaves_nothing_running(self) -> None:
        (self.home.data_dir / "state" / "sysinv.sqlite").mkdir(parents=True)
        failed = self.home.up()
        self.assertEqual(failed.returncode, 1)
        self.assertIn("controller ended while it started", failed.stderr)
        self.assertIn(str(self.home.data_dir / "log"), failed.stderr)
        self.assertEqual(self.home.processes(), [])

    def test_interrupted_up_leaves_nothing_running(self) -> None:
        options = [f"--{service}-port={port}" for service, port in self.home.ports.items()]
        with subprocess.Popen(self.home.argv("up", *options), stdout=subprocess.PIPE, text=True) as up:
            assert up.stdout is not None
            deadline = threading.Timer(DEADLINE_S, up.kill)
            deadline.start()
            self.addCleanup(deadline.cancel)
            for line in up.stdout:
                if "controller starts" in line:
                    break
            busy = self.home.stx("down")
            up.send_signal(signal.SIGINT)
            self.assertEqual(up.wait(DEADLINE_S), 130)
        self.assertIn(f"stx up (pid {up.pid})", busy.stderr)
        self.assertEqual(self.home.processes(), [])

    def test_lost_passwords_are_replaced(self) -> None:
        self.assertEqual(self.home.up().returncode, 0)
        self.home.stx("down")
        (self.home.data_dir / "passwords.json").unlink()
        again = self.home.up()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.home.shell("system host-list").returncode, 0)
