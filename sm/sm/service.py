# SPDX-License-Identifier: Apache-2.0
"""The state machine of one service on one controller: what is wanted, what happened and the time in, the next action out.

States, counters and what they lead to: spec mtce-sm.md B2.8. A service that has no way to be on standby is disabled instead. Nothing is
polled: actions report, processes die, and all else is a deadline.
"""

import dataclasses
import enum
import math
from collections.abc import Mapping


class State(enum.StrEnum):
    INITIAL = "initial"
    UNKNOWN = "unknown"
    STANDBY = "enabled-standby"
    GO_STANDBY = "enabled-go-standby"
    GO_ACTIVE = "enabled-go-active"
    ACTIVE = "enabled-active"
    ENABLING = "enabling"
    DISABLING = "disabling"
    DISABLED = "disabled"
    SHUTDOWN = "shutdown"


class Status(enum.StrEnum):
    """Ordered from well to worst."""

    NONE = ""
    WARN = "warn"
    DEGRADED = "degraded"
    FAILED = "failed"


class Condition(enum.StrEnum):
    NONE = ""
    DATA_INCONSISTENT = "data-inconsistent"
    DATA_OUTDATED = "data-outdated"
    DATA_CONSISTENT = "data-consistent"
    DATA_SYNCING = "data-syncing"
    DATA_STANDALONE = "data-standalone"
    RECOVERY_FAILURE = "recovery-failure"
    ACTION_FAILURE = "action-failure"
    FATAL_FAILURE = "fatal-failure"


class Verb(enum.StrEnum):
    """What can be done with a service."""

    ENABLE = "enable"
    DISABLE = "disable"
    GO_ACTIVE = "go-active"
    GO_STANDBY = "go-standby"
    AUDIT_ENABLED = "audit-enabled"
    AUDIT_DISABLED = "audit-disabled"


AUDITS = (Verb.AUDIT_ENABLED, Verb.AUDIT_DISABLED)


class Result(enum.StrEnum):
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclasses.dataclass(frozen=True)
class Action:
    """How often and how long something is tried.

    :ivar interval_s: between two audits; 0 for what is not repeated
    """

    timeout_s: float
    retries: int = 0
    interval_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class Conf:
    """What is known of a service beforehand.

    :ivar max_failures: so many failures that were not forgotten, and it is not enabled again
    :ivar forget_s: after so long in service one failure is forgotten
    :ivar max_action_failures: of one action, until it counts as stuck
    :ivar max_transition_failures: of all actions since the service was last stable
    """

    name: str
    actions: Mapping[Verb, Action]
    max_failures: int = 2
    forget_s: float = 90.0
    max_action_failures: int = 4
    max_transition_failures: int = 16

    @property
    def has_standby(self) -> bool:
        return Verb.GO_ACTIVE in self.actions

    def wanted(self, desired: State) -> State:
        """What is really meant for this service."""
        return State.DISABLED if desired is State.STANDBY and not self.has_standby else desired


@dataclasses.dataclass(frozen=True)
class Running:
    """An action at work.

    :ivar number: of this attempt; reports of others are of no interest
    """

    verb: Verb
    number: int
    attempt: int = 1


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where one service stands.

    :ivar audit_at: when it is looked at next
    :ivar forget_at: when the next failure is forgotten
    :ivar retry_at: until when an action that failed is not tried again
    """

    state: State = State.INITIAL
    desired: State = State.DISABLED
    status: Status = Status.NONE
    condition: Condition = Condition.NONE
    running: Running | None = None
    number: int = 0
    failures: int = 0
    action_failures: int = 0
    transition_failures: int = 0
    audit_at: float = math.inf
    forget_at: float = math.inf
    retry_at: float = -math.inf

    def next_deadline(self, now: float) -> float:
        """When the machine, which had a Tick now, wants the next one; infinity while it waits for an event only.

        What is due already, and was not begun, waits for another service.
        """
        if self.desired is State.SHUTDOWN or self.running is not None:
            return math.inf
        return min((moment for moment in (self.audit_at, self.forget_at, self.retry_at) if moment > now), default=math.inf)


# -- what happens


@dataclasses.dataclass(frozen=True)
class Desire:
    """One of ACTIVE, STANDBY, DISABLED is wanted, or SHUTDOWN: to be left alone."""

    state: State


@dataclasses.dataclass(frozen=True)
class Report:
    """An action has ended.

    :ivar state: what an audit found, or an action that knows better than its name
    """

    number: int
    result: Result
    state: State | None = None
    status: Status = Status.NONE
    condition: Condition = Condition.NONE


@dataclasses.dataclass(frozen=True)
class Died:
    """Its process has ended without being told to."""


@dataclasses.dataclass(frozen=True)
class Recover:
    """Its failures are forgiven; the operator, or a group that has nowhere else to go, wants it tried again."""


@dataclasses.dataclass(frozen=True)
class Tick:
    """A deadline has come, or what it depends on has changed."""


Event = Desire | Report | Died | Recover | Tick


@dataclasses.dataclass(frozen=True)
class Run:
    """To be done: start this action, after ending one of the service that is still at work; what it comes to is reported."""

    running: Running
    timeout_s: float


@dataclasses.dataclass(frozen=True)
class Facts:
    """:ivar may: whether what the verb waits for is so: dependencies enabled, or dependents disabled"""

    may: Mapping[Verb, bool] = dataclasses.field(default_factory=dict)

    def allows(self, verb: Verb) -> bool:
        return self.may.get(verb, True)


Step = tuple[Machine, list[Run]]

# An action that fails at once is not tried again at once.
RETRY_S = 0.5
# What an action is for, and what it comes to.
_TRANSITIONS = {
    Verb.ENABLE: State.ENABLING,
    Verb.DISABLE: State.DISABLING,
    Verb.GO_ACTIVE: State.GO_ACTIVE,
    Verb.GO_STANDBY: State.GO_STANDBY,
}
_UNFINISHED = {state: verb for verb, state in _TRANSITIONS.items()}
STABLE = (State.DISABLED, State.STANDBY, State.ACTIVE)
_ENABLED = (State.STANDBY, State.ACTIVE)


def step(conf: Conf, machine: Machine, event: Event, facts: Facts, now: float) -> Step:
    """What an event makes of a service. An event that means nothing in its state changes nothing."""
    before = machine.running
    if isinstance(event, Desire):
        machine = _desire(conf, machine, event.state)
    elif isinstance(event, Report):
        machine = _reported(conf, machine, event, now)
    elif isinstance(event, Died):
        machine = _died(conf, machine, now)
    elif isinstance(event, Recover):
        machine = _forgiven(machine)
    elif now >= machine.forget_at:
        machine = _forget(conf, machine, now)
    if machine.running is None:
        machine = _proceed(conf, machine, facts, now)
    running = machine.running
    return machine, [Run(running, conf.actions[running.verb].timeout_s)] if running is not None and running != before else []


def _proceed(conf: Conf, machine: Machine, facts: Facts, now: float) -> Machine:
    """Begin what comes next, if anything."""
    verb = _next(conf, machine, now)
    # What nobody knows yet is looked at, or put in order, before anything is waited for.
    if verb is None or (machine.state is not State.INITIAL and not facts.allows(verb)):
        return machine
    state = _TRANSITIONS.get(verb, machine.state)
    if state is not machine.state:
        machine = dataclasses.replace(machine, state=state, action_failures=0, forget_at=math.inf)
    if verb not in conf.actions:
        # There is nothing to do for it.
        return _proceed(conf, _into(conf, machine, _reached(conf, verb), now), facts, now)
    return dataclasses.replace(machine, running=Running(verb, machine.number + 1), number=machine.number + 1)


def _next(conf: Conf, machine: Machine, now: float) -> Verb | None:
    state, wanted = machine.state, conf.wanted(machine.desired)
    if wanted is State.SHUTDOWN or now < machine.retry_at:
        return None
    may_start = machine.failures < conf.max_failures
    if state in (State.INITIAL, State.UNKNOWN):
        return Verb.AUDIT_ENABLED if Verb.AUDIT_ENABLED in conf.actions else Verb.DISABLE
    if state in _UNFINISHED:
        return _UNFINISHED[state]
    if state is State.DISABLED and wanted is not State.DISABLED and may_start:
        return Verb.ENABLE
    if state is State.STANDBY and wanted is State.ACTIVE and may_start:
        return Verb.GO_ACTIVE
    if state is State.STANDBY and wanted is State.DISABLED:
        return Verb.DISABLE
    if state is State.ACTIVE and wanted is not State.ACTIVE:
        return Verb.GO_STANDBY if conf.has_standby else Verb.DISABLE
    if now >= machine.audit_at:
        return Verb.AUDIT_DISABLED if state is State.DISABLED else Verb.AUDIT_ENABLED
    return None


def _desire(conf: Conf, machine: Machine, desired: State) -> Machine:
    machine = dataclasses.replace(machine, desired=desired)
    if conf.wanted(desired) is State.DISABLED and machine.state is State.DISABLED:
        # Whoever wants it off does not mind that it failed.
        machine = _forgiven(machine)
    return machine


def _forgiven(machine: Machine) -> Machine:
    return dataclasses.replace(
        machine, failures=0, action_failures=0, transition_failures=0, status=Status.NONE, condition=Condition.NONE
    )


def _forget(conf: Conf, machine: Machine, now: float) -> Machine:
    failures = max(0, machine.failures - 1)
    return dataclasses.replace(machine, failures=failures, forget_at=now + conf.forget_s if failures else math.inf)


def _died(conf: Conf, machine: Machine, now: float) -> Machine:
    if machine.state not in (*_ENABLED, State.GO_ACTIVE, State.GO_STANDBY):
        return machine
    return _failed(conf, _into(conf, machine, State.DISABLED, now), now)


def _failed(conf: Conf, machine: Machine, now: float) -> Machine:
    """One failure more of being in service."""
    failures = machine.failures + 1
    machine = dataclasses.replace(machine, failures=failures)
    if failures >= conf.max_failures:
        return dataclasses.replace(machine, status=Status.FAILED, condition=Condition.RECOVERY_FAILURE)
    return machine


def _into(conf: Conf, machine: Machine, state: State, now: float) -> Machine:
    """In another state, with no action at work."""
    machine = dataclasses.replace(machine, state=state, running=None, audit_at=math.inf, forget_at=math.inf, retry_at=-math.inf)
    if state not in STABLE:
        return machine
    verb = Verb.AUDIT_DISABLED if state is State.DISABLED else Verb.AUDIT_ENABLED
    audit = conf.actions.get(verb)
    return dataclasses.replace(
        machine,
        action_failures=0,
        transition_failures=0,
        audit_at=now + audit.interval_s if audit and audit.interval_s else math.inf,
        forget_at=now + conf.forget_s if state is State.ACTIVE and machine.failures else math.inf,
    )


def _reported(conf: Conf, machine: Machine, report: Report, now: float) -> Machine:
    running = machine.running
    if running is None or report.number != running.number:
        return machine
    machine = dataclasses.replace(machine, running=None)
    if report.result is not Result.SUCCESS and running.attempt <= conf.actions[running.verb].retries:
        again = Running(running.verb, machine.number + 1, running.attempt + 1)
        return dataclasses.replace(machine, running=again, number=again.number)
    if running.verb in AUDITS:
        return _audited(conf, machine, running.verb, report, now)
    if report.result is Result.SUCCESS:
        machine = _into(conf, machine, report.state or _reached(conf, running.verb), now)
        if machine.status is not Status.FAILED:
            machine = dataclasses.replace(machine, status=report.status, condition=report.condition)
        return machine
    return _stumbled(conf, machine, running.verb, report, now)


def _reached(conf: Conf, verb: Verb) -> State:
    if verb is Verb.DISABLE:
        return State.DISABLED
    if verb is Verb.GO_STANDBY or (verb is Verb.ENABLE and conf.has_standby):
        return State.STANDBY
    return State.ACTIVE


def _audited(conf: Conf, machine: Machine, verb: Verb, report: Report, now: float) -> Machine:
    if report.result is not Result.SUCCESS:
        # It cannot be said how it is: out with it, where it should be in service.
        is_new = machine.state in (State.INITIAL, State.UNKNOWN)
        return _into(conf, machine if is_new else _failed(conf, machine, now), State.DISABLING, now)
    found = report.state or (_reached(conf, Verb.ENABLE) if machine.state in (State.INITIAL, State.UNKNOWN) else machine.state)
    if found is machine.state:
        machine = _into_again(conf, machine, now)
    else:
        if machine.state in _ENABLED and found is State.DISABLED:
            machine = _failed(conf, machine, now)
        machine = _into(conf, machine, found, now)
    if machine.status is not Status.FAILED:
        machine = dataclasses.replace(machine, status=report.status, condition=report.condition)
    return machine


def _into_again(conf: Conf, machine: Machine, now: float) -> Machine:
    """The same state as before: only the next look is further on."""
    verb = Verb.AUDIT_DISABLED if machine.state is State.DISABLED else Verb.AUDIT_ENABLED
    audit = conf.actions.get(verb)
    return dataclasses.replace(machine, audit_at=now + audit.interval_s if audit and audit.interval_s else math.inf)


def _stumbled(conf: Conf, machine: Machine, verb: Verb, report: Report, now: float) -> Machine:
    """An action that was to change its state did not."""
    machine = dataclasses.replace(
        machine, action_failures=machine.action_failures + 1, transition_failures=machine.transition_failures + 1
    )
    if verb in (Verb.ENABLE, Verb.GO_ACTIVE):
        machine = _failed(conf, machine, now)
        after = State.DISABLING if verb is Verb.ENABLE else State.GO_STANDBY
    else:
        after = State.DISABLING
    counted = machine.action_failures, machine.transition_failures
    machine = _into(conf, machine, report.state if report.state in STABLE else after, now)
    if machine.state in STABLE:
        return machine
    machine = dataclasses.replace(machine, action_failures=counted[0], transition_failures=counted[1], retry_at=now + RETRY_S)
    if verb in (Verb.DISABLE, Verb.GO_STANDBY):
        if machine.transition_failures >= conf.max_transition_failures:
            return dataclasses.replace(machine, status=Status.FAILED, condition=Condition.FATAL_FAILURE)
        if machine.action_failures >= conf.max_action_failures:
            return dataclasses.replace(machine, status=Status.FAILED, condition=Condition.ACTION_FAILURE)
    return machine
