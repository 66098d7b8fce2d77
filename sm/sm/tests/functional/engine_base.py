# SPDX-License-Identifier: Apache-2.0
"""An engine with real programs and processes; the lease is what the test says."""

import dataclasses
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import fixtures
from oslotest import base

from sm import configuration, model
from sm.activity import Activity
from sm.cmd import configure
from sm.daemon import View, Wish
from sm.db import Database
from sm.engine import Engine, Observer
from sm.lease import Record
from sm.messages import Hello
from sm.peer_board import Means
from sm.service import Machine
from sm.services import Shown

OWN, PEER = "controller-0", "controller-1"
DEADLINE_S = 60.0

# A service whose state is a file, and that fails or hangs when another file says so.
PROGRAM = """#!{python} -S
import os, sys, time
name, action = sys.argv[1], sys.argv[-1]
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "log"), "a") as log:
    log.write(name + " " + action + "\\n")
def path(kind): return os.path.join(here, name + "." + kind)
if os.path.exists(path("hangs-" + action)):
    time.sleep(60)
if os.path.exists(path("fails-" + action)):
    print("it does not want to")
    sys.exit(1)
state = open(path("state")).read() if os.path.exists(path("state")) else ""
def become(new):
    with open(path("state"), "w") as file: file.write(new)
if action == "start": become("standby" if os.path.exists(path("has-standby")) else "active")
elif action == "promote": become("active")
elif action == "demote": become("standby")
elif action == "stop": become("")
elif name == "board":
    if action in ("on", "off"): become(action)
    print(open(path("state")).read())
elif action == "monitor": sys.exit({{"active": 8, "standby": 0, "": 7}}[state])
"""


class FakeLease:
    """Whatever the test says; what the engine wants is remembered, and followed at once."""

    def __init__(self) -> None:
        self.view = View(record=Record(1, 0, frozenset({OWN}), frozenset({OWN})), is_agreed=True)
        self.wish = Wish()
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)

    @property
    def descriptor(self) -> int:
        return self._read

    @property
    def repeat_at(self) -> float:
        """So that the engine is never away for long from a test that waits for something."""
        return time.monotonic() + 0.02

    def hear(self) -> None:
        os.read(self._read, 4096)

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)

    def want(self, wish: Wish) -> None:
        self.wish = wish
        self.view = dataclasses.replace(self.view, number=wish.number)


class Ledger(Observer):
    """All that was told, in order."""

    def __init__(self) -> None:
        self.services: dict[str, Machine] = {}
        self.groups: dict[str, Shown] = {}
        self.phases: list[str] = []
        self.fenced: list[str] = []

    def fencing(self, text: str) -> None:
        self.fenced.append(text)

    def service(self, name: str, group_name: str, machine: Machine, failed_at: float | None) -> None:
        self.services[name] = machine

    def group(self, name: str, shown: Shown) -> None:
        self.groups[name] = shown

    def activity(self, now: Activity, before: Activity) -> None:
        self.phases.append(str(now.phase))


class EngineTestCase(base.BaseTestCase):
    """:cvar services: YAML of services and groups, with PROGRAM for the program
    :cvar fence: likewise, what tells the other controller's board
    """

    services = ""
    fence = ""

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.program = self.directory / "program"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o755)
        self.lease = FakeLease()
        self.addCleanup(self.lease.close)
        self.rebooted: list[str] = []
        self.begin()

    def begin(self, services: str | None = None) -> None:
        text = (services or self.services).replace("PROGRAM", str(self.program))
        shipped = configure.SHIPPED.read_text()
        results = shipped[shipped.index("results:") :]
        database = Database(self.directory / "sm.db")
        database.load(configuration.parse({"results": results, "test": text}))
        self.ledger = Ledger()
        means = Means(self.fence.replace("PROGRAM", str(self.program)), self.directory / "fenced") if self.fence else None
        about = model.load(database)
        locked = self.directory.joinpath("locked").exists
        self.engine = Engine(
            OWN, PEER, about, self.ledger, self.lease, self.rebooted.append, "boot", means=means, is_locked=locked
        )
        database.close()
        self.addCleanup(self.engine.close)

    def flag(self, name: str, kind: str, is_there: bool = True) -> None:
        path = self.directory / f"{name}.{kind}"
        path.touch() if is_there else path.unlink(missing_ok=True)

    def see(self, **changes: Any) -> None:
        """The lease is so from now on."""
        eligible = changes.pop("eligible", None)
        voters = changes.pop("voters", {OWN})
        if eligible is not None:
            changes["record"] = Record(1, self.lease.view.record.revision + 1, frozenset(voters), frozenset(eligible))
        self.lease.view = dataclasses.replace(self.lease.view, **changes)
        self.engine.nudge()

    def hear_peer(self, **said: Any) -> None:
        self.see(heard={PEER: Hello(PEER, True, "boot", 1, **said)}, granting=frozenset({PEER}))

    def until(self, what: str, is_so: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        """Let the engine work until something holds."""
        deadline = time.monotonic() + deadline_s
        self.engine.advance()
        while not is_so():
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within {deadline_s:g} s; {self.log()}; {self.ledger.services}")
            self.engine.turn()

    def until_state(self, name: str, state: str) -> None:
        self.until(f"{name} {state}", lambda: self.ledger.services[name].state == state)

    def be_active(self, group: str = "g") -> None:
        self.see(holds=True)
        self.until("active", lambda: self.ledger.groups[group].state == "active")

    def log(self) -> list[str]:
        path = self.directory / "log"
        return path.read_text().splitlines() if path.exists() else []

    def forget(self) -> None:
        (self.directory / "log").unlink(missing_ok=True)
