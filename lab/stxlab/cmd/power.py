# SPDX-License-Identifier: Apache-2.0
"""The power of hosts, and their boards: power-on, power-off, reset, shutdown, sensor, ipmi."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stxlab import board_files, enter, power, sensors
from stxlab.boards import Board, BoardError
from stxlab.cmd.main import EXIT_FAILED, Commands
from stxlab.errors import LabError
from stxlab.lab import Lab
from stxlab.machine import Machine, PowerError
from stxlab.tables import table

ON_DEADLINE_S = 60.0
_AT_ONCE = 8
_POLL_S = 0.002


def add(commands: Commands) -> None:
    texts = {
        "power-on": (_on, "power hosts on", "compute-0 compute-1"),
        "power-off": (_off, "cut the power of hosts, as if a plug were pulled", "compute-0"),
        "reset": (_reset, "cut the power of hosts and give it back at once", "compute-0"),
        "shutdown": (_shutdown, "press the power button: hosts end in good order", "compute-0"),
    }
    for name, (run, text, example) in texts.items():
        parser = commands.add(name, run, text, example)
        parser.add_argument("hosts", nargs="+", metavar="HOST", help="name of a host")
        if name in ("power-on", "reset"):
            parser.add_argument("--wait", action="store_true", help="wait until the hosts have booted")
    sensor = commands.add(
        "sensor", _sensor, "show what the sensors of a host's board show, or let one show a value", "compute-0 cpu-temp 99"
    )
    sensor.add_argument("host", help="name of the host")
    sensor.add_argument("name", nargs="?", help="sensor that shall show another value")
    sensor.add_argument("value", nargs="?", type=int, help="what it shall show, in its unit")
    sensor.add_argument("-f", "--format", choices=("table", "json"), default="table", help="form of the output")
    ipmi = commands.add("ipmi", _ipmi, "run ipmitool against the board of a host", "compute-0 -- chassis power status")
    ipmi.add_argument("host", help="name of the host")
    ipmi.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- ARG", help="arguments of ipmitool")


def _on(lab: Lab, arguments: argparse.Namespace) -> int:
    return _each(lab, arguments, "on", _await_on)


def _off(lab: Lab, arguments: argparse.Namespace) -> int:
    return _each(lab, arguments, "off", _await_off)


def _reset(lab: Lab, arguments: argparse.Namespace) -> int:
    return _each(lab, arguments, "reset", _await_on)


def _shutdown(lab: Lab, arguments: argparse.Namespace) -> int:
    return _each(lab, arguments, "shutdown", _await_off)


def _each(lab: Lab, arguments: argparse.Namespace, verb: str, await_it: Callable[[Machine], str]) -> int:
    """Change the power of several hosts at once. A host that cannot be changed keeps no other from being so."""
    machines = [lab.machine(host) for host in lab.layout.load().named(arguments.hosts)]

    def change(machine: Machine) -> bool:
        begun = time.monotonic()
        try:
            power.change(lab.layout, machine, verb)
            reached = await_it(machine)
            print(f"{machine.host.name}: {reached} after {time.monotonic() - begun:.3f} s", flush=True)
            if getattr(arguments, "wait", False):
                state = lab.await_running(machine)
                print(f"{machine.host.name}: {state} after {time.monotonic() - begun:.3f} s", flush=True)
        except LabError as error:
            print(f"stx lab {arguments.command}: {error}", file=sys.stderr, flush=True)
            return False
        return True

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(change, machines))
    return 0 if all(done) else EXIT_FAILED


def _await_on(machine: Machine) -> str:
    """Until the host's process 1 is there."""
    deadline = time.monotonic() + ON_DEADLINE_S
    while machine.leader is None:
        if not machine.is_on or time.monotonic() > deadline:
            raise PowerError(f"{machine.host.name} did not start. See: stx lab console {machine.host.name}")
        time.sleep(_POLL_S)
    return "on"


def _await_off(machine: Machine) -> str:
    """Until none of its processes is there."""
    if machine.group.pids():
        raise PowerError(f"{machine.host.name} was powered on again at the same time.")
    return "off"


def _sensor(lab: Lab, arguments: argparse.Namespace) -> int:
    board = Board(lab.layout, lab.layout.load().host(arguments.host), lab.switch)
    if arguments.name is not None:
        sensor = sensors.named(arguments.name)
        if arguments.value is None:
            raise BoardError(
                f"What shall {sensor.name} show, in {sensor.unit}? Example: stx lab sensor {board.host.name} {sensor.name} 99"
            )
        board.show(sensor, arguments.value)
        return 0
    rows = [_row(sensor, board.shown(sensor)) for sensor in sensors.SENSORS]
    print(json.dumps(rows, indent=2, ensure_ascii=False) if arguments.format == "json" else table([_told(row) for row in rows]))
    return 0


def _row(sensor: sensors.Sensor, value: int) -> dict[str, Any]:
    return {
        "sensor": sensor.name,
        "value": value,
        "unit": sensor.unit,
        "health": sensor.health(value),
        "lower": list(sensor.lower),
        "upper": list(sensor.upper),
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: ", ".join(map(str, value)) or None if isinstance(value, list) else value for name, value in row.items()}


def _ipmi(lab: Lab, arguments: argparse.Namespace) -> int:
    host = lab.layout.load().host(arguments.host)
    words = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    if lab.switch.pid is None:
        raise LabError("The lab's networks are not there. Start them: stx lab up")
    # The password goes through the environment, which other users cannot see.
    os.environ["IPMI_PASSWORD"] = lab.layout.read_secrets()["board"]
    argv = ["ipmitool", "-I", "lanplus", "-C", "3", "-H", host.board_address, "-U", board_files.USER, "-E", *words]
    argv = [*enter.into(lab.switch.pid, "net"), *argv]
    return os.execvp(argv[0], argv)
