# SPDX-License-Identifier: Apache-2.0
"""`stx`: runs a whole platform on this machine, looks at it, tests and measures it."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stx import exception
from stxembedded import checkout, config

COMMANDS = {
    "up": "start the platform, or what of it does not run, and wait until it is ready",
    "down": "stop the platform; its data stays",
    "status": "show the platform's processes; exit code 3 unless all run and answer",
    "env": 'print credentials for a shell: eval "$(stx env)"',
    "test": "check the source: lint, walls, types, docs and all tests",
    "bench": "measure the platform; without a name: list the measurements",
    "lab": "run a whole cloud on this machine: hosts, networks, boards, faults",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line: 0 done, 1 failed, 2 not understood, 3 (status) not all runs and answers."""
    os.umask(0o077)
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["lab"]:
        # It has many commands of its own.
        return _lab(words[1:])
    arguments = parser().parse_args(words)
    try:
        code: int = importlib.import_module(f"stxembedded.cmd.{arguments.command}").run(arguments)
        return code
    except exception.StxException as error:
        print(f"stx {arguments.command}: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the output (head, a closed pager) has seen enough. Nothing must be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"stx {arguments.command}: {text}", file=sys.stderr)
        return 1


def _lab(words: Sequence[str]) -> int:
    try:
        code: int = importlib.import_module("stxlab.cmd.main").main(words, checkout.root())
        return code
    except exception.StxException as error:
        print(f"stx lab: {error.message}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="stx", description="Runs a whole StarlingX platform on this machine, as an ordinary user.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {name: commands.add_parser(name, help=text, description=text.capitalize() + ".") for name, text in COMMANDS.items()}
    for name in ("up", "down", "status", "env"):
        made[name].add_argument(
            "--data-dir",
            type=_directory,
            default=config.default_data_dir(),
            help="where the platform's data, logs and configuration are (default: $STX_DATA_DIR, or %(default)s)",
        )
    _add_up(made["up"])
    made["status"].add_argument("-f", "--format", choices=("table", "json"), default="table", help="form of the output")
    made["status"].add_argument("--pids", action="store_true", help="print only the process ids of what runs")
    made["env"].add_argument("--user", choices=("admin", *config.EVALUATION_USERS), default="admin", help="whose credentials")
    made["test"].add_argument("arguments", nargs=argparse.REMAINDER, metavar="STEP|FILTER", help="steps to run, or a test filter")
    made["bench"].add_argument("name", nargs="?", help="name of a measurement")
    made["bench"].add_argument("--json", action="store_true", help="print the figures as one JSON object")
    return top


def _add_up(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--shape",
        choices=config.SHAPES,
        help="kind of system, made at the first start (default: simplex, one host)",
    )
    up.add_argument("--address", help="address that all services listen on (default: 127.0.0.1, which only this machine reaches)")
    up.add_argument("--port-base", type=_port, help=f"take consecutive ports from here for {', '.join(config.PORTS)}")
    for service, port in config.PORTS.items():
        up.add_argument(f"--{service}-port", dest=f"{service}_port", type=_port, help=f"port of {service} (default: {port})")


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty: give the name of a directory")
    return config.absolute(text)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
