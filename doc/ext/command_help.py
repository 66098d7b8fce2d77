# SPDX-License-Identifier: Apache-2.0
"""`.. command-help:: stx up` in a page shows what `stx up --help` prints."""

import os
import pathlib
import subprocess
import sys
from typing import Any

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


def setup(sphinx: Any) -> dict[str, bool]:
    sphinx.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
