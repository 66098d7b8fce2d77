# SPDX-License-Identifier: Apache-2.0
"""`stx lab`: a whole cloud on this machine."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stxlab import layout
from stxlab.errors import LabError
from stxlab.image import Image
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.progress import Progress

# The modules that have commands, in the order in which the help lists them.
MODULES = ("life", "power", "hosts", "faults", "scenario")
EXIT_FAILED = 1


def main(argv: Sequence[str], root: Path) -> int:
    """Run one command line.

    :param root: the checkout that the image is made of
    """
    arguments = parser().parse_args(argv)
    progress = Progress()
    where = Layout(arguments.lab_dir)
    try:
        if os.getuid() != 0:
            raise LabError("A lab makes name spaces, bridges and mounts, for which it needs root. Try: sudo ./stx lab …")
        code: int = arguments.run(Lab(where, Image(root, layout.cache_directory(), progress.say), progress.say), arguments)
        return code
    except LabError as error:
        print(f"stx lab {arguments.command}: {error}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        print(f"stx lab {arguments.command}: {': '.join(filter(None, (error.filename, error.strerror)))}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(f"\nstx lab {arguments.command}: interrupted. `stx lab down` removes what there is of the lab.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="stx lab", description="Runs a whole cloud on this machine: hosts, networks, boards, faults."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in MODULES:
        importlib.import_module(f"stxlab.cmd.{name}").add(Commands(commands))
    return top


class Commands:
    """Where the modules put their commands."""

    def __init__(self, subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        self._subparsers = subparsers

    def add(self, name: str, run: object, text: str, example: str) -> argparse.ArgumentParser:
        """:param run: called with the lab and the arguments; gives the exit code"""
        made = self._subparsers.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  stx lab {name} {example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        made.add_argument(
            "--lab-dir",
            type=lambda text: Path(text).expanduser().absolute(),
            default=layout.default_directory(),
            help="where the lab is (default: $STX_LAB_DIR, or %(default)s)",
        )
        return made
