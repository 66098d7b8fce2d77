# SPDX-License-Identifier: Apache-2.0
"""All watched processes: who is watched, what becomes due, and which orders are open. Used by one thread at a time."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from mtce.pmon import conf_dirs, fsm, orders, pulse, state_file
from mtce.pmon.conf import Mode, Problem, ProcessConf
from mtce.pmon.gates import Gates
from mtce.pmon.machine import (
    Answered,
    Event,
    GateOpened,
    Initialised,
    Limits,
    Machine,
    Order,
    State,
    Tick,
    Verb,
)
from mtce.pmon.state_file import Saved
from mtce.pmon.watched import Surroundings, Watched

LOG = logging.getLogger(__name__)

# How often flag files are looked at, while something depends on them.
FLAGS_S = 1.0
# A process that the monitor itself cannot handle is left alone this long, so that it does not keep it from the others.
MUTE_S = 5.0
SAVE_RETRY_S = 5.0
ORDER_DEADLINE_S = 300.0
MAX_ORDERS = 64


@dataclasses.dataclass(frozen=True)
class Settings:
    """What depends on the host.

    :ivar run_dir: directory of the host's flag files
    :ivar subfunctions: what the host is, of: controller, worker, storage
    :ivar pulse_port: UDP port on loopback for active monitoring; 0 takes any
    :ivar order_socket: where pmon-start and its like give orders; by default `pmon.sock` beside the state file
    """

    run_dir: Path = Path("/var/run")
    subfunctions: tuple[str, ...] = ("controller",)
    pulse_port: int = pulse.MONITOR_PORT
    order_socket: Path | None = None
    limits: Limits = dataclasses.field(default_factory=Limits)
    systemctl: str = "systemctl"


@dataclasses.dataclass(frozen=True)
class _OpenOrder:
    watched: Watched
    verb: Verb
    deadline: float
    answer: Callable[[bool, str], None]


# How often each process's state has changed, and whose alarm is still to be cleared.
_Version = tuple[dict[Watched, int], frozenset[str]]


class Roster:
    def __init__(
        self, directories: Sequence[Path], state_path: Path, settings: Settings, around: Surroundings, gates: Gates
    ) -> None:
        self._directories = directories
        self._state_path = state_path
        self._gates = gates
        self._pulse_port = settings.pulse_port
        self._around = around
        self._watched: dict[str, Watched] = {}
        self._muted: dict[str, float] = {}
        self._orders: list[_OpenOrder] = []
        self._blank = Machine(is_initialised=self._gates.is_initialised())
        self._flags_at: float | None = None
        saved = state_file.load(state_path)
        self._saved = saved or {}
        # Without a memory, any process may have an alarm.
        self._new = Saved(owes_clear=saved is None)
        self._saved_version: _Version = {}, frozenset()
        self._save_at = 0.0

    def load(self) -> list[Problem]:
        """Read the drop-in directories and watch what they say; gives what is wrong with them."""
        confs, problems = conf_dirs.read(self._directories, {name: watched.conf for name, watched in self._watched.items()})
        self._open_pulses(confs, problems)
        before, self._watched = self._watched, {}
        new: list[Watched] = []
        for name, conf in confs.items():
            known = before.pop(name, None)
            if known is not None and known.conf == conf:
                self._watched[name] = known
                continue
            saved = self._saved.get(name, self._new) if known is None else known.saved()
            if known is not None:
                known.release()
            self._watched[name] = Watched(conf, saved, self._around, self._blank)
            new.append(self._watched[name])
        for gone in before.values():
            gone.forget()
        for name, saved in self._saved.items():
            if name not in confs and saved.may_have_alarm:
                # The file went while no monitor ran.
                self._around.publisher.clear_alarm(name)
        for watched in new:
            self._begin(watched)
        self._flags_at = self._around.clock()
        for problem in problems:
            LOG.log(logging.ERROR if problem.is_refused else logging.WARNING, "%s", problem)
        return problems

    def _begin(self, watched: Watched) -> None:
        self._safely(watched, lambda: watched.begin(is_gate_open=self._gates.is_open(watched.conf)))

    def order(self, name: str, verb: Verb, answer: Callable[[bool, str], None]) -> None:
        """Begin to follow an order; `answer` is called once, with the result."""
        watched = self._watched.get(name)
        if watched is None:
            answer(False, f"{name[:64]} is not watched. Use one of: {', '.join(sorted(self._watched)) or 'none is'}.")
            return
        refusal = orders.refusal(watched.conf, watched.machine, verb)
        if refusal is None and len(self._orders) >= MAX_ORDERS:
            refusal = f"{MAX_ORDERS} orders are under way. Try again later."
        if refusal is not None:
            answer(False, refusal)
            return
        LOG.info("%s: %s ordered", name, verb)
        self._orders.append(_OpenOrder(watched, verb, self._around.clock() + ORDER_DEADLINE_S, answer))
        self._feed(watched, Order(verb))

    def next_deadline(self) -> float | None:
        """When run_due() must be called next, monotonic seconds."""
        times = [order.deadline for order in self._orders]
        for name, watched in self._watched.items():
            due = fsm.next_deadline(watched.machine)
            if due is not None:
                times.append(max(due, self._muted.get(name, 0.0)))
        if self._version() != self._saved_version:
            times.append(self._save_at)
        times += [time for time in (self._flags_at, self._around.publisher.next_deadline) if time is not None]
        return min(times, default=None)

    def run_due(self) -> None:
        """Do what time demands, answer orders that have ended, save and tell what has changed."""
        now = self._around.clock()
        for name, watched in list(self._watched.items()):
            due = fsm.next_deadline(watched.machine)
            if due is not None and due <= now and self._muted.get(name, 0.0) <= now:
                self._feed(watched, Tick())
        if self._flags_at is None and any(watched.machine.is_maintenance for watched in self._watched.values()):
            self._flags_at = now + FLAGS_S
        if self._flags_at is not None and self._flags_at <= now:
            self._check_flags(now)
        self._orders = [order for order in self._orders if not self._has_ended(order, now)]
        # In this order: an alarm that is told is one that a later monitor knows of, whatever happens in between.
        self._save(now)
        self._around.publisher.publish(now)

    def close(self) -> None:
        """Watch no more. Actions under way are killed; their ends still come through the selector."""
        now = self._around.clock()
        self._around.publisher.publish(now)
        self._save(now)
        for order in self._orders:
            order.answer(False, f"The process monitor is stopped; the {order.verb} may not have ended.")
        for watched in self._watched.values():
            watched.release()

    def _open_pulses(self, confs: dict[str, ProcessConf], problems: list[Problem]) -> None:
        """Active monitoring needs its port; without it such processes cannot be watched, but all others can."""
        active = [conf for conf in confs.values() if conf.mode is Mode.ACTIVE]
        if not active or self._around.pulses.is_open:
            return
        try:
            self._around.pulses.open(self._pulse_port, self._take_answer)
        except OSError as error:
            for conf in active:
                text = f"{conf.mode} needs UDP port {self._pulse_port} on loopback: {error.strerror}. Free the port and reload."
                problems.append(Problem(conf.path, "mode", text))
                del confs[conf.name]

    def _take_answer(self, name: str, sequence: int) -> None:
        watched = self._watched.get(name)
        if watched is not None:
            self._feed(watched, Answered(sequence))

    def _check_flags(self, now: float) -> None:
        if not self._blank.is_initialised and self._gates.is_initialised():
            self._blank = dataclasses.replace(self._blank, is_initialised=True)
            self._feed_all(Initialised(True))
        is_needed = False
        for watched in list(self._watched.values()):
            if watched.machine.state is State.WAITING and self._gates.is_open(watched.conf):
                self._feed(watched, GateOpened())
            if watched.machine.is_maintenance:
                self._feed(watched, Tick())
            is_waiting = watched.machine.state is State.WAITING or watched.machine.is_maintenance
            is_needed |= is_waiting or (watched.conf.full_init_reqd and not self._blank.is_initialised)
        self._flags_at = now + FLAGS_S if is_needed else None

    def _has_ended(self, order: _OpenOrder, now: float) -> bool:
        watched = order.watched
        if self._watched.get(watched.conf.name) is not watched:
            order.answer(False, f"The file of {watched.conf.name} has changed meanwhile. Try again.")
            return True
        outcome = orders.outcome(watched.conf, watched.machine, order.verb)
        if outcome is None and now >= order.deadline:
            outcome = False, f"The {order.verb} of {watched.conf.name} is still under way. Look again later."
        if outcome is not None:
            order.answer(*outcome)
        return outcome is not None

    def _version(self) -> _Version:
        return {watched: watched.changes for watched in self._watched.values()}, self._around.publisher.uncleared

    def _save(self, now: float) -> None:
        version = self._version()
        if now < self._save_at or version == self._saved_version:
            return
        saved = {name: watched.saved() for name, watched in self._watched.items()}
        for name in self._around.publisher.uncleared:
            saved[name] = dataclasses.replace(saved.get(name, Saved()), owes_clear=True)
        try:
            state_file.save(self._state_path, saved)
        except OSError as error:
            LOG.error("%s cannot be written (%s); a new monitor would judge the processes anew", self._state_path, error)
            self._save_at = now + SAVE_RETRY_S
            return
        self._saved, self._saved_version = saved, version

    def _feed_all(self, event: Event) -> None:
        for watched in list(self._watched.values()):
            self._feed(watched, event)

    def _feed(self, watched: Watched, event: Event) -> None:
        self._safely(watched, lambda: watched.feed(event))

    def _safely(self, watched: Watched, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            # A defect met with one process must not leave all others unwatched.
            LOG.exception("%s cannot be handled; trying again in %g s", watched.conf.name, MUTE_S)
            self._muted[watched.conf.name] = self._around.clock() + MUTE_S
