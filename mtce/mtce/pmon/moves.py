# SPDX-License-Identifier: Apache-2.0
"""The moves between the states of a watched process: how a state is entered, and what that asks for.

`fsm` decides which move an event leads to.
"""

import dataclasses
from dataclasses import replace
from typing import Any

from mtce.pmon.conf import Mode, ProcessConf, Severity
from mtce.pmon.machine import (
    ClearAlarm,
    Effect,
    Find,
    Limits,
    Log,
    Looking,
    Machine,
    Probe,
    RaiseAlarm,
    Report,
    Spawn,
    State,
    Step,
    Stop,
)

# An interval of 0 must not become a busy loop of restarts.
MIN_INTERVAL_S = 0.05
# While the alarm is on, the interval doubles with every round of restarts, up to this, or the interval itself if that is longer.
MAX_BACKOFF_S = 60.0


@dataclasses.dataclass(frozen=True)
class At:
    """What every move needs beside the machine."""

    conf: ProcessConf
    limits: Limits
    now: float


def restart_interval(conf: ProcessConf, rounds: int) -> float:
    """The wait before the next restart, in seconds, after `rounds` rounds of allowed restarts."""
    interval = max(conf.interval, MIN_INTERVAL_S)
    return min(interval * 2.0 ** min(max(rounds - 1, 0), 16), max(interval, MAX_BACKOFF_S))


def enter(at: At, machine: Machine, state: State, wait: float | None = None, **changes: Any) -> Machine:
    """The machine in a new state, to end after `wait` seconds if given; what was asked before is void."""
    deadline = None if wait is None else at.now + wait
    probe = Probe(sequence=machine.probe.sequence)
    return replace(machine, **{"state": state, "since": at.now, "deadline": deadline, "probe": probe, **changes})


def healthy(machine: Machine) -> Step:
    """End the alarm, if one is or may be on."""
    if machine.alarm is None and not machine.owes_clear:
        return machine, []
    return replace(machine, alarm=None, owes_clear=False), [ClearAlarm(), Report(None)]


def look(at: At, machine: Machine, looking: Looking) -> Step:
    """Find out whether the process is there before it is started."""
    limit = at.conf.timeout if at.conf.mode is Mode.STATUS else at.limits.look_s
    return enter(at, machine, State.LOOKING, limit, looking=looking), [Find()]


def spawn(at: At, machine: Machine) -> Step:
    """Run the start action, unless maintenance forbids it."""
    if machine.is_maintenance:
        return enter(at, machine, State.HELD, is_up=False), []
    is_restart = machine.failures > 0 or machine.rounds > 0
    return enter(at, machine, State.STARTING, at.limits.action_s, restarts=machine.restarts + is_restart), [Spawn()]


def ask(at: At, machine: Machine) -> Step:
    """Look for the process without leaving the state."""
    limit = at.conf.timeout if at.conf.mode is Mode.STATUS else at.limits.look_s
    return replace(machine, probe=replace(machine.probe, next_at=None, answer_by=at.now + limit)), [Find()]


def up(at: At, machine: Machine) -> Step:
    """The process is there: it must prove stable when it has failed before."""
    has_past = machine.failures > 0 or machine.rounds > 0 or machine.alarm is not None or machine.owes_clear
    state, wait = (State.DEBOUNCE, at.conf.debounce) if has_past else (State.RUNNING, None)
    machine = enter(at, machine, state, wait, is_up=True, reason=machine.reason if has_past else "")
    return replace(machine, probe=first_probe(at, machine)), []


def first_probe(at: At, machine: Machine) -> Probe:
    """When to ask a process that has just come up, if it is to be asked at all."""
    probe = Probe(sequence=machine.probe.sequence)
    if at.conf.mode is Mode.STATUS:
        return replace(probe, next_at=at.now + at.conf.period)
    if at.conf.mode is Mode.ACTIVE and (machine.is_initialised or not at.conf.full_init_reqd):
        return replace(probe, next_at=at.now, grace_until=at.now + at.limits.first_answer_s)
    return probe


def settle(at: At, machine: Machine) -> Step:
    """Forget the past once the process has been up for `debounce`, and in active mode has answered (period + 1) times."""
    if machine.state is not State.DEBOUNCE or machine.deadline is not None:
        return machine, []
    is_asked = at.conf.mode is Mode.ACTIVE and machine.probe.next_at is not None
    if is_asked and machine.probe.answers < int(at.conf.period) + 1:
        return machine, []
    machine, effects = healthy(machine)
    return enter(at, machine, State.RUNNING, failures=0, rounds=0, reason="", probe=machine.probe), effects


def fail(at: At, machine: Machine, reason: str) -> Step:
    """The process failed: log, alarm and restart as its file says."""
    machine = replace(machine, is_up=False, reason=reason)
    if machine.is_maintenance:
        return enter(at, machine, State.HELD), []
    is_first = machine.failures == 0 and machine.rounds == 0
    effects: list[Effect] = [Log(at.conf.severity, f"{at.conf.name} failed: {reason}")] if is_first else []
    machine = replace(machine, failures=machine.failures + 1)
    if machine.failures > at.conf.restarts:
        machine, raised = _exceeded(at, machine)
        effects += raised
        if at.conf.restarts == 0:
            return give_up(at, machine), effects
    if not is_first:
        return enter(at, machine, State.RESTART_WAIT, restart_interval(at.conf, machine.rounds)), effects
    # A failed status run needs no second one to be believed.
    machine, more = spawn(at, machine) if at.conf.mode is Mode.STATUS else look(at, machine, Looking.START)
    return machine, effects + more


def _exceeded(at: At, machine: Machine) -> Step:
    severity = at.conf.severity
    machine = replace(machine, failures=0, rounds=machine.rounds + 1)
    if machine.alarm is not None:
        return machine, []
    return replace(machine, alarm=severity), [RaiseAlarm(severity, alarm_text(at.conf, machine.reason)), Report(severity)]


def alarm_text(conf: ProcessConf, reason: str) -> str:
    text = f"{conf.name} failed: {reason}. "
    if conf.restarts:
        return text + f"{conf.restarts} restart{'s' if conf.restarts > 1 else ''} did not help; restarting goes on."
    return text + "It is not restarted automatically: start it with pmon-start."


def give_up(at: At, machine: Machine) -> Machine:
    """No restart: a critical process is left to the host's recovery, any other is looked for in case somebody starts it."""
    if at.conf.severity is Severity.CRITICAL:
        return enter(at, machine, State.IGNORED)
    return enter(at, machine, State.FAILED, probe=Probe(next_at=at.now + restart_interval(at.conf, 0)))


def stopping(at: At, machine: Machine, *, starts_after: bool) -> Step:
    """Run the stop action."""
    is_command = at.conf.is_command
    wait = at.limits.stop_s if is_command else at.limits.action_s
    is_up = machine.is_up and at.conf.mode is not Mode.STATUS
    changes = {"is_action_done": is_command, "is_killed": False, "is_up": is_up, "starts_after_stop": starts_after}
    return enter(at, machine, State.STOPPING, wait, **changes), [Stop()]


def stopped(at: At, machine: Machine) -> Step:
    """The process is down as ordered. Nobody watches it now, so its alarm ends."""
    if machine.starts_after_stop:
        return look(at, replace(machine, starts_after_stop=False), Looking.START)
    machine, effects = healthy(machine)
    return enter(at, machine, State.STOPPED, failures=0, rounds=0, reason="", is_up=False), effects
