# SPDX-License-Identifier: Apache-2.0
"""What `stx up` makes of its options, and of interrupts."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import fixtures
from oslotest import base

from stx import exception
from stxembedded.cmd import main, up
from stxembedded.config import Layout

KEPT = Layout(Path("/data"), "simplex", "127.0.0.2", {"keystone": 1, "platform": 2, "faultmanagement": 3})


def choose(*argv: str) -> Layout:
    return up.choose(KEPT, main.parser().parse_args(["up", *argv]))


class ChooseTest(base.BaseTestCase):
    def test_without_options_all_stays_as_it_was(self) -> None:
        self.assertEqual(choose(), KEPT)

    def test_options_replace_what_was_chosen_before(self) -> None:
        chosen = choose("--shape", "duplex", "--address", "127.0.0.1", "--platform-port", "8000")
        self.assertEqual(chosen, Layout(KEPT.data_dir, "duplex", "127.0.0.1", {**KEPT.ports, "platform": 8000}))

    def test_port_base_gives_consecutive_ports_and_a_single_one_still_counts(self) -> None:
        chosen = choose("--port-base", "20000", "--keystone-port", "5000")
        self.assertEqual(chosen.ports, {"keystone": 5000, "platform": 20001, "faultmanagement": 20002})

    def test_ports_that_cannot_work_are_refused(self) -> None:
        self.assertRaises(exception.Invalid, choose, "--port-base", "65534")
        self.assertRaises(exception.Invalid, choose, "--platform-port", "1")


class InterruptTest(base.BaseTestCase):
    def test_an_interrupt_that_got_lost_in_others_code_is_obeyed_at_the_next_step(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
            # Whoever runs tests in the background may have them ignored.
            signal.signal(number, signal.default_int_handler)
        done = []

        def start(layout: Layout, say: Callable[[str], None]) -> None:
            with contextlib.suppress(BaseException):
                os.kill(os.getpid(), signal.SIGINT)
            done.append("a step")
            say("the next one")
            done.append("the next one")

        directory = self.useFixture(fixtures.TempDir()).path
        arguments = main.parser().parse_args(["up", "--data-dir", directory])
        with mock.patch.object(up, "start", start), mock.patch.object(up, "runs_already", lambda layout, say: False):
            self.assertRaises(KeyboardInterrupt, up.run, arguments)
        self.assertEqual(["a step"], done)
