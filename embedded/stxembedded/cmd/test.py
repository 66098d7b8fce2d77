# SPDX-License-Identifier: Apache-2.0
"""`stx test`: checks the source. The last line says how many checks and tests passed, failed and were skipped."""

import argparse
import collections
import dataclasses
import io
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import subunit  # type: ignore[import-untyped]
import testtools

from stx import exception
from stxembedded import checkout, packages

PURE_CONTRACT = "Pure modules do no I/O"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
# What a test's last status means; one that has none, because its worker died, has failed.
MEANINGS = {"success": PASSED, "xfail": PASSED, "skip": SKIPPED}


@dataclasses.dataclass(frozen=True)
class Step:
    """One check.

    :ivar group: a name that selects several steps together
    :ivar is_stestr: its tests count one by one; any other step counts as one check
    :ivar packages: profile of bindep.txt with what it uses of the system
    """

    name: str
    group: str
    argv: tuple[str, ...]
    is_stestr: bool = False
    packages: str = ""


# Some tests chosen by a filter run one after another instead.
_WORKERS = "--worker-file"

STEPS = (
    Step("format", "lint", ("ruff", "format", "--check", "--quiet", ".", "stx")),
    Step("style", "lint", ("ruff", "check", "--quiet", ".", "stx")),
    Step("walls", "lint", ("lint-imports",)),
    Step("types", "lint", ("mypy",)),
    Step("docs", "docs", ("sphinx-build", "-q", "-W", "-E", "-j", "2", "-b", "html", "doc/source", "doc/build/html")),
    Step("unit", "unit", ("stestr", "--test-path", "./tests/unit", "run"), is_stestr=True),
    Step("simulation", "simulation", ("stestr", "--test-path", "./tests/simulation", "run"), is_stestr=True),
    Step(
        "functional",
        "functional",
        ("stestr", "--test-path", "./tests/functional", "run", _WORKERS, "tests/functional/workers.yaml"),
        is_stestr=True,
        packages="test",
    ),
    Step(
        "lab",
        "lab",
        ("stestr", "--test-path", "./tests/lab", "run", _WORKERS, "tests/lab/workers.yaml"),
        is_stestr=True,
        packages="lab",
    ),
)


def run(arguments: argparse.Namespace) -> int:
    root = checkout.root()
    steps, filters = choose(arguments.arguments)
    for profile in sorted({step.packages for step in steps if step.packages}):
        install_packages(root, profile)
    total: collections.Counter[str] = collections.Counter()
    for step in steps:
        begun = time.monotonic()
        print(f"--- {step.name}", flush=True)
        counts = run_step(root, step, filters)
        total += counts
        print(f"--- {step.name}: {line(counts)} ({time.monotonic() - begun:.1f} s)", flush=True)
    print(line(total))
    return 1 if total[FAILED] or not total[PASSED] else 0


def install_packages(root: Path, profile: str) -> None:
    """Install what tests use of the system; where that is not possible they are skipped, and this says so."""
    names = packages.missing(root, profile)
    if not names:
        return
    print(f"--- packages: installing {', '.join(names)}", flush=True)
    try:
        packages.install(names, Path(sys.prefix) / "packages.log")
    except exception.ConfigurationError as error:
        print(f"--- packages: {error.message} The tests that need them are skipped.", flush=True)


def choose(arguments: Sequence[str]) -> tuple[list[Step], list[str]]:
    """The steps that are named, all where none is; and what is left, for stestr, as filters.

    Filters alone choose among all tests.
    """
    names = [word for word in arguments if any(word in (step.name, step.group) for step in STEPS)]
    filters = [word for word in arguments if word not in names]
    if names:
        return [step for step in STEPS if step.name in names or step.group in names], filters
    return [step for step in STEPS if step.is_stestr or not filters], filters


def run_step(root: Path, step: Step, filters: Sequence[str] = ()) -> collections.Counter[str]:
    """Run one step; what it prints goes where ours goes.

    :raises exception.ConfigurationError: when its program is not installed
    """
    program = Path(sys.executable).parent / step.argv[0]
    if not program.exists():
        raise exception.ConfigurationError(
            f"{program} is not installed. Call {shlex.quote(str(root / 'stx'))} test, which installs it."
        )
    # Its own tools come first, as in an activated environment.
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # What a test logs is shown when it fails.
        "OS_LOG_CAPTURE": os.environ.get("OS_LOG_CAPTURE", "1"),
        # In the checkout's root the rooms' folders would be taken for the packages of the same names.
        "PYTHONPATH": os.pathsep.join(str(root / room) for room in rooms(root)),
        # Tests start hundreds of processes, which takes half of the time when what was compiled once is kept, wherever that is off.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    before = _runs(root)
    extra = filters if step.is_stestr else pure_modules(root) if step.name == "types" else ()
    argv = step.argv[1:]
    if filters and _WORKERS in argv:
        argv = (*argv[: argv.index(_WORKERS)], "--serial")
    code = subprocess.run([program, *argv, *extra], cwd=root, env=environment, check=False).returncode
    if not step.is_stestr:
        return collections.Counter([FAILED if code else PASSED])
    counts: collections.Counter[str] = collections.Counter()
    if _runs(root) != before:
        last = [str(program), *step.argv[1:3], "last", "--subunit"]
        counts = count(subprocess.run(last, cwd=root, env=environment, stdout=subprocess.PIPE, check=False).stdout)
    if code and not counts[FAILED] and not filters:
        # Nothing that failed was counted: the tests were not even collected. With a filter there may just be none.
        counts[FAILED] += 1
    return counts


def rooms(root: Path) -> list[str]:
    """The folders that packages are in, and that are no packages themselves."""
    found = {path.parent.parent for path in root.glob("*/*/__init__.py")}
    return sorted(folder.name for folder in found if not (folder / "__init__.py").exists())


def pure_modules(root: Path) -> list[str]:
    """The modules that types are checked in, as arguments of mypy: those that the walls between components keep pure."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [f"-m{module}" for contract in contracts if contract["name"] == PURE_CONTRACT for module in contract["source_modules"]]


def _runs(root: Path) -> str:
    """How many runs stestr knows of: it keeps none when it finds no test."""
    try:
        return (root / ".stestr" / "next-stream").read_text()
    except FileNotFoundError:
        return ""


def count(stream: bytes) -> collections.Counter[str]:
    """How many tests of a subunit stream passed, failed and were skipped."""
    ended: collections.Counter[str] = collections.Counter()
    result = testtools.StreamToDict(lambda test: ended.update([MEANINGS.get(test["status"], FAILED)]))
    result.startTestRun()
    subunit.ByteStreamToStreamResult(io.BytesIO(stream), non_subunit_name="output").run(result)
    result.stopTestRun()
    return ended


def line(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in (PASSED, FAILED, SKIPPED))
