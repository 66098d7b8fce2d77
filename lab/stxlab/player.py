# SPDX-License-Identifier: Apache-2.0
"""Plays a scenario on a lab, while an observer looks on, and writes down what happened."""

import dataclasses
import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from stxlab import enter, faultfile, picture, power, timeline
from stxlab.errors import LabError
from stxlab.faults import FaultError, Faults
from stxlab.groups import Group, GroupError
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.machine import PowerError
from stxlab.picture import About
from stxlab.scenario import Condition, Scenario, Sights, Step
from stxlab.timeline import Event, EventError
from stxlab.verbs import Order

EVENTS_FILE, PAGE_FILE = "timeline.jsonl", "timeline.html"
TEMPLATE = Path(__file__).with_name("timeline.html")
START_DEADLINE_S = 60.0
_POLL_S = 0.05
_BOOK_PERIOD_S = 0.1
# How long after an order the observer may still tell what was before it, and what it must have looked at since.
_LAG_S = {"state": 0.7, "reach": 1.7, "hears": 1.7, "does-not-hear": 1.7}
_PLATFORM_LAG_S = 1.5
_LOOKS = {"state": timeline.POWER, "reach": timeline.NETWORK, "hears": timeline.NETWORK, "does-not-hear": timeline.NETWORK}
LOOK_DEADLINE_S = 60.0
# What leaves no lasting fault in the book.
_MOMENTS = ("power-on", "power-off", "reset", "shutdown", "kill")
_SAY_LENGTH = 200

Say = Callable[[str], None]


class PlayError(LabError):
    """The scenario cannot be played on this lab."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """:ivar failed: the texts of the steps that failed"""

    steps: int
    failed: tuple[str, ...]
    events: tuple[Event, ...]
    end_s: float


class Log:
    """What happened until now; written by several threads."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        self.events: list[Event] = []
        self.sights = Sights()
        # Until when what the observer has told holds, by what it is about.
        self.looked: dict[str, float] = {}
        self._turn = threading.Lock()

    def now(self) -> float:
        return time.monotonic() - self.begun

    def add(self, event: Event) -> None:
        with self._turn:
            if event.kind == timeline.LOOKED:
                self.looked[event.what] = event.time_s
                return
            self.events.append(event)
            self.sights.see(event.kind, event.host, event.network, event.what)

    def tell(self, kind: str, host: str, what: str, at: float | None = None) -> None:
        self.add(Event(round(self.now() if at is None else at, 3), kind, host, "", what))


class Watch:
    """The observer's process, what it tells, and which faults come into force, whoever brings them about."""

    def __init__(self, layout: Layout, switch_pid: int, log: Log) -> None:
        self._layout = layout
        self._log = log
        self._hosts = [host.name for host in layout.load().hosts]
        self._told: dict[str, set[str]] = {}
        self._ending = threading.Event()
        self._turn = threading.Lock()
        argv = [
            *enter.into(switch_pid, "net"),
            sys.executable,
            "-P",
            "-m",
            "stxlab.observer",
            str(layout.directory),
            str(log.begun),
        ]
        # In a group of the lab's, it ends with the lab at the latest.
        group = Group(f"{layout.name}/observer")
        group.make()
        self._errors = layout.logs / "observer.log"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                enter.joining(group.entrances, argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=power.environment(),
                text=True,
            )
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._follow_faults)]
        for thread in self._threads:
            thread.start()

    def await_sight(self) -> None:
        """Until it has seen all hosts.

        :raises PlayError: when it does not
        """
        deadline = time.monotonic() + START_DEADLINE_S
        while {event.host for event in self._log.events if event.kind == "power"} < set(self._hosts):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise PlayError(f"The observer does not see the lab: {self._errors.read_text()[-500:] or 'it says nothing'}")
            time.sleep(_POLL_S)

    def look_at_faults(self) -> None:
        """Write down which faults have come into force, and which have ended."""
        with self._turn:
            book = faultfile.read(self._layout)
            for host in self._hosts:
                found, told = set(book.texts(host)), self._told.setdefault(host, set())
                for text in sorted(told - found):
                    self._log.tell("fault-end", host, text)
                for text in sorted(found - told):
                    self._log.tell("fault-begin", host, text)
                self._told[host] = found

    def end(self) -> None:
        self._ending.set()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(START_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(START_DEADLINE_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._log.add(timeline.read(line))
            except EventError:
                continue

    def _follow_faults(self) -> None:
        while not self._ending.wait(_BOOK_PERIOD_S):
            self.look_at_faults()


class Player:
    def __init__(self, lab: Lab, say: Say) -> None:
        self._lab = lab
        self._faults = Faults(lab)
        self._say = say
        self._log = Log()
        # Moments of the log.
        self._start = self._ordered = 0.0
        self._failed: list[str] = []

    def play(self, scenario: Scenario, directory: Path | None = None) -> Outcome:
        """Play it. What it broke is mended at its end, but for the power of hosts.

        :param directory: where the timeline is written
        :raises PlayError: when the lab is not one for it, or is at work on another
        """
        layout = self._lab.layout
        names = [host.name for host in layout.load().hosts]
        if absent := [name for name in scenario.hosts if name not in names]:
            raise PlayError(f"The lab has no {', '.join(absent)}, which the scenario is about. It has: {', '.join(names)}")
        if (pid := self._lab.switch.pid) is None:
            raise PlayError("The lab's networks are not there. Start them: stx lab up")
        self._failed, self._ordered = [], 0.0
        with (layout.run / "scenario.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlayError("Another scenario is being played on this lab. Wait for its end.") from None
            self._log = Log()
            watch = Watch(layout, pid, self._log)
            try:
                watch.await_sight()
                self._start = self._log.now()
                self._play(scenario, watch)
            finally:
                self._tell(self._faults.heal_all() or "what was broken is mended")
                watch.look_at_faults()
                watch.end()
                outcome = self._outcome(scenario)
                if directory is not None:
                    write(directory, scenario, names, outcome, self._log.date)
        return outcome

    def _play(self, scenario: Scenario, watch: Watch) -> None:
        for step in scenario.steps:
            self._await(self._start + step.at_s if step.at_s is not None else self._log.now() + step.after_s)
            told = self._take(step, watch)
            if told is not None:
                self._failed.append(step.text)
                self._log.tell("step", "", f"failed: {step.text}: {told}")
                self._tell(f"FAILED {step.text}: {told}")
                if not step.is_expectation:
                    break
            else:
                result = "done" if step.order else "passed"
                self._log.tell("step", "", f"{result}: {step.text}")
                self._tell(f"{result}: {step.text}")
        self._await(self._log.now() + scenario.settle_s)

    def _tell(self, text: str) -> None:
        self._say(f"[{self._log.now() - self._start:6.2f} s] {text}")

    def _outcome(self, scenario: Scenario) -> Outcome:
        """Times are told from the moment at which all was in sight; what is older was so from the start."""
        shifted = [
            dataclasses.replace(event, time_s=max(0.0, round(event.time_s - self._start, 3)))
            for event in sorted(self._log.events, key=lambda event: event.time_s)
        ]
        return Outcome(len(scenario.steps), tuple(self._failed), tuple(shifted), self._log.now() - self._start)

    def _await(self, moment: float) -> None:
        time.sleep(max(0.0, moment - self._log.now()))

    def _take(self, step: Step, watch: Watch) -> str | None:
        """Take a step. Gives what was wrong; None when it went well."""
        if step.condition is not None:
            return self._await_condition(step, step.condition)
        try:
            if step.order is not None:
                self._order(step.order, step.text, watch)
                return None
            return self._run(step)
        except (FaultError, PowerError, GroupError, enter.RunError) as error:
            return str(error)

    def _order(self, order: Order, text: str, watch: Watch) -> None:
        if order.verb in _MOMENTS:
            self._log.tell("order", order.hosts[0], text.replace(f" {order.hosts[0]}", "", 1))
        self._faults.carry_out(order)
        self._ordered = self._log.now()
        watch.look_at_faults()

    def _run(self, step: Step) -> str | None:
        machine = self._lab.machine(self._lab.layout.load().host(step.host))
        argv = machine.argv(["/bin/sh", "-c", step.command])
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=step.within_s, check=False)
        except subprocess.TimeoutExpired:
            return f"it did not end within {step.within_s:g} s"
        if done.returncode != step.exit_code:
            said = (done.stderr or done.stdout).strip()[-_SAY_LENGTH:]
            return f"exit code {done.returncode}, not {step.exit_code}{f': {said}' if said else ''}"
        return None

    def _await_condition(self, step: Step, condition: Condition) -> str | None:
        deadline = self._log.now() + step.within_s
        since: float | None = None
        while True:
            now, is_certain = self._log.now(), self._is_certain(condition)
            if not is_certain or not self._log.sights.hold(condition):
                since = None
            elif since is None:
                since = now
            if since is not None and now - since >= step.holds_s:
                return None
            if since is None and now >= (deadline if is_certain else deadline + LOOK_DEADLINE_S):
                seen = self._log.sights.seen(condition)
                return f"not within {step.within_s:g} s; seen: {seen or 'nothing'}"
            time.sleep(_POLL_S)

    def _is_certain(self, condition: Condition) -> bool:
        """Whether what is seen shows the last order: what was seen before it could does not count."""
        source = _LOOKS.get(condition.what)
        has_looked = source is None or self._log.looked.get(source, -1.0) >= self._ordered
        return has_looked and self._log.now() >= self._ordered + _LAG_S.get(condition.what, _PLATFORM_LAG_S)


def write(directory: Path, scenario: Scenario, hosts: Iterable[str], outcome: Outcome, date: str) -> None:
    """Write the timeline: events, a line of JSON each, and a page."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / EVENTS_FILE).write_text("".join(f"{event.line()}\n" for event in outcome.events))
    drawn = timeline.build(outcome.events, list(hosts), outcome.end_s)
    about = About(scenario.name, scenario.description, date)
    (directory / PAGE_FILE).write_text(picture.page(TEMPLATE.read_text(), about, drawn, outcome.events))
