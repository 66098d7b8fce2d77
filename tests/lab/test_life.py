# SPDX-License-Identifier: Apache-2.0
"""What becomes of a lab whose commands are interrupted, killed, repeated, or given at the same time."""

import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Callable

import ddt
import fixtures
from oslotest import base as oslo_base

from stxlab.layout import Layout
from stxlab.machine import Machine
from tests.lab import base, traces

STX = pathlib.Path(sys.executable).parent / "stx"
DEADLINE_S = 300.0
# Of kernel and processes that end, after `down` has.
SETTLE_S = 60.0
SMALL = ("--shape", "simplex", "--no-wait")
LARGE = ("--shape", "duplex", "--computes", "1")


class Command:
    """A command of `stx lab` that runs, and what it has said."""

    def __init__(self, layout: Layout, *words: str, **environment: str) -> None:
        environment = {**os.environ, **environment, "STX_LAB_DIR": str(layout.directory)}
        self._process = subprocess.Popen(
            # Whoever runs tests in the background may have interrupts ignored.
            ["env", "--default-signal=INT", STX, "lab", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def read_until(self, pattern: str) -> None:
        """Read what it says until a line matches."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line
            if re.search(pattern, line):
                return
        raise AssertionError(f"It ended and did not say {pattern!r}: {self.said}")

    def send(self, number: signal.Signals) -> None:
        """What a terminal sends goes to all that it has started, what `kill` sends to itself alone."""
        if number == signal.SIGINT:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)

    def end(self) -> int:
        """Its exit code, when it has ended."""
        self.said += self._process.communicate(timeout=DEADLINE_S)[0]
        return self._process.returncode

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None


class LifeTestCase(oslo_base.BaseTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := base.missing():
            raise unittest.SkipTest(reason)
        # So that no test waits for it, or interrupts what is shared by all.
        base.new_image().build()

    def setUp(self) -> None:
        super().setUp()
        self.before = traces.machine()
        self.lab = base.new_lab()
        self.addCleanup(base.remove, self.lab)

    def run_lab(self, *words: str) -> str:
        """What a command says that succeeds."""
        command = Command(self.lab.layout, *words)
        self.assertEqual(0, command.end(), command.said)
        return command.said

    def refused(self, *words: str) -> str:
        command = Command(self.lab.layout, *words)
        self.assertEqual(1, command.end(), command.said)
        return command.said

    def start(self, *words: str, **environment: str) -> Command:
        command = Command(self.lab.layout, *words, **environment)

        def end() -> None:
            if command.is_running:
                command.send(signal.SIGKILL)
            command.end()

        self.addCleanup(end)
        return command

    def assert_nothing_is_left(self) -> None:
        self.assertIn("nothing of the lab is left", self.run_lab("down"))
        self.assertEqual(["lock"], os.listdir(self.lab.layout.directory))
        self.assert_no_traces(self.lab.layout)

    def assert_no_traces(self, layout: Layout) -> None:
        deadline = time.monotonic() + SETTLE_S
        while left := traces.left(layout, self.before):
            self.assertLess(time.monotonic(), deadline, left)
            time.sleep(0.05)

    def until(self, ask: Callable[[], object], period_s: float = 0.05) -> object:
        """What is told, once it is something."""
        deadline = time.monotonic() + DEADLINE_S
        while not (told := ask()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(period_s)
        return told


@ddt.ddt
class EndedTest(LifeTestCase):
    @ddt.unpack
    @ddt.data(
        ("networks are there", signal.SIGINT),
        ("networks are there", signal.SIGKILL),
        ("boards answer", signal.SIGKILL),
        ("controller-0 boots", signal.SIGINT),
        ("controller-0 boots", signal.SIGKILL),
    )
    def test_nothing_is_left_of_an_up_that_was_ended(self, moment: str, number: signal.Signals) -> None:
        up = self.start("up", *LARGE)
        up.read_until(moment)
        up.send(number)
        self.assertEqual({signal.SIGINT: 130, signal.SIGKILL: -9}[number], up.end(), up.said)
        if number == signal.SIGINT:
            self.assertRegex(up.said, r"(?s)\nstx lab up: interrupted\. `stx lab down` removes what there is of the lab\.\n$")
        self.assert_nothing_is_left()

    def test_nothing_runs_on_of_a_build_that_was_killed(self) -> None:
        cache = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        fake = cache / "bin" / "debootstrap"
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\ntouch {cache}/begun\ntail -f {cache}/begun\n")
        fake.chmod(0o755)
        build = self.start("build", STX_LAB_CACHE=str(cache), PATH=f"{fake.parent}:{os.environ['PATH']}")
        self.until((cache / "begun").exists)
        self.until(lambda: "tail -f" in "\n".join(traces.left(Layout(cache), self.before)))
        build.send(signal.SIGKILL)
        build.end()
        self.assert_no_traces(Layout(cache))

    @ddt.data("controller-0/disk.*", "controller-0/nspawn.pid", "controller-1/disk.*", "compute-0/nspawn.pid")
    def test_nothing_is_left_of_an_up_that_was_killed_when_a_host_had_a_file(self, pattern: str) -> None:
        up = self.start("up", *LARGE, "--no-wait")
        self.until(lambda: list(self.lab.layout.directory.glob(f"hosts/{pattern}")), 0.001)
        up.send(signal.SIGKILL)
        up.end()
        self.assert_nothing_is_left()

    @ddt.data(1, 2)
    def test_nothing_is_left_when_processes_of_the_lab_were_killed(self, seed: int) -> None:
        self.run_lab("up", *LARGE, "--no-wait")
        pids = sorted(self.lab.group.pids())
        for pid in random.Random(seed).sample(pids, len(pids) // 3):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.assert_nothing_is_left()

    def test_nothing_is_left_of_hosts_that_hang_and_of_slow_cables(self) -> None:
        self.run_lab("up", *LARGE, "--no-wait")
        self.run_lab("hang", "compute-0")
        self.run_lab("hang", "controller-1", "--answers")
        self.run_lab("delay", "controller-0", "mgmt", "50")
        self.run_lab("steal", "controller-0", "90")
        self.assert_nothing_is_left()

    def test_nothing_is_left_of_a_scenario_that_was_killed(self) -> None:
        self.run_lab("up", *LARGE, "--no-wait")
        scenario = self.start("scenario", "run", "slow-link")
        scenario.read_until("done: delay")
        scenario.send(signal.SIGKILL)
        scenario.end()
        self.assert_nothing_is_left()


class CommandTest(LifeTestCase):
    def test_a_lab_that_is_up_is_seen_and_gone_after_down(self) -> None:
        self.run_lab("up", *SMALL)
        for kind in ("group", "process", "loop device", "network name space"):
            # Its host has only begun to boot, and may have no disk yet.
            self.until(lambda kind=kind: f"\n{kind} " in "\n".join(["", *traces.left(self.lab.layout, self.before)]))
        self.assert_nothing_is_left()
        self.assertIn("0 processes ended", self.run_lab("down"))
        self.assert_nothing_is_left()

    def test_while_a_lab_comes_up_other_commands_that_change_it_are_refused(self) -> None:
        up = self.start("up", *LARGE)
        up.read_until("controller-0 boots")
        for words in (("up", *LARGE), ("down",), ("simulate", "--hosts", "1")):
            self.assertEqual(
                f"stx lab {words[0]}: `stx lab up (pid {up.pid})` is at work on this lab. Wait for it, or end it.\n",
                self.refused(*words),
            )
        self.assertTrue(up.is_running)
        up.send(signal.SIGINT)
        self.assertEqual(130, up.end())
        self.assert_nothing_is_left()

    def test_other_hosts_are_refused_and_the_same_hosts_are_powered_on_again(self) -> None:
        self.run_lab("up", *LARGE, "--no-wait")
        self.run_lab("power-off", "compute-0")
        hosts = {name: self.until(lambda name=name: self.machine(name).leader) for name in ("controller-0", "controller-1")}
        for words in (SMALL, ("--shape", "duplex", "--computes", "2", "--no-wait")):
            self.assertEqual(
                "stx lab up: There is a lab with other hosts already. Take it down first: stx lab down\n",
                self.refused("up", *words),
            )
        self.assertEqual(hosts, {name: self.machine(name).leader for name in hosts})
        self.run_lab("up", *LARGE, "--no-wait")
        self.assertTrue(self.machine("compute-0").is_on)
        self.assertEqual(hosts["controller-0"], self.machine("controller-0").leader)
        self.assert_nothing_is_left()

    def machine(self, name: str) -> Machine:
        return self.lab.machine(self.lab.layout.load().host(name))

    def test_a_shape_that_cannot_be_is_refused_and_nothing_begins(self) -> None:
        self.assertEqual(
            "stx lab up: A simplex system has one host only: choose the shape duplex or standard.\n",
            self.refused("up", "--shape", "simplex", "--computes", "1"),
        )
        self.assert_no_traces(self.lab.layout)

    def test_down_touches_no_other_lab(self) -> None:
        self.run_lab("up", *SMALL)
        other = base.new_lab()
        self.addCleanup(base.remove, other)
        command = Command(other.layout, "up", *SMALL)
        self.assertEqual(0, command.end(), command.said)
        host = other.machines()[0]
        leader = self.until(lambda: host.leader)
        self.assert_nothing_is_left()
        self.assertEqual(leader, host.leader)
