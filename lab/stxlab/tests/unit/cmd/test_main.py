# SPDX-License-Identifier: Apache-2.0
"""The command line of the lab."""

import contextlib
import io
import pathlib

import fixtures
from oslotest import base

from stxlab import topology
from stxlab.cmd import main
from stxlab.layout import Layout


class MainTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "lab")
        self.useFixture(fixtures.MonkeyPatch("os.getuid", lambda: 0))

    def told(self, command: str, *arguments: str) -> str:
        """What the person who typed a command that cannot be done reads."""
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            code = main.main([command, "--lab-dir", str(self.layout.directory), *arguments], pathlib.Path("/nowhere"))
        self.assertEqual(code, main.EXIT_FAILED)
        return err.getvalue()

    def test_without_a_lab_the_message_says_how_to_start_one(self) -> None:
        self.assertEqual(
            self.told("console", "controller-0"),
            f"stx lab console: There is no lab in {self.layout.directory}. Start one: stx lab up\n",
        )

    def test_what_pure_modules_refuse_is_told_too(self) -> None:
        self.layout.make()
        self.layout.save(topology.make("simplex"), [])
        self.assertIn("sensor: There is no host controller-9.", self.told("sensor", "controller-9"))
        self.assertIn("sensor: There is no sensor fan-9.", self.told("sensor", "controller-0", "fan-9"))
        self.assertIn("up: A simplex system has one host only", self.told("up", "--shape", "simplex", "--computes", "1"))

    def test_an_ordinary_user_is_told_to_be_root(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("os.getuid", lambda: 1000))
        self.assertIn("Try: sudo ./stx lab", self.told("status"))
