# SPDX-License-Identifier: Apache-2.0
"""Looking into hosts: exec, console, hardware."""

import argparse
import json
import os
import subprocess
import sys

from stxlab import hardware
from stxlab.cmd.main import Commands
from stxlab.lab import Lab
from stxlab.tables import table

SHELL = ("bash", "--login")


def add(commands: Commands) -> None:
    run = commands.add("exec", _exec, "run a command on a host, a shell where none is given", "controller-0 -- ip address")
    run.add_argument("host", help="name of the host")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD", help="the command and its arguments")
    console = commands.add("console", _console, "show what a host has printed since it was powered on", "compute-0 --follow")
    console.add_argument("host", help="name of the host")
    console.add_argument("--follow", action="store_true", help="go on showing what it prints, until interrupted")
    made_of = commands.add(
        "hardware", _hardware, "show what a host is made of, or make it another server", "compute-0 --server 7"
    )
    made_of.add_argument("host", help="name of the host")
    made_of.add_argument("--server", type=int, metavar="N", help="the made-up server that it is from its next power-on on")
    made_of.add_argument("-f", "--format", choices=("table", "json"), default="table", help="form of the output")


def _exec(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.machine(lab.layout.load().host(arguments.host))
    words = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    argv = machine.argv(words or SHELL)
    return os.execvp(argv[0], argv)


def _console(lab: Lab, arguments: argparse.Namespace) -> int:
    console = lab.layout.host(lab.layout.load().host(arguments.host)).console
    options = ["--follow"] if arguments.follow else []
    return subprocess.run(["tail", "--lines=+1", *options, str(console)], check=False).returncode


def _hardware(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.machine(lab.layout.load().host(arguments.host))
    if arguments.server is not None:
        machine.files.hardware.write_text(f"{arguments.server}\n")
        if machine.is_on:
            print(f"{machine.host.name} is on: it is server {arguments.server} from its next power-on on.", file=sys.stderr)
    parts = hardware.parts(hardware.server(machine.server, machine.host.mac("mgmt")))
    rows = [{"server": machine.server, "part": part, "model": model} for part, model in parts]
    print(json.dumps(rows, indent=2) if arguments.format == "json" else table(rows))
    return 0
