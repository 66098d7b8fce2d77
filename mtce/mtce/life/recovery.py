# SPDX-License-Identifier: Apache-2.0
"""A host in service stops answering, or comes back in another boot (spec mtce-sm.md A2.3).

It is given a moment to answer again, and nothing of it is touched if it does. Else it has failed. Where it has a board, its power is cut
before anybody is told, so that what ran on it runs nowhere any more.
"""

from mtce.life import enable
from mtce.life.model import DEGRADED, FAILED, INTEST, Cause, Facts, FailureAction, Life, Limits, Procedure, Stage

TASK = "Graceful Recovery"
WAITS = "Graceful Recovery Wait"


def needed(life: Life, facts: Facts, limits: Limits) -> Life | None:
    """What becomes of a host in service that is in another boot, or whose pulses that are not answered fail it; else None."""
    if life.boot_id and facts.is_in_other_boot(life):
        return rebooted(life)
    return start(life) if is_to_recover(facts, limits) else None


def is_to_recover(facts: Facts, limits: Limits) -> bool:
    return limits.failure_action is FailureAction.FAIL and facts.is_lost and not facts.is_self


def start(life: Life) -> Life:
    return life.to(Stage.ASK, procedure=Procedure.RECOVER, task=TASK, attempts=0)


def rebooted(life: Life) -> Life:
    """It has booted by itself: it is tested and started as after any boot."""
    return enable.out_of_service(life, INTEST).to(Stage.BOOT, procedure=Procedure.RECOVER, task="Booting", attempts=0)


def ask(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    can_fence = facts.board is not None and not facts.is_cold_start
    if facts.is_given_up or (life.attempts >= limits.recoveries and not facts.is_spared):
        return life.to(Stage.FENCE) if can_fence else declare(life)
    if facts.is_in_other_boot(life):
        return rebooted(life)
    # An operator may have said meanwhile that nobody is failed for it.
    if limits.failure_action is not FailureAction.FAIL or (facts.is_alive and not facts.is_lost):
        return life.to(Stage.SOAK, task="")
    if facts.is_spared:
        # Its moment begins when the others are back.
        return life.changed(task=WAITS, availability=DEGRADED, since=life.since + elapsed_s)
    if facts.watched == 0 and facts.silent_s == 0.0:
        # Nobody looks: mtce-agent has just begun, or hears nothing of pulses. That says nothing of the host.
        return life.changed(since=life.since + elapsed_s)
    # It is no cable where two networks are lost at once, or where there is no power; unless many were lost, as with their switch.
    is_single = life.task != WAITS
    is_certain = facts.is_lost_everywhere and (facts.watched > 1 or (facts.board is not None and facts.board.is_on is False))
    if elapsed_s >= limits.grace_s or (can_fence and is_certain and is_single):
        return life.to(Stage.FENCE) if can_fence else declare(life)
    return life


def fence(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """Nothing keeps a host from being declared failed for long: others wait for that. A board that refuses has cut nothing.

    One that answers again while its board does not is spared: what the board was to do is taken back.
    """
    board = facts.board
    is_to_be_spared = life.attempts < limits.recoveries and not facts.is_given_up
    if is_to_be_spared and facts.is_alive and not facts.is_lost and (board is None or board.is_on is None):
        return life.to(Stage.SOAK, task="")
    is_cut = board is not None and (board.is_on is False or (board.token == enable.token(life) and board.is_done))
    if board is None or is_cut or elapsed_s >= limits.fence_s:
        return declare(life)
    return life


def declare(life: Life) -> Life:
    return enable.out_of_service(life, FAILED).to(Stage.RETURN, task=WAITS, attempts=0, cause=Cause.HEARTBEAT)


def come_back(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.is_booted and not facts.is_lost:
        if enable.has_booted(life, facts):
            return rebooted(life)
        # Others run what ran on it: it may not go on as if nothing had been.
        return enable.start(life.changed(cause=Cause.HEARTBEAT), facts)
    has_no_power = facts.board is not None and facts.board.is_on is False
    if has_no_power and elapsed_s >= limits.board_s and life.attempts < limits.power_retries:
        # Its board was told, and did not switch it on.
        return life.to(Stage.RETURN, attempts=life.attempts + 1)
    if elapsed_s >= facts.boot_s(limits):
        return enable.failed(life, facts, limits, Cause.BOOT, "")
    return life
