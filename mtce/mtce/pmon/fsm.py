# SPDX-License-Identifier: Apache-2.0
"""The state machine of one watched process: its state, what happened and `now` in, the new state and what to do out.

Rules: spec mtce-sm.md A5.2. Where the original counts seconds, this one waits for events: a death is acted on when it is known,
and every wait is a deadline.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mtce.pmon import moves, orders, pulse
from mtce.pmon.conf import Mode, ProcessConf
from mtce.pmon.machine import (
    Answered,
    Begin,
    Cancel,
    Died,
    Done,
    Effect,
    Event,
    Find,
    Found,
    GateOpened,
    Initialised,
    Kill,
    Limits,
    Log,
    Looking,
    Machine,
    Maintenance,
    Order,
    Probe,
    Pulse,
    Report,
    State,
    Step,
    Tick,
)

LOOK_EVERY_S = 0.2

_DEFAULT_LIMITS = Limits()


def step(conf: ProcessConf, machine: Machine, event: Event, now: float, limits: Limits = _DEFAULT_LIMITS) -> Step:
    """What an event makes of a process: its new state, and the effects to carry out in order.

    An event that means nothing in the present state (a late answer, a death already known) changes nothing.
    """
    return _HANDLERS[type(event)](moves.At(conf, limits, now), machine, event)


def next_deadline(machine: Machine) -> float | None:
    """When the machine wants a Tick, in monotonic seconds; None while it waits for an event only."""
    times = (machine.deadline, machine.probe.next_at, machine.probe.answer_by)
    return min((time for time in times if time is not None), default=None)


def _begin(at: moves.At, machine: Machine, event: Begin) -> Step:
    if at.conf.mode is Mode.IGNORE or machine.state is State.STOPPED:
        state = State.IGNORED if at.conf.mode is Mode.IGNORE else State.STOPPED
        machine, effects = moves.healthy(machine)
        return moves.enter(at, machine, state), effects
    known: list[Effect] = [Report(machine.alarm)] if machine.alarm else []
    if not event.is_gate_open:
        return moves.enter(at, machine, State.WAITING), known
    machine, effects = moves.look(at, machine, Looking.BEGIN_UP if event.was_up else Looking.BEGIN)
    return machine, known + effects


def _gate_opened(at: moves.At, machine: Machine, _event: GateOpened) -> Step:
    return moves.look(at, machine, Looking.BEGIN) if machine.state is State.WAITING else (machine, [])


def _found(at: moves.At, machine: Machine, event: Found) -> Step:
    is_awaited = machine.probe.answer_by is not None
    match machine.state:
        case State.LOOKING:
            return moves.up(at, machine) if event.is_up else _absent(at, machine, event)
        case State.STARTUP if is_awaited:
            return _found_in_startup(at, machine, event)
        case State.FAILED if is_awaited:
            return moves.up(at, machine) if event.is_up else (_look_later(at, machine), [])
        case State.RUNNING | State.DEBOUNCE if is_awaited and not event.is_up:
            return moves.fail(at, machine, event.reason)
        case State.RUNNING | State.DEBOUNCE if is_awaited:
            return moves.settle(at, replace(machine, probe=replace(machine.probe, answer_by=None)))
        case _:
            return machine, []


def _look_later(at: moves.At, machine: Machine) -> Machine:
    return replace(machine, probe=Probe(next_at=at.now + moves.restart_interval(at.conf, 0)))


def _absent(at: moves.At, machine: Machine, event: Found) -> Step:
    if machine.looking is Looking.BEGIN_UP:
        return moves.fail(at, machine, "it ended while nobody watched it")
    if machine.looking is Looking.BEGIN and machine.alarm and at.conf.restarts == 0:
        return moves.give_up(at, machine), []
    return moves.spawn(at, replace(machine, reason=machine.reason or event.reason))


def _found_in_startup(at: moves.At, machine: Machine, event: Found) -> Step:
    machine = replace(machine, is_up=event.is_up, probe=Probe(sequence=machine.probe.sequence))
    if machine.deadline is None and event.is_up:
        return moves.up(at, machine)
    if machine.deadline is None:
        return moves.fail(at, machine, event.reason or "it is not there after its start")
    if not event.is_up:
        machine = replace(machine, probe=replace(machine.probe, next_at=at.now + LOOK_EVERY_S))
    return machine, []


def _done(at: moves.At, machine: Machine, event: Done) -> Step:
    if machine.state is State.STARTING:
        if not event.is_ok:
            return moves.fail(at, machine, event.reason)
        machine = moves.enter(at, machine, State.STARTUP, at.conf.startuptime, is_up=False)
        return (machine, []) if at.conf.mode is Mode.STATUS else moves.ask(at, machine)
    if machine.state is State.STOPPING and not machine.is_action_done:
        effects: list[Effect] = [] if event.is_ok else [Log(at.conf.severity, f"{at.conf.name}: {event.reason}")]
        # A stop script may return a little before its process has ended.
        machine = replace(machine, is_action_done=True, deadline=at.now + at.limits.kill_s)
        if not machine.is_up:
            machine, more = moves.stopped(at, machine)
            effects += more
        return machine, effects
    return machine, []


def _died(at: moves.At, machine: Machine, event: Died) -> Step:
    was_up = machine.is_up
    machine = replace(machine, is_up=False)
    match machine.state:
        case State.RUNNING | State.DEBOUNCE:
            return moves.fail(at, machine, event.reason)
        case State.KILLING:
            return moves.fail(at, machine, machine.reason)
        case State.STARTUP if was_up and not event.is_expected:
            return moves.fail(at, machine, event.reason)
        case State.STARTUP if was_up and machine.deadline is not None:
            return replace(machine, probe=replace(machine.probe, next_at=at.now + LOOK_EVERY_S)), []
        case State.STOPPING if machine.is_action_done:
            return moves.stopped(at, machine)
    return machine, []


def _answered(at: moves.At, machine: Machine, event: Answered) -> Step:
    # An answer out of sequence is no answer: the question that stays open is what counts as missed.
    probe = machine.probe
    if at.conf.mode is not Mode.ACTIVE or probe.answer_by is None or event.sequence != probe.sequence:
        return machine, []
    if machine.state not in (State.RUNNING, State.DEBOUNCE):
        return machine, []
    probe = replace(probe, answer_by=None, misses=0, answers=probe.answers + 1, is_heard=True)
    return moves.settle(at, replace(machine, probe=probe))


def _maintenance(at: moves.At, machine: Machine, event: Maintenance) -> Step:
    if machine.is_maintenance == event.is_on:
        return machine, []
    machine = replace(machine, is_maintenance=event.is_on)
    if not event.is_on and machine.state is State.HELD:
        return moves.look(at, machine, Looking.START)
    if not event.is_on and machine.state in (State.RUNNING, State.DEBOUNCE) and at.conf.mode is Mode.ACTIVE:
        return replace(machine, probe=moves.first_probe(at, machine)), []
    return machine, []


def _initialised(at: moves.At, machine: Machine, event: Initialised) -> Step:
    if machine.is_initialised == event.is_done:
        return machine, []
    machine = replace(machine, is_initialised=event.is_done)
    is_concerned = at.conf.mode is Mode.ACTIVE and at.conf.full_init_reqd
    if is_concerned and machine.state in (State.RUNNING, State.DEBOUNCE):
        return moves.settle(at, replace(machine, probe=moves.first_probe(at, machine)))
    return machine, []


def _tick(at: moves.At, machine: Machine, _event: Tick) -> Step:
    due = next_deadline(machine)
    if due is None or at.now < due:
        return machine, []
    return _TICKS[machine.state](at, machine)


def _is_due(at: moves.At, time: float | None) -> bool:
    return time is not None and at.now >= time


def _tick_looking(at: moves.At, machine: Machine) -> Step:
    machine, effects = _absent(at, machine, Found(False, "nothing said in time whether it runs"))
    return machine, [Cancel(), *effects]


def _tick_starting(at: moves.At, machine: Machine) -> Step:
    machine, effects = moves.fail(at, machine, f"its start action did not end within {at.limits.action_s:g} s")
    return machine, [Cancel(), *effects]


def _tick_startup(at: moves.At, machine: Machine) -> Step:
    effects: list[Effect] = []
    if _is_due(at, machine.deadline):
        machine = replace(machine, deadline=None)
        if machine.is_up and at.conf.mode is not Mode.STATUS:
            return moves.up(at, machine)
    if _is_due(at, machine.probe.answer_by):
        machine, more = _found_in_startup(at, machine, Found(False, "nothing said in time whether it runs"))
        return machine, [Cancel(), *more]
    if machine.probe.answer_by is None and (machine.deadline is None or _is_due(at, machine.probe.next_at)):
        machine, effects = moves.ask(at, machine)
    return machine, effects


def _tick_up(at: moves.At, machine: Machine) -> Step:
    if _is_due(at, machine.deadline):
        machine = replace(machine, deadline=None)
    effects: list[Effect] = []
    if _is_due(at, machine.probe.answer_by):
        if at.conf.mode is Mode.STATUS:
            machine, more = moves.fail(at, machine, f"its status was not known within {at.conf.timeout:g} s")
            return machine, [Cancel(), *more]
        machine = _missed(at, machine)
        if machine.probe.misses >= at.conf.threshold:
            reason = f"it left {machine.probe.misses} questions in a row unanswered"
            return moves.enter(at, machine, State.KILLING, at.limits.kill_s, reason=reason), [Kill()]
    if _is_due(at, machine.probe.next_at):
        machine, asked = _ask(at, machine)
        effects += asked
    machine, settled = moves.settle(at, machine)
    return machine, effects + settled


def _missed(at: moves.At, machine: Machine) -> Machine:
    probe = replace(machine.probe, answer_by=None, answers=0)
    if not machine.is_maintenance and (probe.is_heard or at.now >= probe.grace_until):
        probe = replace(probe, misses=probe.misses + 1)
    return replace(machine, probe=probe)


def _ask(at: moves.At, machine: Machine) -> Step:
    probe = replace(machine.probe, next_at=at.now + at.conf.period)
    if probe.answer_by is not None:
        return replace(machine, probe=probe), []
    sequence = probe.sequence % pulse.MAX_SEQUENCE + 1
    probe = replace(probe, sequence=sequence, answer_by=at.now + at.conf.timeout)
    effect: Effect = Find() if at.conf.mode is Mode.STATUS else Pulse(sequence)
    return replace(machine, probe=probe), [effect]


def _tick_killing(at: moves.At, machine: Machine) -> Step:
    return moves.fail(at, machine, f"{machine.reason}, and could not be killed")


def _tick_restart_wait(at: moves.At, machine: Machine) -> Step:
    return moves.look(at, machine, Looking.START)


def _tick_failed(at: moves.At, machine: Machine) -> Step:
    if _is_due(at, machine.probe.answer_by):
        return _look_later(at, machine), [Cancel()]
    return moves.ask(at, machine)


def _tick_stopping(at: moves.At, machine: Machine) -> Step:
    effects: list[Effect] = []
    if not machine.is_action_done:
        text = f"{at.conf.name}: its stop action did not end within {at.limits.action_s:g} s"
        effects = [Cancel(), Log(at.conf.severity, text)]
    if machine.is_up and not machine.is_killed:
        machine = replace(machine, is_action_done=True, is_killed=True, deadline=at.now + at.limits.kill_s)
        return machine, [*effects, Kill()]
    if machine.is_up:
        effects.append(Log(at.conf.severity, f"{at.conf.name} could not be killed"))
    machine, more = moves.stopped(at, machine)
    return machine, effects + more


_HANDLERS: dict[type[Event], Callable[[moves.At, Machine, Any], Step]] = {
    Begin: _begin,
    GateOpened: _gate_opened,
    Initialised: _initialised,
    Maintenance: _maintenance,
    Found: _found,
    Done: _done,
    Died: _died,
    Answered: _answered,
    Order: orders.order,
    Tick: _tick,
}

_TICKS: dict[State, Callable[[moves.At, Machine], Step]] = {
    State.LOOKING: _tick_looking,
    State.STARTING: _tick_starting,
    State.STARTUP: _tick_startup,
    State.DEBOUNCE: _tick_up,
    State.RUNNING: _tick_up,
    State.RESTART_WAIT: _tick_restart_wait,
    State.KILLING: _tick_killing,
    State.FAILED: _tick_failed,
    State.STOPPING: _tick_stopping,
}
