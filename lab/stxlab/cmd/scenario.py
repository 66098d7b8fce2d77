# SPDX-License-Identifier: Apache-2.0
"""Scenarios: list, check, run."""

import argparse
import sys
from pathlib import Path

from stxlab import scenario
from stxlab.cmd.main import EXIT_FAILED, Commands
from stxlab.lab import Lab
from stxlab.player import PAGE_FILE, Player
from stxlab.scenario import Scenario, ScenarioError
from stxlab.tables import table

SHIPPED = Path(__file__).parents[1] / "scenarios"


def add(commands: Commands) -> None:
    top = commands.add(
        "scenario", _list, "play a file of faults and expectations, and draw what happened", "run one-host --timeline out"
    )
    actions = top.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="list those that are shipped")
    check = actions.add_parser("check", help="read a scenario, and tell what is wrong with it")
    check.set_defaults(run=_check)
    run = actions.add_parser("run", help="play a scenario; what it broke is mended at its end, but for the power of hosts")
    run.set_defaults(run=_run)
    run.add_argument(
        "--timeline", type=Path, metavar="DIR", help="where to write what happened, as lines of JSON and as a page to look at"
    )
    for parser in (check, run):
        parser.add_argument("file", metavar="FILE", help="a file, or the name of a scenario that is shipped")


def _list(lab: Lab, arguments: argparse.Namespace) -> int:
    rows = []
    for path in sorted(SHIPPED.glob("*.yaml")):
        read = _read(str(path))
        rows.append({"scenario": path.stem, "what happens": read.name, "hosts": ", ".join(read.hosts)})
    print(table(rows))
    return 0


def _read(name: str) -> Scenario:
    """:raises ScenarioError: naming the file"""
    path, shipped = Path(name), SHIPPED / f"{name.removesuffix('.yaml')}.yaml"
    if not path.exists() and shipped.exists():
        path = shipped
    try:
        return scenario.parse(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.yaml")))
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(f"{path} cannot be read: {reason}. Give a file, or one of {names}.") from error
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def _check(lab: Lab, arguments: argparse.Namespace) -> int:
    read = _read(arguments.file)
    print(f"{read.name}: {len(read.steps)} steps about {', '.join(read.hosts)}")
    return 0


def _run(lab: Lab, arguments: argparse.Namespace) -> int:
    outcome = Player(lab, _say).play(_read(arguments.file), arguments.timeline)
    print(f"{outcome.steps - len(outcome.failed)} of {outcome.steps} steps passed in {outcome.end_s:.1f} s")
    if arguments.timeline is not None:
        print(arguments.timeline / PAGE_FILE)
    for text in outcome.failed:
        print(f"failed: {text}", file=sys.stderr)
    return EXIT_FAILED if outcome.failed else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
