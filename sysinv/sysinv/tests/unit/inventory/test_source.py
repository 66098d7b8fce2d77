# SPDX-License-Identifier: Apache-2.0
"""Tests of files, links and commands."""

import os
import pathlib
from unittest import mock

import fixtures
from oslotest import base

from sysinv.inventory import source


class SourceTestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.source = source.Source(self.root)

    def command(self, name, script):
        program = self.root / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.root)))

    def test_what_is_not_there_is_empty(self):
        self.assertIsNone(self.source.text("sys/none"))
        self.assertEqual((b"", None), (self.source.data("sys"), self.source.pointed("sys")))
        self.assertEqual(([], []), (self.source.names("sys"), self.source.links("sys")))

    def test_text_is_stripped_and_survives_junk(self):
        (self.root / "model").write_bytes(b" A\xff \n")
        self.assertEqual("A\ufffd", self.source.text("model"))

    def test_links_are_followed_below_the_root(self):
        os.makedirs(self.root / "sys/devices/pci/eth0")
        os.makedirs(self.root / "sys/class")
        (self.root / "sys/class/eth0").symlink_to("../devices/pci/eth0")
        self.assertEqual("sys/devices/pci/eth0", self.source.resolved("sys/class/eth0"))
        self.assertEqual([("eth0", "../devices/pci/eth0")], self.source.links("sys/class"))

    def test_a_link_to_nowhere_exists(self):
        (self.root / "physfn").symlink_to("../0000:00:00.0")
        self.assertTrue(self.source.exists("physfn"))
        self.assertEqual("0000:00:00.0", self.source.pointed("physfn"))

    def test_a_command_that_is_not_installed_is_missing(self):
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.root)))
        error = self.assertRaises(source.Missing, self.source.command, "lscpu")
        self.assertEqual("lscpu is not installed", str(error))

    def test_a_command_speaks_the_c_locale(self):
        self.useFixture(fixtures.EnvironmentVariable("LANG", "de_DE.UTF-8"))
        self.command("lscpu", 'echo "$LC_ALL $LANG $*"')
        self.assertEqual("C  -J\n", self.source.command("lscpu", "-J"))

    def test_tools_of_util_linux_look_below_the_root(self):
        self.command("lscpu", 'echo "$@"')
        self.assertEqual(f"-J --sysroot {self.root}\n", self.source.system_command("lscpu", "-J"))
        self.assertEqual("-J\n", source.Source(pathlib.Path("/")).system_command("lscpu", "-J"))

    def test_a_command_that_fails_says_why(self):
        self.command("lsblk", "echo first >&2; echo no such device >&2; exit 3")
        error = self.assertRaises(source.Failed, self.source.command, "lsblk")
        self.assertEqual("lsblk failed: no such device", str(error))

    def test_a_command_that_hangs_is_given_up(self):
        self.command("lsblk", "exec /bin/sleep 60")
        with mock.patch.object(source, "COMMAND_DEADLINE_S", 0.05):
            error = self.assertRaises(source.Failed, self.source.command, "lsblk")
        self.assertEqual("lsblk did not answer within 0.05 s", str(error))

    def test_a_program_for_another_machine_fails(self):
        (self.root / "lsblk").write_bytes(b"\x7fELF")
        (self.root / "lsblk").chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.root)))
        self.assertRaisesRegex(source.Failed, "lsblk can't be run", self.source.command, "lsblk")
