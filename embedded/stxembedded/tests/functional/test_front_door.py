# SPDX-License-Identifier: Apache-2.0
"""The script ./stx, in a checkout of a project so small that installing it needs no network."""

import contextlib
import fcntl
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar
from unittest import mock

import fixtures
from oslotest import base

from stxembedded import checkout
from stxembedded.cmd import main
from stxembedded.tests.waiting import wait_for

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# As much of a build backend as an editable installation takes. The lines of setup.cfg are what the extra keystone requires.
# It gets nowhere while there is a file "hold".
BACKEND = """
import os, time, zipfile
def build_editable(directory, config_settings=None, metadata_directory=None):
    while os.path.exists("hold"):
        time.sleep(0.02)
    required = "".join(f"Requires-Dist: {line}; extra == 'keystone'\\n" for line in open("setup.cfg").read().split())
    files = {
        "tiny.pth": os.getcwd(),
        "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n"
            "Provides-Extra: keystone\\nProvides-Extra: postgresql\\nProvides-Extra: test\\n" + required,
        "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "tiny-1.dist-info/entry_points.txt": "[console_scripts]\\nstx = tiny:main\\n",
        "tiny-1.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(directory, "tiny-1-py3-none-any.whl"), "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return "tiny-1-py3-none-any.whl"
"""
PROGRAM = """
import os, sys
def main():
    print("called as", os.environ["STX_COMMAND"], "with", sys.argv[1:])
    return 7
"""
# Nothing is fetched.
OFFLINE = {"STX_INSTALLER": "pip", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
DEADLINE_S = 180


class Checkout:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.script = root / "stx"
        self.environment = {**os.environ, **OFFLINE, "PATH": f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"}
        root.mkdir(exist_ok=True)
        shutil.copy(checkout.root() / "stx", self.script)
        files = {"pyproject.toml": PYPROJECT, "backend.py": BACKEND, "tiny.py": PROGRAM, "setup.cfg": "", "constraints.txt": ""}
        for name, content in files.items():
            (root / name).write_text(content)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.script, *arguments], env=self.environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.script, *arguments], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "stx-stamp"


def load(path: Path) -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("front_door", str(path))
    spec = importlib.util.spec_from_loader("front_door", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    with fixtures.MonkeyPatch("sys.dont_write_bytecode", True):
        loader.exec_module(module)
    return module


class InstalledTest(base.BaseTestCase):
    """One environment for all of them, because making it takes seconds."""

    directory: ClassVar[fixtures.TempDir]
    checkout: ClassVar[Checkout]
    first: ClassVar[subprocess.CompletedProcess[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.directory = fixtures.TempDir()
        cls.directory.setUp()
        cls.addClassCleanup(cls.directory.cleanUp)
        cls.checkout = Checkout(Path(cls.directory.path) / "my checkout")
        cls.first = cls.checkout.run("up", "--an option")

    def test_first_call_installs_and_passes_everything_on(self) -> None:
        self.assertEqual(self.first.returncode, 7, self.first.stderr)
        self.assertEqual(self.first.stdout, f"called as {self.checkout.script} with ['up', '--an option']\n")
        for step in ("making the virtual environment", "about a minute"):
            self.assertRegex(self.first.stderr, rf"\[ *\d+\.\d s\] .*{step}")

    def test_later_call_installs_nothing_and_says_nothing_of_its_own(self) -> None:
        self.checkout.run("up")
        again = self.checkout.run("env")
        self.assertEqual((again.returncode, again.stderr), (7, ""))

    def test_changed_requirements_are_installed_in_the_same_environment(self) -> None:
        self.checkout.run("up")
        marker = self.checkout.root / ".venv" / "marker"
        marker.touch()
        with (self.checkout.root / "constraints.txt").open("a") as file:
            file.write("# changed\n")
        self.assertIn("about a minute", self.checkout.run("up").stderr)
        self.assertTrue(marker.exists())
        self.assertEqual(self.checkout.run("up").stderr, "")

    def test_tests_need_more_packages_and_what_needs_less_is_content_with_them(self) -> None:
        self.checkout.run("up")
        self.checkout.stamp.write_text(self.checkout.stamp.read_text().split()[0] + " keystone\n")
        self.assertIn("about a minute", self.checkout.run("test").stderr)
        self.assertEqual(self.checkout.run("up").stderr, "")

    def test_interrupted_installation_is_begun_again(self) -> None:
        self.checkout.run("up")
        self.checkout.stamp.write_text("of something else\n")
        hold = self.checkout.root / "hold"
        hold.touch()
        try:
            begun = self.checkout.begin("up")
            wait_for(lambda: not self.checkout.stamp.exists(), DEADLINE_S)
            begun.send_signal(signal.SIGTERM)
            _, err = begun.communicate(timeout=DEADLINE_S)
        finally:
            hold.unlink()
        self.assertEqual(begun.returncode, 130)
        self.assertIn("interrupted", err)
        self.assertFalse(self.checkout.stamp.exists())
        self.assertIn("about a minute", self.checkout.run("up").stderr)

    def test_second_call_waits_for_the_one_that_installs(self) -> None:
        self.checkout.run("up")
        fresh = self.checkout.stamp.read_text()
        self.checkout.stamp.write_text("of something else\n")
        with contextlib.ExitStack() as locked:
            directory = os.open(self.checkout.root, os.O_RDONLY)
            locked.callback(os.close, directory)
            fcntl.flock(directory, fcntl.LOCK_EX)
            second = self.checkout.begin("up")
            assert second.stderr is not None
            self.assertIn("waiting", second.stderr.readline())
            self.checkout.stamp.write_text(fresh)
        _, err = second.communicate(timeout=DEADLINE_S)
        self.assertEqual((second.returncode, err), (7, ""))

    def test_failed_installation_shows_the_end_of_the_log_and_leaves_no_stamp(self) -> None:
        self.checkout.run("up")
        self.addCleanup((self.checkout.root / "setup.cfg").write_text, "")
        (self.checkout.root / "setup.cfg").write_text("nothing-like-this==99")
        failed = self.checkout.run("up")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("nothing-like-this", failed.stderr)
        self.assertIn(str(self.checkout.root / ".venv" / "install.log"), failed.stderr)
        self.assertNotIn("Traceback", failed.stderr)
        self.assertFalse(self.checkout.stamp.exists())

    def test_where_the_fast_installer_cannot_be_had_pip_does_it(self) -> None:
        self.checkout.run("up")
        self.checkout.stamp.unlink()
        with mock.patch.dict(self.checkout.environment, {"STX_INSTALLER": "uv"}):
            done = self.checkout.run("up")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("trying with pip alone", done.stderr)

    def test_environment_whose_python_is_gone_is_made_anew(self) -> None:
        self.checkout.run("up")
        python = self.checkout.root / ".venv" / "bin" / "python"
        python.unlink()
        python.symlink_to("/nowhere/python")
        (self.checkout.root / ".venv" / "bin" / "stx").unlink()
        again = self.checkout.run("up")
        self.assertEqual(again.returncode, 7, again.stderr)
        self.assertIn("making the virtual environment", again.stderr)


class ScriptTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.checkout = Checkout(Path(self.useFixture(fixtures.TempDir()).path))

    def test_help_needs_no_environment(self) -> None:
        for arguments in ((), ("--help",), ("help",), ("up", "--help")):
            shown = self.checkout.run(*arguments)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertIn("usage: ./stx COMMAND", shown.stdout)
        self.assertFalse((self.checkout.root / ".venv").exists())

    def test_help_tells_the_commands_that_there_are(self) -> None:
        script = load(self.checkout.script)
        for command, text in main.COMMANDS.items():
            self.assertRegex(script.HELP, rf"(?m)^  {command} +{text.partition(' ')[0]}")

    def test_too_old_a_python_is_told(self) -> None:
        script = load(self.checkout.script)
        with fixtures.MonkeyPatch("sys.version_info", (3, 9, 2)), fixtures.EnvironmentVariable("PATH", "/nowhere"):
            refused = self.assertRaises(script.Problem, script.require_python, ["up"])
        self.assertIn("Python 3.11 or newer is needed", str(refused))

    def test_with_too_old_a_python_a_newer_one_is_taken(self) -> None:
        script = load(self.checkout.script)
        newer = self.checkout.root / "python3.12"
        newer.touch(0o755)
        called: list[tuple[str, list[str]]] = []
        with (
            fixtures.MonkeyPatch("sys.version_info", (3, 9, 2)),
            fixtures.MonkeyPatch("os.execv", lambda *arguments: called.append(arguments)),
            fixtures.EnvironmentVariable("PATH", str(self.checkout.root)),
            contextlib.suppress(script.Problem),
        ):
            script.require_python(["up"])
        self.assertEqual(called[0][0], str(newer))
        self.assertEqual(called[0][1][2:], ["up"])

    def test_missing_venv_module_is_told(self) -> None:
        script = load(self.checkout.script)
        with fixtures.MonkeyPatch("importlib.util.find_spec", lambda name: None):
            refused = self.assertRaises(script.Problem, script.install, ("keystone",))
        self.assertIn("-venv", str(refused))

    def test_settings_of_pip_reach_uv(self) -> None:
        script = load(self.checkout.script)
        config = self.checkout.root / "pip.conf"
        config.write_text(
            "[global]\nindex-url = https://a.example/simple\nfind-links = /b /c\n[install]\nextra-index-url = file:///d\n"
        )
        self.useFixture(fixtures.EnvironmentVariable("PIP_CONFIG_FILE", str(config)))
        self.useFixture(fixtures.EnvironmentVariable("PIP_INDEX_URL", "https://e.example/simple"))
        self.useFixture(fixtures.EnvironmentVariable("PIP_FIND_LINKS"))
        self.useFixture(fixtures.EnvironmentVariable("HOME", str(self.checkout.root)))
        with mock.patch.object(script, "venv_program", lambda name: sys.executable):
            found = script.uv_environment()
        self.assertEqual(found["UV_DEFAULT_INDEX"], "https://e.example/simple")
        self.assertEqual(found["UV_INDEX"], "file:///d")
        self.assertEqual(found["UV_FIND_LINKS"], "/b,/c")
