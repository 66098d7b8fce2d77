# SPDX-License-Identifier: Apache-2.0
"""The command line."""

import contextlib
import io
from pathlib import Path

import fixtures
from oslotest import base

from stxembedded.cmd import main


class MainTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.data_dir = self.useFixture(fixtures.TempDir()).path

    def run_command(self, *argv: str) -> tuple[int | str | None, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code: int | str | None = main.main(argv)
            except SystemExit as error:
                code = error.code
        return code, out.getvalue(), err.getvalue()

    def test_error_is_one_sentence_of_the_command(self) -> None:
        (Path(self.data_dir) / "layout.json").write_text("{")
        code, out, err = self.run_command("status", "--data-dir", self.data_dir)
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r"^stx status: .*layout.json cannot be used.*\n$")

    def test_failure_of_the_system_is_one_sentence_too(self) -> None:
        (Path(self.data_dir) / "passwords.json").mkdir()
        code, out, err = self.run_command("env", "--data-dir", self.data_dir)
        self.assertEqual((code, out, err), (1, "", f"stx env: {self.data_dir}/passwords.json: Is a directory\n"))

    def test_packages_that_a_lab_lacks_are_told_with_how_to_install_them(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("os.getuid", lambda: 0))
        self.useFixture(fixtures.MonkeyPatch("shutil.which", lambda name: None))
        self.useFixture(fixtures.MonkeyPatch("stxembedded.packages.missing", lambda root, profile: ["bridge"]))
        code, _, err = self.run_command("lab", "build", "--lab-dir", self.data_dir)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"stx lab: The packages bridge are missing\. Install them as root: apt-get install bridge\n$")

    def test_what_is_not_understood_ends_with_code_2(self) -> None:
        for argv in ((), ("fly",), ("up", "--platform-port", "70000"), ("status", "-f", "xml"), ("down", "--data-dir", "")):
            self.assertEqual(self.run_command(*argv)[0], 2, str(argv))

    def test_every_command_has_help(self) -> None:
        for command in main.COMMANDS:
            code, out, _ = self.run_command(command, "--help")
            self.assertEqual(code, 0)
            self.assertIn(f"stx {command}", out)

    def test_down_without_a_platform_says_so_and_makes_nothing(self) -> None:
        missing = f"{self.data_dir}/none"
        self.assertEqual(
            self.run_command("down", "--data-dir", missing)[:2], (0, f"nothing runs: there is no platform in {missing}\n")
        )
        self.assertFalse(Path(missing).exists())
