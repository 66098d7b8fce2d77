# SPDX-License-Identifier: Apache-2.0
"""Looking into hosts: exec, console."""

import argparse
import os
import subprocess

from stxlab.cmd.main import Commands
from stxlab.lab import Lab

SHELL = ("bash", "--login")


def add(commands: Commands) -> None:
    run = commands.add("exec", _exec, "run a command on a host, a shell where none is given", "controller-0 -- ip address")
    run.add_argument("host", help="name of the host")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD", help="the command and its arguments")
    console = commands.add("console", _console, "show what a host has printed since it was powered on", "compute-0 --follow")
    console.add_argument("host", help="name of the host")
    console.add_argument("--follow", action="store_true", help="go on showing what it prints, until interrupted")


def _exec(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.machine(lab.layout.load().host(arguments.host))
    words = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    argv = machine.argv(words or SHELL)
    return os.execvp(argv[0], argv)


def _console(lab: Lab, arguments: argparse.Namespace) -> int:
    console = lab.layout.host(lab.layout.load().host(arguments.host)).console
    options = ["--follow"] if arguments.follow else []
    return subprocess.run(["tail", "--lines=+1", *options, str(console)], check=False).returncode
