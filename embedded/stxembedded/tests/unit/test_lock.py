# SPDX-License-Identifier: Apache-2.0
"""One command at a time."""

import os
from pathlib import Path

import fixtures
from oslotest import base

from stx import exception
from stxembedded import lock


class LockTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path) / "run" / "lock"

    def test_second_command_is_told_which_one_is_at_work(self) -> None:
        with lock.exclusive(self.path, "up"):
            refused = self.assertRaises(exception.Conflict, lock.exclusive(self.path, "down").__enter__)
        self.assertIn(f"stx up (pid {os.getpid()})", refused.message)
        self.assertIn(str(self.path.parent.parent), refused.message)

    def test_full_disk_keeps_nobody_from_the_lock(self) -> None:
        with lock.exclusive(Path("/dev/full"), "down"):
            self.assertRaises(exception.Conflict, lock.exclusive(Path("/dev/full"), "up").__enter__)

    def test_lock_is_free_again_after_a_command_that_failed(self) -> None:
        def fail() -> None:
            with lock.exclusive(self.path, "up"):
                raise KeyError

        self.assertRaises(KeyError, fail)
        with lock.exclusive(self.path, "down"):
            self.assertIn("stx down", self.path.read_text())
        self.assertEqual(self.path.read_text(), "")
