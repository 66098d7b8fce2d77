# SPDX-License-Identifier: Apache-2.0
"""Faults: hang, cut, partition, loss, delay, kill, fill, steal, clock, and what ends them."""

import argparse
import time
from collections.abc import Callable

from stxlab import verbs
from stxlab.cmd.main import Commands
from stxlab.faults import Faults
from stxlab.lab import Lab
from stxlab.verbs import Verb


def add(commands: Commands) -> None:
    for verb in verbs.VERBS:
        verb.add_to(commands.add(verb.name, _run(verb), verb.text, verb.example))


def _run(verb: Verb) -> Callable[[Lab, argparse.Namespace], int]:
    def run(lab: Lab, arguments: argparse.Namespace) -> int:
        begun = time.monotonic()
        told = Faults(lab).carry_out(verbs.order(verb, arguments))
        print(f"{verb.name}: {(time.monotonic() - begun) * 1000:.1f} ms{f'; {told}' if told else ''}")
        return 0

    return run
