# SPDX-License-Identifier: Apache-2.0
"""One tree of files on two controllers, by the command that Service Management calls: real rsync on two ports."""

import os
import pathlib
import shutil
import socket
import unittest

import fixtures
from oslotest import base

from sm import files


class FilesTest(base.BaseTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if os.getuid() != 0:
            raise unittest.SkipTest("a tree is replicated with its owners, which needs root")
        if shutil.which("rsync") is None:
            raise unittest.SkipTest("rsync is not installed")

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # What each listens on, and the other one calls.
        self.ports = {name: self.free_port() for name in ("active", "standby")}
        self.active, self.standby = self.tree("active", "standby"), self.tree("standby", "active")
        self.standby.start()
        self.active.start()
        self.active.promote()

    @staticmethod
    def free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def tree(self, name: str, peer: str, secret: str = "secret") -> files.Tree:
        place = self.directory / name
        place.mkdir(exist_ok=True)
        (place / "secrets").write_text(f"stx:{secret}\n")
        (place / "secrets").chmod(0o600)
        made = files.Tree(
            {
                "directory": str(place / "tree"),
                "module": "platform",
                "run": str(place / "run"),
                "password_file": str(place / "secrets"),
                "peer_address": "127.0.0.1",
                "own_port": str(self.ports[name]),
                "port": str(self.ports[peer]),
                "attach_s": "10",
            }
        )
        self.addCleanup(made.stop)
        return made

    def write(self, tree: files.Tree, name: str, content: str) -> None:
        path = tree.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def test_what_is_attached_has_the_same_files_and_no_others(self) -> None:
        self.write(self.active, "config/passwords", "new")
        self.write(self.standby, "config/passwords", "old")
        self.write(self.standby, "left", "over")
        self.assertEqual(0, self.active.attach())
        found = {path.relative_to(self.standby.directory) for path in self.standby.directory.rglob("*") if path.is_file()}
        self.assertEqual({pathlib.Path("config/passwords")}, found)
        self.assertEqual("new", (self.standby.directory / "config/passwords").read_text())

    def test_nobody_writes_into_the_tree_of_the_active_one(self) -> None:
        self.write(self.active, "mine", "mine")
        error = self.assertRaises(files.FilesError, self.standby.attach)
        self.assertIn("does not take", str(error))
        self.assertTrue((self.active.directory / "mine").exists())

    def test_nobody_writes_without_the_password(self) -> None:
        self.write(self.active, "mine", "mine")
        (self.directory / "active" / "secrets").write_text("stx:wrong\n")
        error = self.assertRaises(files.FilesError, self.active.attach)
        self.assertIn("auth failed", str(error))
        self.assertFalse((self.standby.directory / "mine").exists())

    def test_each_says_what_it_is(self) -> None:
        self.assertEqual((8, 0), (self.active.monitor(), self.standby.monitor()))
        self.active.demote()
        self.assertEqual(0, self.active.monitor())
        self.standby.stop()
        self.assertEqual(7, self.standby.monitor())

    def test_missing_parameters_are_named(self) -> None:
        error = self.assertRaises(files.FilesError, files.Tree, {"module": "platform"})
        self.assertEqual((6, True), (error.code, "OCF_RESKEY_directory is not set" in str(error)))
