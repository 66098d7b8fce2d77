# SPDX-License-Identifier: Apache-2.0
"""An operator's orders: start, stop and restart a watched process."""

from dataclasses import replace

from mtce.pmon import moves
from mtce.pmon.conf import Mode, ProcessConf, Style
from mtce.pmon.machine import Looking, Machine, Order, State, Step, Verb


def refusal(conf: ProcessConf, machine: Machine, verb: Verb) -> str | None:
    """Why an operator's order cannot be followed now, or None."""
    if conf.mode is Mode.IGNORE:
        return f"{conf.name} is not watched: its mode is ignore. Change {conf.path or 'its file'} and reload."
    if verb is Verb.STOP:
        return None
    if machine.is_maintenance:
        return f"{conf.name} is not started while the platform is taken down. Try again when it is up."
    if machine.state is State.WAITING:
        return f"{conf.name} waits until the host's {conf.subfunction or ''} configuration is complete. Try again then."
    return None


def outcome(conf: ProcessConf, machine: Machine, verb: Verb) -> tuple[bool, str] | None:
    """How an accepted order has ended, as (is_ok, text), or None while it is under way."""
    name, state = conf.name, machine.state
    if state is State.STOPPED:
        return (True, f"{name} is stopped.") if verb is Verb.STOP else (False, f"{name} was stopped by another command.")
    if verb is Verb.STOP:
        return None if state is State.STOPPING else (False, f"{name} was started by another command.")
    if state in (State.RUNNING, State.DEBOUNCE):
        return True, f"{name} is running."
    if state in (State.RESTART_WAIT, State.FAILED, State.IGNORED, State.HELD, State.WAITING):
        return False, f"{name} did not start: {machine.reason or state}. Its log may tell more."
    return None


def order(at: moves.At, machine: Machine, event: Order) -> Step:
    """Begin to follow an order; one that is refused changes nothing."""
    if refusal(at.conf, machine, event.verb):
        return machine, []
    return {Verb.START: _order_start, Verb.STOP: _order_stop, Verb.RESTART: _order_restart}[event.verb](at, machine)


def _order_start(at: moves.At, machine: Machine) -> Step:
    match machine.state:
        case State.STOPPED | State.FAILED | State.IGNORED | State.RESTART_WAIT:
            return moves.look(at, machine, Looking.START)
        case State.LOOKING:
            return replace(machine, looking=Looking.START), []
        case State.STOPPING:
            return replace(machine, starts_after_stop=True), []
    return machine, []


def _order_stop(at: moves.At, machine: Machine) -> Step:
    match machine.state:
        case State.STOPPED:
            return machine, []
        case State.STOPPING:
            return replace(machine, starts_after_stop=False), []
        case State.WAITING:
            return moves.stopped(at, machine)
    if at.conf.is_command and not machine.is_up:
        return moves.stopped(at, machine)
    return moves.stopping(at, machine, starts_after=False)


def _order_restart(at: moves.At, machine: Machine) -> Step:
    match machine.state:
        case State.STARTING | State.KILLING:
            return machine, []
        case State.STOPPING:
            return replace(machine, starts_after_stop=True), []
    if at.conf.is_command or at.conf.style is Style.OCF:
        # Neither has a restart of its own.
        return moves.stopping(at, machine, starts_after=True) if machine.is_up else moves.look(at, machine, Looking.START)
    return moves.spawn(at, machine)
