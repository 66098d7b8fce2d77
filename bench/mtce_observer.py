# SPDX-License-Identifier: Apache-2.0
"""Reads what the platform publishes of the hosts of a lab, from where the lab's networks are."""

import contextlib
import io
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyroute2

from stxlab import hoststates
from stxlab.cmd import main as command
from stxlab.lab import Lab
from tests.lab import platform

ROOT = Path(__file__).parents[1]
POLL_S = 0.01
DEADLINE_S = 180.0


class Observer:
    """Reads states in a process where the lab's networks are."""

    def __init__(self, lab: Lab) -> None:
        networks = f"/proc/{lab.switch.pid}/ns/net"
        self._credentials = tuple(sorted(hoststates.credentials(lab.layout).items()))
        self._inside = multiprocessing.get_context("fork").Pool(1, _enter, (networks, dict(self._credentials)))

    def states(self) -> dict[str, str]:
        found: dict[str, str] = self._inside.apply(_states)
        return found

    def ask(self, names: Sequence[str], action: str) -> None:
        """Ask for an action on hosts, one after another."""
        statuses: list[int] = self._inside.apply(platform.ask, (self._credentials, tuple(names), action))
        if set(statuses) != {200}:
            raise RuntimeError(f"{action}: not all hosts take it: {statuses}")

    def until(self, name: str, is_over: Callable[[str], bool], after_s: float = 0.0) -> list[tuple[float, str]]:
        """Each state of a host, and when it was seen first, until one of them.

        :param after_s: it does not count before
        """
        begun, seen = time.monotonic(), [(0.0, "")]
        while True:
            asked = time.monotonic()
            state = self.states().get(name, "")
            if state and state != seen[-1][1]:
                seen.append((time.monotonic(), state))
            if state and is_over(state) and asked - begun >= after_s:
                return seen[1:]
            if asked - begun > DEADLINE_S:
                raise RuntimeError(f"{name} is {state}: {json.dumps(seen)}")
            time.sleep(POLL_S)

    def wait(self, is_over: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_over():
            if time.monotonic() > deadline:
                raise RuntimeError("It takes too long.")
            time.sleep(POLL_S)

    def close(self) -> None:
        self._inside.terminate()


def lab_command(lab: Lab, *words: str) -> None:
    """:raises RuntimeError: with what it says, when it fails"""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = command.main([words[0], "--lab-dir", str(lab.layout.directory), *words[1:]], ROOT)
    if code:
        raise RuntimeError(said.getvalue().strip())


_api: hoststates.Api


def _enter(networks: str, credentials: dict[str, str]) -> None:
    global _api
    pyroute2.netns.setns(networks)
    hoststates.be_on_network(credentials["OS_AUTH_URL"])
    _api = hoststates.Api(credentials)


def _states() -> dict[str, str]:
    try:
        return _api.states()
    except hoststates.ApiError:
        return {}
