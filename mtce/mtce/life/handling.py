# SPDX-License-Identifier: Apache-2.0
"""What operators have done to a host: lock, reboot, reset, reinstallation, power (spec mtce-sm.md A2.4, A2.6)."""

from mtce.life import enable, swact
from mtce.life.enable import token
from mtce.life.model import (
    LOCKED,
    NOT_INSTALLED,
    OFFLINE,
    ONLINE,
    POWER_OFF,
    SWACTS,
    Cause,
    Facts,
    Life,
    Limits,
    Procedure,
    Stage,
)

REINSTALLED = "Reinstall Succeeded"
NO_BOARD = "Request Failed, Management Controller Not Provisioned"
_REQUESTED = {
    Procedure.REBOOT: (Stage.END_BOOT, "Rebooting"),
    Procedure.RESET: (Stage.POWER, "Reset Requested"),
    Procedure.REINSTALL: (Stage.WIPE, "Reinstalling"),
    Procedure.POWER_ON: (Stage.POWER, "Power-On Requested"),
    Procedure.POWER_OFF: (Stage.POWER, "Power-Off Requested"),
}
_BY_ACTION = {str(procedure): procedure for procedure in _REQUESTED}
_NEED_BOARD = frozenset({Procedure.RESET, Procedure.POWER_ON, Procedure.POWER_OFF})


def request(life: Life, facts: Facts) -> Life:
    """Take up what an operator asks for; what does not fit the host's state any more is dropped."""
    life = life.changed(action_taken=facts.action_number)
    if facts.action in ("unlock", "force-unlock"):
        return enable.start(life.changed(failures={}, cause=None), facts)
    if facts.action == "lock":
        task = "Disabling Controller" if facts.personality == "controller" else life.task
        return life.to(Stage.STOP, procedure=Procedure.LOCK, task=task, attempts=0)
    if facts.action == "force-lock":
        return enable.out_of_service(life, ONLINE if facts.is_alive else OFFLINE).to(
            Stage.END_BOOT,
            procedure=Procedure.FORCE_LOCK,
            task="Force Lock Reset in Progress",
            attempts=0,
            boot_id=facts.boot_id or life.boot_id,
            cause=None,
        )
    if facts.action in SWACTS:
        return swact.request(life, facts, Procedure(facts.action))
    procedure = _BY_ACTION.get(facts.action)
    if life.administrative != LOCKED or procedure is None:
        return life.changed(task="")
    # An operator sees to it: what was left off for its sensors is not any more.
    life = life.changed(failures={}, cause=None)
    if procedure in _NEED_BOARD and facts.board is None:
        return _tell(life.changed(procedure=procedure), NO_BOARD)
    stage, task = _REQUESTED[procedure]
    return life.to(stage, procedure=procedure, task=task, attempts=0, boot_id=facts.boot_id or life.boot_id)


def reset(life: Life) -> Life:
    """Have a locked host reset that nobody has asked for."""
    return life.to(Stage.POWER, procedure=Procedure.RESET, task=_REQUESTED[Procedure.RESET][1], attempts=0, cause=None)


def stop(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """Services that do not stop keep nobody from locking a host."""
    result = facts.report.results.get("stop") if facts.report is not None else None
    has_ended = result is not None and result.token == token(life)
    is_away = _is_silent(facts, limits)
    return locked(life, facts) if has_ended or is_away or elapsed_s >= limits.services_s else life


def force(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """The boot is to end, as nobody has stopped what runs in it. One that was silent when it was told has not obeyed."""
    cannot = facts.report is not None and not facts.report.may_reboot
    if cannot or enable.has_booted(life, facts) or not life.boot_id:
        return locked(life, facts)
    if not _is_silent(facts, limits):
        return _heard(life, facts) if elapsed_s < limits.force_lock_s else _unended(life, facts)
    board = facts.board
    is_told = board is not None and board.token == token(life)
    if board is not None and (board.is_on is False or (is_told and board.is_done)):
        return locked(life, facts)
    if board is not None and not is_told and elapsed_s < limits.board_s:
        return life
    return locked(life, facts) if life.availability == ONLINE else _unended(life, facts)


def _unended(life: Life, facts: Facts) -> Life:
    """It is locked, and others may take over what it does. As soon as it is heard of in this boot, it ends it."""
    return locked(life, facts).changed(cause=Cause.FORCED, task="Reboot/Reset Timeout")


def locked(life: Life, facts: Facts) -> Life:
    life = enable.out_of_service(life, ONLINE if facts.is_alive else OFFLINE)
    if facts.is_all_in_one:
        life = life.changed(subfunction_avail=life.availability)
    return life.to(None, administrative=LOCKED, procedure=None, task="", attempts=0, failures={}, cause=None)


_TRY_LATER = "Reboot Failed, try again when host is 'online'"


def reboot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """One that does not obey, or was silent when it was told, is reset by its board where it has one."""
    if enable.has_booted(life, facts):
        return _over(life, facts)
    if _is_silent(facts, limits):
        if life.availability == ONLINE:
            return life.to(Stage.BOOT, availability=OFFLINE)
        if facts.board is None or facts.board.is_on is False:
            return _tell(life, _TRY_LATER)
    elif elapsed_s < limits.reboot_s:
        return _heard(life, facts)
    stage = Stage.END_BOOT if facts.board is None else Stage.BOARD_RESET
    return _again(life, limits.reboots, stage, "Reboot Failed", _TRY_LATER)


def board_reset(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if enable.has_booted(life, facts):
        return _over(life, facts)
    if facts.board is not None and facts.board.token == token(life) and facts.board.is_done:
        return life.to(Stage.BOOT, availability=OFFLINE, task="Rebooting")
    return life if elapsed_s < limits.board_s else life.to(Stage.END_BOOT)


def boot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if facts.is_booted:
        # Back in the boot that it should have ended, it was out of reach only.
        return _over(life, facts) if enable.has_booted(life, facts) else life.to(Stage.END_BOOT, task="Rebooting")
    return life if elapsed_s < facts.boot_s(limits) else _tell(life, _TRY_LATER)


def power(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    board = facts.board
    if board is None:
        return _tell(life, NO_BOARD)
    if life.procedure is Procedure.POWER_ON and board.is_on and life.attempts == 0 and elapsed_s == 0.0:
        return _tell(life, "Power Already On")
    if board.token == token(life) and board.is_done:
        return _powered(life)
    if board.token != token(life) and elapsed_s < limits.board_s:
        is_under_way = life.procedure is Procedure.POWER_OFF and elapsed_s > 0.0 and life.attempts == 0
        return life.changed(task="Powering Off") if is_under_way else life
    if life.procedure is Procedure.RESET:
        return _again(life, limits.reset_retries, Stage.POWER, "Reset Failed", "Reset Failed")
    what = "Power-On Failed" if life.procedure is Procedure.POWER_ON else "Power-Off Failed"
    return _again(life, limits.power_retries, Stage.POWER, what, what)


def _powered(life: Life) -> Life:
    if life.procedure is Procedure.RESET:
        return life.to(Stage.BOOT, task="Resetting: waiting for offline")
    availability = POWER_OFF if life.procedure is Procedure.POWER_OFF else OFFLINE
    return life.to(None, procedure=None, task="", attempts=0, availability=availability)


def reset_boot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    is_off = _is_silent(facts, limits)
    if is_off or enable.has_booted(life, facts):
        return _over(life.changed(availability=OFFLINE if is_off else life.availability), facts)
    if elapsed_s < limits.reset_offline_s:
        return life
    return _again(life, limits.reset_retries, Stage.POWER, "Reset Failed", "Reset Failed")


def wipe(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_silent(facts, limits) or enable.has_booted(life, facts):
        return life.to(Stage.INSTALL, availability=OFFLINE)
    return life if elapsed_s < limits.reset_offline_s else _tell(life, "Reinstall Failed")


def install(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """One that is back and that no installer has told of has what it had before."""
    is_back = enable.has_booted(life, facts)
    if is_back and facts.is_installed:
        return _tell(life.changed(availability=ONLINE), REINSTALLED)
    if is_back and life.attempts == 0:
        return life.to(Stage.INSTALL, availability=ONLINE, attempts=1)
    limit_s = limits.news_s if is_back else facts.boot_s(limits) + limits.install_s
    return _tell(life, "Reinstall Failed") if facts.is_installed is False or elapsed_s >= limit_s else life


def tell(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    return life if elapsed_s < limits.tell_s else life.to(None, procedure=None, task="")


def at_rest(life: Life, facts: Facts, limits: Limits) -> Life:
    """A locked host with which nothing is done."""
    if life.cause is Cause.SENSOR and (facts.is_booted or (facts.board is not None and facts.board.is_on)):
        # It was left off for its sensors, and somebody has switched it on.
        life = life.changed(cause=None, task="", failures={})
    if life.cause is Cause.FORCED and (
        enable.has_booted(life, facts) or (facts.board is not None and facts.board.is_on is False)
    ):
        life = life.changed(cause=None, task="")
    availability = life.availability
    if facts.is_booted:
        availability = ONLINE
    elif facts.board is not None and facts.board.is_on is False and not facts.is_alive:
        availability = POWER_OFF
    elif availability == POWER_OFF and not facts.is_alive and not (facts.board is not None and facts.board.is_on):
        # It was found so, and nobody says otherwise.
        pass
    elif _is_silent(facts, limits):
        availability = OFFLINE
    if facts.is_all_in_one and life.subfunction_avail != NOT_INSTALLED:
        life = life.changed(subfunction_avail=availability)
    # The boot that is to end is kept in mind.
    boot_id = life.boot_id if life.cause is Cause.FORCED else facts.boot_id or life.boot_id
    return life.changed(availability=availability, boot_id=boot_id)


def _is_silent(facts: Facts, limits: Limits) -> bool:
    return not facts.is_alive and facts.silent_s >= limits.offline_s


def _heard(life: Life, facts: Facts) -> Life:
    """What is told to a host that is there it can obey."""
    return life.changed(availability=ONLINE) if facts.is_booted else life


def _over(life: Life, facts: Facts) -> Life:
    return life.to(None, procedure=None, task="", attempts=0, boot_id=facts.boot_id or life.boot_id)


def _again(life: Life, retries: int, stage: Stage, failed: str, final: str) -> Life:
    if life.attempts >= retries:
        return _tell(life, final)
    attempts = life.attempts + 1
    return life.to(stage, attempts=attempts, task=f"{failed}, retrying ({attempts} of {retries})")


def _tell(life: Life, task: str) -> Life:
    """Have operators read how it ended."""
    return life.to(Stage.TELL, task=task, attempts=0)
