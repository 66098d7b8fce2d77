# SPDX-License-Identifier: Apache-2.0
"""The words in which faults are ordered: the same on a command line and in a scenario."""

import argparse
import dataclasses
import math
import shlex
import signal
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from stxlab.topology import NETWORKS

DIRECTIONS = ("both", "in", "out")
MOST_DELAY_MS = 10_000.0
# Under less than this a host does not even get to its own watchdogs.
MOST_STOLEN_PERCENT = 99.0
# Where a clock that jumps stays within what programs can compute with.
MOST_CLOCK_S = 50 * 365 * 86400.0


class OrderError(ValueError):
    """What was written is no order; the message says what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Argument:
    """:ivar options: as argparse takes them"""

    name: str
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Verb:
    """:ivar text: what it does, as a help text
    :ivar example: its arguments in an example
    """

    name: str
    text: str
    example: str
    arguments: tuple[Argument, ...] = ()

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        for argument in self.arguments:
            parser.add_argument(argument.name, **argument.options)


@dataclasses.dataclass(frozen=True)
class Order:
    """One thing to do.

    :ivar arguments: by name
    """

    verb: str
    arguments: Mapping[str, Any]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts that it is about."""
        named = [self.arguments["host"]] if "host" in self.arguments else []
        return (*named, *(name for members in self.arguments.get("sets", ()) for name in members))


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"give a number, not {text!r}") from None
        if math.isnan(value) or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"give a number from {least:g} to {most:g}, not {text}")
        return value

    return number


def _sets(text: str) -> tuple[tuple[str, ...], ...]:
    """HOST,HOST:HOST,… as sets of names."""
    sets = tuple(tuple(name for name in part.split(",") if name) for part in text.split(":"))
    if len(sets) < 2 or not all(sets):
        raise argparse.ArgumentTypeError(f"write at least two sets, as in HOST,HOST:HOST,HOST, not {text!r}")
    names = [name for members in sets for name in members]
    if twice := {name for name in names if names.count(name) > 1}:
        raise argparse.ArgumentTypeError(f"a host is in one set only; named twice: {', '.join(sorted(twice))}")
    return sets


def _signal(text: str) -> signal.Signals:
    try:
        return signal.Signals(int(text)) if text.isdecimal() else signal.Signals[f"SIG{text.upper().removeprefix('SIG')}"]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"there is no signal {text}") from None


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError(f"write a directory on the host from its root, as in /var/log, not {text!r}")
    return text


_HOST = Argument("host", {"metavar": "HOST", "help": "name of the host"})
_NETWORK = Argument("network", {"metavar": "NETWORK", "choices": NETWORKS, "help": f"one of {', '.join(NETWORKS)}"})
_ONLY_NETWORK = Argument(
    "--network",
    {"dest": "networks", "action": "append", "choices": NETWORKS, "help": "on this network only; may be repeated (default: all)"},
)

VERBS = (
    Verb(
        "hang",
        "let a host hang: it stops as a whole and says nothing any more, while its links stay up",
        "compute-0",
        (
            _HOST,
            Argument(
                "--answers",
                {
                    "action": "store_true",
                    "help": "its programs stop, but its kernel goes on answering pings and keeping connections, "
                    "as when a disk does not answer",
                },
            ),
        ),
    ),
    Verb("thaw", "end what `hang` began", "compute-0", (_HOST,)),
    Verb(
        "cut",
        "cut a cable of a host; it stays cut when the host is powered off and on",
        "compute-0 mgmt",
        (
            _HOST,
            _NETWORK,
            Argument(
                "--direction",
                {
                    "choices": DIRECTIONS,
                    "default": "both",
                    "help": "in: nothing reaches the host; out: nothing leaves it; the link stays up then (default: %(default)s)",
                },
            ),
        ),
    ),
    Verb(
        "loss",
        "let a cable of a host lose frames at random; 0 ends it",
        "compute-0 mgmt 10",
        (
            _HOST,
            _NETWORK,
            Argument("percent", {"type": _number(0, 100), "metavar": "PERCENT", "help": "of the frames in each direction"}),
        ),
    ),
    Verb(
        "delay",
        "let a cable of a host be slow; 0 ends it",
        "compute-0 mgmt 50 --jitter 10",
        (
            _HOST,
            _NETWORK,
            Argument("ms", {"type": _number(0, MOST_DELAY_MS), "metavar": "MS", "help": "milliseconds in each direction"}),
            Argument(
                "--jitter",
                {
                    "type": _number(0, MOST_DELAY_MS),
                    "default": 0.0,
                    "metavar": "MS",
                    "help": "how much the delay varies, up and down; frames may overtake each other (default: %(default)g)",
                },
            ),
        ),
    ),
    Verb("heal", "repair a cable of a host, whatever is wrong with it", "compute-0 mgmt", (_HOST, _NETWORK)),
    Verb(
        "partition",
        "keep sets of hosts from hearing each other; hosts that are in none hear all",
        "controller-0,compute-0:controller-1,compute-1 --network mgmt",
        (
            Argument("sets", {"type": _sets, "metavar": "HOST,…:HOST,…", "help": "hosts with commas, sets with colons between"}),
            _ONLY_NETWORK,
        ),
    ),
    Verb("join", "end what `partition` began", "", (_ONLY_NETWORK,)),
    Verb(
        "heal-all",
        "end all faults that are in force: cables, partitions, hosts that hang, processors, clocks, disks; not power",
        "",
    ),
    Verb(
        "kill",
        "end a program or all of a unit on a host",
        "controller-0 sysinv-conductor.service",
        (
            _HOST,
            Argument("name", {"metavar": "NAME", "help": "of a unit of systemd, with its ending, or of a program"}),
            Argument(
                "--signal",
                {"type": _signal, "default": signal.SIGKILL, "metavar": "SIGNAL", "help": "what it is sent (default: KILL)"},
            ),
        ),
    ),
    Verb(
        "fill",
        "fill a disk of a host",
        "controller-0 /var/lib/postgresql --leave 1",
        (
            _HOST,
            Argument("path", {"type": _path, "metavar": "PATH", "help": "a directory on that disk"}),
            Argument(
                "--leave",
                {"type": _number(0, 1e6), "default": 0.0, "metavar": "MIB", "help": "room left (default: %(default)g)"},
            ),
        ),
    ),
    Verb(
        "empty",
        "end what `fill` began",
        "controller-0 /var/lib/postgresql",
        (_HOST, Argument("path", {"type": _path, "metavar": "PATH", "help": "as it was filled"})),
    ),
    Verb(
        "steal",
        "take processor time away from a host; 0 ends it",
        "compute-0 90",
        (
            _HOST,
            Argument(
                "percent",
                {
                    "type": _number(0, MOST_STOLEN_PERCENT),
                    "metavar": "PERCENT",
                    "help": "of all the machine's processors",
                },
            ),
        ),
    ),
    Verb(
        "clock",
        "let the wall clock of a host be wrong; 0 ends it",
        "compute-0 3600",
        (
            _HOST,
            Argument(
                "seconds",
                {
                    "type": _number(-MOST_CLOCK_S, MOST_CLOCK_S),
                    "metavar": "SECONDS",
                    "help": "ahead of the machine's clock; behind it when negative",
                },
            ),
        ),
    ),
)

POWER_VERBS = (
    Verb("power-on", "power a host on", "compute-0", (_HOST,)),
    Verb("power-off", "cut the power of a host", "compute-0", (_HOST,)),
    Verb("reset", "cut the power of a host and give it back at once", "compute-0", (_HOST,)),
    Verb("shutdown", "press the power button of a host", "compute-0", (_HOST,)),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OrderError(message)


def parse(text: str) -> Order:
    """The order that a line of a scenario gives.

    :raises OrderError: when it is none
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise OrderError(f"{text!r}: {error}") from None
    name = words[0] if words else ""
    known = {verb.name: verb for verb in (*POWER_VERBS, *VERBS)}
    if name not in known:
        raise OrderError(f"there is no order {name!r}; there are: {', '.join(known)}")
    parser = _Parser(prog=name, add_help=False, allow_abbrev=False)
    known[name].add_to(parser)
    try:
        return order(known[name], parser.parse_args(words[1:]))
    except OrderError as error:
        raise OrderError(f"{text!r}: {error}. Example: {name} {known[name].example}".rstrip()) from None


def order(verb: Verb, arguments: argparse.Namespace) -> Order:
    """What was read, without what a command line has besides."""
    names = [argument.options.get("dest") or argument.name.removeprefix("--").replace("-", "_") for argument in verb.arguments]
    return Order(verb.name, {name: getattr(arguments, name) for name in names})
