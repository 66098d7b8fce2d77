# SPDX-License-Identifier: Apache-2.0
"""The next state of a host, and what a state asks for: of the host, of its board, and of operators' screens."""

import dataclasses
from collections.abc import Callable

from mtce.life import enable, handling, recovery, sensor, swact
from mtce.life.model import (
    AVAILABLE,
    DEGRADED,
    ENABLED,
    LOCKED,
    SWACTS,
    UNLOCKED,
    Cause,
    Facts,
    Life,
    Limits,
    Procedure,
    Stage,
)

_Step = Callable[[Life, Facts, Limits, float], Life]

_STAGES: dict[Stage, _Step] = {
    Stage.END_BOOT: enable.end_boot,
    Stage.BOARD_RESET: enable.board_reset,
    Stage.BOOT: enable.boot,
    Stage.GOENABLED: enable.goenabled,
    Stage.START: enable.start_services,
    Stage.READY: enable.ready,
    Stage.SOAK: enable.soak,
    Stage.WORKER_GOENABLED: enable.worker_goenabled,
    Stage.WORKER_START: enable.worker_start,
    Stage.WAIT: enable.wait,
    Stage.HAND_OVER: enable.hand_over,
    Stage.ASK: recovery.ask,
    Stage.FENCE: recovery.fence,
    Stage.RETURN: recovery.come_back,
    Stage.STOP: handling.stop,
    Stage.WIPE: handling.wipe,
    Stage.INSTALL: handling.install,
    Stage.POWER: handling.power,
    Stage.TELL: handling.tell,
    Stage.COOL_OFF: sensor.cool_off,
    Stage.POWER_DOWN: sensor.power_down,
}
# Stages that mean something else in other procedures.
_STAGES_OF: dict[tuple[Procedure, Stage], _Step] = {
    (Procedure.FORCE_LOCK, Stage.END_BOOT): handling.force,
    (Procedure.REBOOT, Stage.END_BOOT): handling.reboot,
    (Procedure.REBOOT, Stage.BOARD_RESET): handling.board_reset,
    (Procedure.REBOOT, Stage.BOOT): handling.boot,
    (Procedure.RESET, Stage.BOOT): handling.reset_boot,
    (Procedure.POWER_CYCLE, Stage.FENCE): sensor.power_off,
    (Procedure.POWER_CYCLE, Stage.POWER): sensor.power_on,
    (Procedure.POWER_CYCLE, Stage.BOOT): sensor.boot,
    **{(procedure, Stage.HAND_OVER): swact.hand_over for procedure in SWACTS},
    **{(procedure, Stage.TELL): swact.tell for procedure in SWACTS},
}
# The stages of each procedure; a state that is none of these was written by somebody else.
STAGES: dict[Procedure, frozenset[Stage]] = {
    Procedure.ENABLE: frozenset(
        {
            Stage.END_BOOT,
            Stage.BOARD_RESET,
            Stage.BOOT,
            Stage.GOENABLED,
            Stage.START,
            Stage.READY,
            Stage.SOAK,
            Stage.WORKER_GOENABLED,
            Stage.WORKER_START,
            Stage.WAIT,
            Stage.HAND_OVER,
        }
    ),
    Procedure.RECOVER: frozenset(
        {
            Stage.ASK,
            Stage.FENCE,
            Stage.RETURN,
            Stage.BOOT,
            Stage.GOENABLED,
            Stage.START,
            Stage.READY,
            Stage.SOAK,
            Stage.WORKER_GOENABLED,
            Stage.WORKER_START,
        }
    ),
    Procedure.LOCK: frozenset({Stage.STOP}),
    Procedure.FORCE_LOCK: frozenset({Stage.END_BOOT}),
    Procedure.REBOOT: frozenset({Stage.END_BOOT, Stage.BOARD_RESET, Stage.BOOT, Stage.TELL}),
    Procedure.RESET: frozenset({Stage.POWER, Stage.BOOT, Stage.TELL}),
    Procedure.REINSTALL: frozenset({Stage.WIPE, Stage.INSTALL, Stage.TELL}),
    Procedure.POWER_ON: frozenset({Stage.POWER, Stage.TELL}),
    Procedure.POWER_OFF: frozenset({Stage.POWER, Stage.TELL}),
    Procedure.POWER_CYCLE: frozenset({Stage.FENCE, Stage.COOL_OFF, Stage.POWER, Stage.BOOT, Stage.POWER_DOWN}),
    **dict.fromkeys(SWACTS, frozenset({Stage.HAND_OVER, Stage.TELL})),
}
# So many stages may pass in one step, each of which had nothing to wait for.
_MOST_PASSED = 12
_TASKS = {
    Stage.GOENABLED: "goenabled",
    Stage.START: "start",
    Stage.WORKER_GOENABLED: "goenabled-worker",
    Stage.WORKER_START: "start-worker",
    Stage.STOP: "stop",
}


def step(life: Life, facts: Facts, limits: Limits, now: float) -> Life:
    """The state that follows.

    :param now: monotonic seconds
    """
    for _ in range(_MOST_PASSED):
        following = _next(life, facts, limits, now - life.since)
        if following.number != life.number:
            following = following.changed(since=now)
        if following == life:
            break
        life = following
    return life


def _next(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.action and facts.action_number > life.action_taken:
        return handling.request(life, facts)
    if life.procedure is not None and life.stage is not None and life.stage in STAGES[life.procedure]:
        take = _STAGES_OF.get((life.procedure, life.stage)) or _STAGES[life.stage]
        return take(life, facts, limits, elapsed_s)
    life = sensor.settle(life.changed(procedure=None, stage=None), limits, elapsed_s)
    if facts.wanted_by_sensor is not None and not sensor.is_refused(life, facts):
        return sensor.start(life, facts, limits)
    if life.administrative == LOCKED:
        return handling.at_rest(life, facts, limits)
    if life.operational == ENABLED:
        return _in_service(life, facts, limits)
    report = facts.report
    if life.cause is Cause.BOOT and enable.has_booted(life, facts) and report is not None and report.config != "pending":
        # It was without power for longer than anybody waits, say, and is there now.
        return life.to(Stage.BOOT, procedure=Procedure.ENABLE, task="Booting", attempts=0)
    if life.cause is not None:
        # It was tried often enough; an operator locks and unlocks it. What else was asked for meanwhile is no more.
        return life.changed(task=sensor.left(life) if life.cause is Cause.SENSOR else enable.left(life.cause))
    if not life.boot_id:
        # Of a system that is just made, the first controller: its boot is the one to come into service.
        return life.to(Stage.BOOT, procedure=Procedure.ENABLE, task="")
    return enable.start(life, facts)


def _in_service(life: Life, facts: Facts, limits: Limits) -> Life:
    if life.boot_id and facts.is_in_other_boot(life):
        return recovery.rebooted(life)
    if facts.is_booted and facts.report is not None:
        life = life.changed(boot_id=facts.boot_id)
        if (facts.report.config == "failed" or "critical" in facts.report.severities) and facts.has_other:
            cause = Cause.CONFIGURATION if facts.report.config == "failed" else Cause.PROCESS
            return enable.fail(life, facts, limits, cause, "")
        if facts.report.config == "failed" and life.cause is None:
            # Nobody else would be in service.
            life = life.changed(cause=Cause.CONFIGURATION)
    if (following := recovery.needed(life, facts, limits)) is not None:
        return following
    if life.cause in enable.PASSING and facts.is_booted and not enable.is_degraded(facts):
        life = enable.recovered(life)
    if life.cause is not None:
        return life.changed(availability=DEGRADED)
    if facts.is_booted or facts.is_degraded:
        is_worker = facts.is_all_in_one and life.subfunction_oper == ENABLED
        availability = DEGRADED if enable.is_degraded(facts) else AVAILABLE
        return life.changed(availability=availability, subfunction_avail=availability if is_worker else life.subfunction_avail)
    return life


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a state asks for.

    :ivar is_locked: whether the host is to know that it is locked
    :ivar task: what the host is to run
    :ivar token: the name of that, or of what the board is to do
    :ivar end_boot: how the boot `boot_id` is to end, if it is
    :ivar order: what the board is to do
    """

    is_locked: bool
    task: str = ""
    token: str = ""
    boot_id: str = ""
    end_boot: str = ""
    order: str = ""


def wanted(life: Life, facts: Facts) -> Wanted:
    """What is asked for in this state, again and again until it is so."""
    is_locked = life.administrative == LOCKED or life.procedure is Procedure.FORCE_LOCK
    stage, name = life.stage, enable.token(life)
    if stage is None or life.procedure is None:
        # Of one that is left as it did not boot, others run what ran in the boot of before.
        is_to_end = life.cause is Cause.FORCED or (life.cause is Cause.BOOT and life.operational != ENABLED)
        return Wanted(is_locked, boot_id=life.boot_id, end_boot="reset") if is_to_end else Wanted(is_locked)
    if stage in _TASKS:
        return Wanted(is_locked, _TASKS[stage], name)
    if stage is Stage.END_BOOT:
        # One that has failed is not waited for.
        end = "reset" if life.procedure is Procedure.FORCE_LOCK or life.cause is not None else "reboot"
        order = "reset" if life.procedure is Procedure.FORCE_LOCK and facts.board is not None else ""
        return Wanted(is_locked, boot_id=life.boot_id, end_boot=end, token=name, order=order)
    if stage is Stage.WIPE:
        return Wanted(is_locked, boot_id=life.boot_id, end_boot="wipe")
    has_no_power = facts.board is not None and facts.board.is_on is False
    if stage is Stage.RETURN:
        # What is still there of a host that has failed is ended by whichever way is open: a slow board may still be at cutting its power.
        order = "power-on" if has_no_power else ""
        return Wanted(is_locked, boot_id=life.boot_id, end_boot="reset", token=name, order=order)
    if stage is Stage.BOARD_RESET:
        return Wanted(is_locked, token=name, order="reset")
    if stage in (Stage.FENCE, Stage.POWER_DOWN):
        return Wanted(is_locked, token=name, order="power-off")
    if stage is Stage.POWER:
        is_cycled = life.procedure is Procedure.POWER_CYCLE
        return Wanted(is_locked, token=name, order="power-on" if is_cycled else str(life.procedure))
    if stage is Stage.BOOT and (life.administrative == UNLOCKED or life.procedure is Procedure.POWER_CYCLE):
        # One that was out of reach when it was told is told as soon as it is back.
        return Wanted(is_locked, boot_id=life.boot_id, end_boot="reboot", token=name, order="power-on" if has_no_power else "")
    return Wanted(is_locked)


def is_failed(life: Life) -> bool:
    """Whether alarm 200.004 is on: the host has failed, and is not in service again, or only because nobody else would be."""
    is_recovered = life.procedure is Procedure.RECOVER and life.operational != ENABLED
    return life.administrative == UNLOCKED and (life.cause is not None or is_recovered)
