# SPDX-License-Identifier: Apache-2.0
"""The services of one controller: each with its state machine, its actions, and its process.

What each shall be is said by whoever has them; what happens then is decided by sm.service, and carried out here.
"""

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from sm import actions, group, service
from sm.actions import Runner
from sm.group import GroupState
from sm.model import Model, Service
from sm.service import Condition, Desire, Died, Facts, Machine, Recover, Report, Result, Run, State, Status, Tick, Verb

LOG = logging.getLogger(__name__)


def boot_s() -> float:
    """Seconds since the host has booted: nobody sets this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclasses.dataclass(frozen=True)
class Shown:
    """What is told of a group: desired state, state, status, condition, and the services that are not well."""

    desired: State
    state: GroupState
    status: Status
    condition: Condition
    failing: tuple[str, ...] = ()


@dataclasses.dataclass
class Held:
    """One service as a controller has it.

    :ivar failed_at: when it failed last, in seconds since the host has booted
    :ivar watched: descriptor of its process
    :ivar is_managed: it is not left to itself
    :ivar restart: it is to be disabled, and enabled again
    """

    about: Service
    group: str
    machine: Machine = dataclasses.field(default_factory=Machine)
    failed_at: float | None = None
    watched: int | None = None
    is_managed: bool = True
    restart: bool = False

    @property
    def name(self) -> str:
        return self.about.name


class Controller(Protocol):
    """What services need of the controller that has them."""

    def desired(self, held: Held) -> State:
        """What a service shall be now."""

    def later(self, event: Callable[[], None]) -> None:
        """Have something done after what is being done."""

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Have something called when a descriptor can be read."""

    def ignore(self, descriptor: int) -> None:
        """No longer."""

    @property
    def is_expendable(self) -> bool:
        """Whether own data may be thrown away for those of the other controller."""

    @property
    def is_out(self) -> bool:
        """Whether nobody is served here any more: then nothing that stops waits for what uses it."""


class Services:
    """:param failed_at: of services that failed before this process began
    :ivar standalone: services with data of which it was seen that no copy follows
    """

    def __init__(
        self, model: Model, controller: Controller, runner: Runner, clock: Callable[[], float], failed_at: Mapping[str, float]
    ) -> None:
        self._model = model
        self._controller = controller
        self._runner = runner
        self._clock = clock
        self.every = {
            member: Held(model.services[member], name, failed_at=failed_at.get(member))
            for name, each in model.groups.items()
            for member in each.members
        }
        self.with_data = [held for held in self.every.values() if held.about.has_data]
        self.moving = frozenset(name for name, each in model.groups.items() if not each.is_everywhere)
        self.standalone: set[str] = set()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing here needs the lease."""
        return all(
            held.machine.state in (held.about.conf.wanted(State.STANDBY), State.DISABLED) or not held.is_managed
            for held in self.every.values()
            if held.group in self.moving
        )

    @property
    def leads(self) -> bool:
        """Whether own data are the active ones."""
        return all(held.machine.state is State.ACTIVE for held in self.with_data)

    @property
    def can_follow(self) -> bool:
        """Whether own data can follow those of the other controller."""
        return all(held.machine.state is State.STANDBY and held.machine.status is not Status.FAILED for held in self.with_data)

    def next_deadline(self, now: float) -> float:
        return min((held.machine.next_deadline(now) for held in self.every.values() if held.is_managed), default=float("inf"))

    def close(self) -> None:
        """Services stay as they are."""
        for held in self.every.values():
            self._forget_process(held)

    def parameters(self, about: Service) -> dict[str, str]:
        """Those of a service; with data, also whether own data may be thrown away for those of the active controller."""
        expendable = "yes" if self._controller.is_expendable else "no"
        return {**about.parameters, **({"expendable": expendable} if about.has_data else {})}

    def advance(self) -> None:
        """Go on until nothing follows any more: each step may let another service go on."""
        is_moving = True
        while is_moving:
            is_moving = False
            for held in self.every.values():
                wanted = self._controller.desired(held)
                before = held.machine
                if wanted is not before.desired:
                    self._take(held, Desire(wanted))
                elif before.running is None:
                    self._take(held, Tick())
                if held.restart and held.machine.state is State.DISABLED:
                    held.restart = False
                    is_moving = True
                if held.machine is not before and held.machine != before:
                    is_moving = True

    def _take(self, held: Held, event: service.Event) -> None:
        before = held.machine
        held.machine, runs = service.step(held.about.conf, before, event, self._dependencies(held), self._clock())
        if held.machine.status is Status.FAILED and before.status is not Status.FAILED:
            held.failed_at = boot_s()
        if isinstance(event, Recover):
            held.failed_at = None
        if held.machine.state is not before.state:
            self._watch_process(held)
        for run in runs:
            self._run(held, run)

    def _run(self, held: Held, run: Run) -> None:
        name, number = held.name, run.running.number
        call = dataclasses.replace(held.about.calls[str(run.running.verb)], timeout_s=run.timeout_s)

        def done(code: int, text: str) -> None:
            self._controller.later(lambda: self._ended(held, run, code, text))

        LOG.debug("%s: %s (%s)", name, run.running.verb, number)
        self._runner.start(name, name, call, self.parameters(held.about), done)

    def _ended(self, held: Held, run: Run, code: int, text: str) -> None:
        verb, number = run.running.verb, run.running.number
        call = held.about.calls[str(verb)]
        if code == actions.TIMED_OUT:
            LOG.warning("%s: %s did not end within %g s: %s", held.name, verb, run.timeout_s, text)
            self._take(held, Report(number, Result.TIMEOUT))
            return
        outcome = self._model.outcome(call, code)
        if outcome.result is not Result.SUCCESS:
            LOG.warning("%s: %s failed (%s): %s", held.name, verb, code, text)
        if verb is Verb.AUDIT_ENABLED and held.about.has_data:
            (self.standalone.add if outcome.condition is Condition.DATA_STANDALONE else self.standalone.discard)(held.name)
            if outcome.condition is Condition.DATA_SYNCING and self._controller.is_expendable:
                # It does not follow by itself: with another start it gets the data of the active one.
                LOG.warning("%s does not follow, and is started again", held.name)
                held.restart = True
        # What an action is for is known; only those that look may find something else.
        state = outcome.state if verb in service.AUDITS or outcome.state is State.DISABLED else None
        self._take(held, Report(number, outcome.result, state, outcome.status, outcome.condition))

    def _dependencies(self, held: Held) -> Facts:
        return Facts({verb: all(self._allows(verb, other) for other in others) for verb, others in held.about.waits.items()})

    def _allows(self, verb: Verb, other: str) -> bool:
        held = self.every.get(other)
        if held is None or not held.is_managed:
            return True
        state, conf = held.machine.state, held.about.conf
        if verb in (Verb.ENABLE, Verb.GO_ACTIVE):
            return state is State.ACTIVE or conf.wanted(self._controller.desired(held)) is State.STANDBY
        if self._controller.is_out:
            return True
        # One that is restarted in place does not take along what uses it.
        return state in (State.DISABLED, State.STANDBY) or self._controller.desired(held) is State.ACTIVE

    def _watch_process(self, held: Held) -> None:
        """Its end is heard of at once, where its process is known."""
        self._forget_process(held)
        if held.machine.state not in (State.ACTIVE, State.STANDBY):
            return
        call = held.about.calls.get("enable")
        pid = None
        if held.about.pid_file:
            pid = actions.pid_in(held.about.pid_file)
        elif call is not None and call.plugin == "systemd":
            pid = actions.main_pid(call.name)
        if pid is None:
            return
        try:
            held.watched = os.pidfd_open(pid)
        except OSError:
            # It has ended meanwhile.
            self._controller.later(lambda: self._take(held, Died()))
            return
        self._controller.watch(held.watched, lambda: self._died(held))

    def _forget_process(self, held: Held) -> None:
        if held.watched is not None:
            self._controller.ignore(held.watched)
            os.close(held.watched)
            held.watched = None

    def _died(self, held: Held) -> None:
        self._forget_process(held)
        LOG.warning("%s: its process has ended", held.name)
        self._take(held, Died())

    # -- what operators may do

    def recover(self, name: str) -> None:
        """:raises KeyError: when there is no such service"""
        self._take(self.every[name], Recover())

    def restart(self, name: str) -> None:
        """:raises KeyError: when there is no such service"""
        self.every[name].restart = True

    def manage(self, name: str, is_managed: bool) -> None:
        """:raises KeyError: when there is no such service"""
        held = self.every[name]
        if is_managed and not held.is_managed:
            # What became of it meanwhile is looked at anew.
            held.machine = dataclasses.replace(Machine(), number=held.machine.number)
        held.is_managed = is_managed

    # -- what is told

    def look_at(self, name: str, desired: State) -> Shown:
        """A group that is to be in this state."""
        about = self._model.groups[name]
        managed = [held for held in self.every.values() if held.group == name and held.is_managed]
        members = [
            group.Member(held.about.conf, about.members[held.name], held.machine.state, held.machine.status, held.failed_at)
            for held in managed
        ]
        failing = [held for held in managed if held.machine.status is not Status.NONE]
        worst = max(failing, key=lambda held: list(Status).index(held.machine.status), default=None)
        return Shown(
            desired,
            group.state(members, desired),
            group.status(members, about.debounce_s, boot_s()),
            worst.machine.condition if worst else Condition.NONE,
            tuple(sorted(held.name for held in failing)),
        )

    def stuck(self) -> list[str]:
        """Services that cannot be stopped, and whose groups do not put up with that."""
        return [
            held.name
            for held in self.every.values()
            if held.machine.condition in (Condition.ACTION_FAILURE, Condition.FATAL_FAILURE)
            and self._model.groups[held.group].is_fatal
        ]

    def look_at_data(self) -> None:
        """See at once how own copies are."""
        now = self._clock()
        for held in self.with_data:
            if held.machine.audit_at < float("inf"):
                held.machine = dataclasses.replace(held.machine, audit_at=min(held.machine.audit_at, now))

    def failed(self) -> dict[str, Held]:
        return {name: held for name, held in self.every.items() if held.machine.status is Status.FAILED}

    def try_again(self, held: Held) -> None:
        """Forgive a service its failures; that it failed goes on counting for a while."""
        LOG.info("%s is tried again", held.name)
        failed_at = held.failed_at
        self._take(held, Recover())
        held.failed_at = failed_at
