# SPDX-License-Identifier: Apache-2.0
"""`stx bench`: runs a measurement of the folder bench/, or lists them.

A measurement is a module with a function `main(json: bool)` that gives its figures by name. With `json` it prints nothing itself.
"""

import argparse
import ast
import importlib.util
import json
import signal
import sys
from pathlib import Path
from typing import Any

from stx import exception
from stxembedded import checkout


def run(arguments: argparse.Namespace) -> int:
    root = checkout.root()
    known = measurements(root / "bench")
    if arguments.name is None:
        width = max(map(len, known), default=0)
        print("\n".join(f"{name.ljust(width)}  {text}" for name, text in known.items()) or "There are no measurements.")
        return 0
    if arguments.name not in known:
        raise exception.NotFound(f"No measurement is called {arguments.name}. There are: {', '.join(known) or 'none'}.")
    sys.path.insert(0, str(root))
    # What it has started is ended also when it is told to end itself.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    figures = _load(root / "bench" / f"{arguments.name}.py").main(arguments.json)
    if figures is not None:
        print(json.dumps(figures) if arguments.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    return 0


def measurements(directory: Path) -> dict[str, str]:
    """The measurements that there are, by name, with the first line of what they say about themselves."""
    found = {}
    for path in sorted(directory.glob("*.py")):
        tree = ast.parse(path.read_bytes())
        mains = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
        if any(argument.arg == "json" for main in mains for argument in main.args.args):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"bench.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise exception.NotFound(f"{path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
