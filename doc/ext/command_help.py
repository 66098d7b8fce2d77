# SPDX-License-Identifier: Apache-2.0
"""`.. command-help:: stx up` in a page shows what `stx up --help` prints; examples of cliff's commands become readable."""

import argparse
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from cliff import sphinxext
from docutils import nodes
from docutils.parsers import rst

# Defaults in the help must not depend on who builds the pages.
ENVIRONMENT = {"HOME": "/home/ada", "COLUMNS": "100", "PATH": os.defpath}
DEADLINE_S = 60


class CommandHelp(rst.Directive):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        program, *arguments = self.arguments[0].split()
        argv = [str(pathlib.Path(sys.executable).with_name(program)), *arguments, "--help"]
        done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        return [nodes.literal_block(done.stdout, done.stdout, language="none")]


def example(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The end of a command's help as an example; cliff shows it as one paragraph, with a placeholder for the command's name."""
    _, _, line = (parser.epilog or "").partition("\n")
    yield from ("Example::", "", "    " + line.strip() % {"prog": parser.prog}, "")


def setup(sphinx: Any) -> dict[str, bool]:
    sphinxext._format_epilog = example
    sphinx.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
