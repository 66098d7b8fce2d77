# SPDX-License-Identifier: Apache-2.0
"""What a critical sensor has done to a host: a reset, or a power cycle (spec mtce-sm.md A2.6, A6.2).

A host that is power-cycled is off for a while, so that it cools, and then comes back as after any failure. One of which a sensor becomes
critical again and again is left without power, until an operator sees to it.
"""

from mtce.life import enable, handling
from mtce.life.model import (
    FAILED,
    INTEST,
    LOCKED,
    OFFLINE,
    ONLINE,
    POWER_OFF,
    UNLOCKED,
    Cause,
    Facts,
    Life,
    Limits,
    Procedure,
    Stage,
)


def may_recover(life: Life) -> bool:
    """Whether a host is in a state in which a sensor may have something done to it: nothing else is done, and it is not left failed."""
    return life.procedure is None and (life.administrative == LOCKED or life.is_in_service)


def is_refused(life: Life, facts: Facts) -> bool:
    """Not the active controller, not the only one in service, and nothing whose board is not reached, or has it off already."""
    is_last = life.is_in_service and not facts.has_other
    return facts.is_self or is_last or facts.board is None or facts.board.is_on is not True or not may_recover(life)


def is_held_off(life: Life, limits: Limits, now: float) -> bool:
    """Whether the sensors of a host are given time to settle: it is power-cycled, or was a moment ago."""
    return is_on_probation(life) and (life.procedure is not None or now - life.since < limits.hold_off_s)


def is_on_probation(life: Life) -> bool:
    """Whether a host was power-cycled not long ago: another power cycle counts as one more attempt."""
    return life.failures.get(Cause.SENSOR, 0) > 0


def start(life: Life, facts: Facts, limits: Limits) -> Life:
    """A host with which nothing else is done is reset or power-cycled by its board; one in service comes back as after any failure."""
    life = life.changed(boot_id=facts.boot_id or life.boot_id)
    if life.administrative == UNLOCKED:
        life = enable.out_of_service(life, FAILED)
    if facts.wanted_by_sensor is Procedure.POWER_CYCLE:
        return _cycle(life.changed(cause=Cause.SENSOR), limits)
    if life.administrative == LOCKED:
        return handling.reset(life)
    return life.to(Stage.BOARD_RESET, procedure=Procedure.ENABLE, task="Resetting", attempts=0, cause=Cause.SENSOR)


def settle(life: Life, limits: Limits, elapsed_s: float) -> Life:
    """A host at rest that was well for long enough begins to count power cycles, and failures of processes, anew."""
    is_lasting = any(cause in enable.LASTING for cause in life.failures)
    if is_lasting and life.cause not in enable.LASTING and elapsed_s >= limits.hold_off_s + limits.monitor_s:
        return life.changed(failures={cause: count for cause, count in life.failures.items() if cause not in enable.LASTING})
    return life


def power_off(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.board is None or facts.is_self:
        return _give_up(life, facts)
    if facts.board.is_on is False and not facts.is_alive and facts.silent_s >= limits.offline_s:
        return _at(life, Stage.COOL_OFF, "cooling off", POWER_OFF)
    return life if elapsed_s < limits.board_s else _power_off_again(life, limits)


def cool_off(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.is_alive or (facts.board is not None and facts.board.is_on):
        # Somebody has switched it on, who does not know that it is hot.
        return _power_off_again(
            life.changed(availability=life.availability if life.administrative == UNLOCKED else OFFLINE), limits
        )
    if elapsed_s >= limits.cool_off_s:
        return _at(life, Stage.POWER, "powering on", OFFLINE, attempts=0)
    return life


def power_on(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.board is None:
        return _give_up(life, facts)
    if facts.board.is_on:
        return _at(life, Stage.BOOT, "waiting for the host", OFFLINE, attempts=0)
    if elapsed_s < limits.board_s:
        return life
    if life.attempts + 1 >= limits.power_retries:
        return _cycle(life, limits)
    return life.to(Stage.POWER, attempts=life.attempts + 1)


def boot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """One in service before goes on as after any boot."""
    if enable.has_booted(life, facts):
        if life.administrative == UNLOCKED:
            return life.to(Stage.BOOT, procedure=Procedure.ENABLE, task="Booting", attempts=0)
        return _rest(life.changed(availability=ONLINE, boot_id=facts.boot_id, cause=None), "")
    return life if elapsed_s < limits.online_s else _cycle(life, limits)


def power_down(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """Whatever stands in the way, it must not stay on."""
    if facts.board is None or facts.is_self:
        return _give_up(life, facts)
    if facts.board.is_on is False:
        life = life if life.administrative == UNLOCKED else life.changed(availability=POWER_OFF)
        return _rest(life, left(life))
    return life if elapsed_s < limits.board_s else life.to(Stage.POWER_DOWN)


def left(life: Life) -> str:
    """The task of a host that was power-cycled often enough."""
    return _task(life, "too many, powered off until an operator powers it on")


def _cycle(life: Life, limits: Limits) -> Life:
    """The first power cycle, or another one; or the end of them."""
    count = life.failures.get(Cause.SENSOR, 0)
    if count >= limits.attempts[Cause.SENSOR]:
        return life.to(Stage.POWER_DOWN, procedure=Procedure.POWER_CYCLE, task=_task(life, "too many, powering down"), attempts=0)
    life = life.changed(failures={**life.failures, Cause.SENSOR: count + 1})
    return life.to(Stage.FENCE, procedure=Procedure.POWER_CYCLE, task=_task(life, "powering off"), attempts=0)


def _power_off_again(life: Life, limits: Limits) -> Life:
    if life.attempts + 1 >= limits.power_retries:
        return _cycle(life, limits)
    return life.to(Stage.FENCE, task=_task(life, "powering off"), attempts=life.attempts + 1)


def _at(life: Life, stage: Stage, what: str, availability: str, **changes: int) -> Life:
    """One that was in service has failed, whether or not it has power."""
    shown = life.availability if life.administrative == UNLOCKED else availability
    return life.to(stage, task=_task(life, what), availability=shown, **changes)


def _give_up(life: Life, facts: Facts) -> Life:
    """Its board is gone, or it has become the active controller: it is not power-cycled."""
    if life.administrative == LOCKED:
        return _rest(life.changed(cause=None), "")
    if facts.is_booted:
        return life.to(
            Stage.GOENABLED,
            procedure=Procedure.ENABLE,
            availability=INTEST,
            task="Testing",
            attempts=0,
            boot_id=facts.boot_id,
        )
    return life.to(Stage.BOOT, procedure=Procedure.ENABLE, task="Booting", attempts=0)


def _rest(life: Life, task: str) -> Life:
    return life.to(None, procedure=None, task=task, attempts=0)


def _task(life: Life, what: str) -> str:
    return f"Critical Event Power-Cycle {life.failures.get(Cause.SENSOR, 0)}; {what}"
