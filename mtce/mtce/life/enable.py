# SPDX-License-Identifier: Apache-2.0
"""A host comes into service: it boots, tests itself, starts its services, and answers pulses for a while (spec mtce-sm.md A2.1, A2.2).

The second half is also what a host goes through that is recovered.
"""

from mtce.life.model import (
    AVAILABLE,
    DEGRADED,
    DISABLED,
    ENABLED,
    FAILED,
    INTEST,
    OFFLINE,
    ONLINE,
    UNLOCKED,
    Cause,
    Facts,
    FailureAction,
    Life,
    Limits,
    Procedure,
    Stage,
)

SELF = "Unlocking active controller, please stand-by while it reboots"
SIMPLEX = "Unlocking, please stand-by while the system gracefully reboots"
# Failures of a host that was in service are counted on while it is there again, until it has been for a while.
LASTING = frozenset({Cause.SENSOR, Cause.PROCESS})
HANDS_OVER = "Critical failure.Requesting SWACT to enabled standby controller"
# What a report tells the end of.
PASSING = frozenset({Cause.CONFIGURATION, Cause.PROCESS})
_PARKED = {
    Cause.CONFIGURATION: "Configuration failure",
    Cause.GOENABLED: "In-Test Failure",
    Cause.SERVICES: "Service Failure",
    Cause.HEARTBEAT: "Heartbeat Failure",
    Cause.BOOT: "Enable Failure",
    Cause.PROCESS: "Enable Failure",
    Cause.SENSOR: "Enable Failure",
}


def start(life: Life, facts: Facts) -> Life:
    """Have it in service, from whatever state."""
    availability = FAILED if life.is_in_service else ONLINE if facts.is_alive else OFFLINE
    task = "Reboot Request"
    if facts.is_self:
        task = SIMPLEX if facts.is_simplex else SELF
    return out_of_service(life, availability).to(
        Stage.END_BOOT,
        administrative=UNLOCKED,
        procedure=Procedure.ENABLE,
        task=task,
        attempts=0,
        # A host that was never heard has no boot to end: whichever comes is a new one.
        boot_id=facts.boot_id or life.boot_id,
    )


def out_of_service(life: Life, availability: str) -> Life:
    has_worker = life.subfunction_oper == ENABLED
    return life.changed(
        operational=DISABLED,
        availability=availability,
        subfunction_oper=DISABLED,
        subfunction_avail=availability if has_worker else life.subfunction_avail,
    )


def has_booted(life: Life, facts: Facts) -> bool:
    """Whether it is in another boot than the one to end."""
    report = facts.report
    return facts.is_booted and report is not None and (facts.boot_id != life.boot_id or not report.may_reboot)


def end_boot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    is_off = not facts.is_alive and facts.silent_s >= limits.offline_s
    hangs = is_off and facts.board is not None and facts.board.is_on and facts.silent_s - elapsed_s >= limits.offline_s
    if hangs and life.attempts < limits.reboots:
        # It was silent before it was told anything, and has power.
        return life.to(Stage.BOARD_RESET, task="Resetting", attempts=life.attempts + 1)
    if is_off or has_booted(life, facts):
        return life.to(Stage.BOOT, task="Booting", availability=life.availability if facts.is_alive else OFFLINE)
    if elapsed_s < limits.reboot_s:
        return life
    if life.attempts >= limits.reboots:
        return fail(life, facts, limits, Cause.BOOT, "Boot Failed, rebooting")
    if facts.board is not None:
        return life.to(Stage.BOARD_RESET, task="Resetting", attempts=life.attempts + 1)
    return life.to(Stage.END_BOOT, task="Rebooting", attempts=life.attempts + 1)


def board_reset(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if has_booted(life, facts):
        return life.to(Stage.BOOT, task="Booting")
    if facts.board is not None and facts.board.token == token(life):
        if facts.board.is_done:
            return life.to(Stage.BOOT, task="Booting", availability=OFFLINE)
        return life.to(Stage.END_BOOT, task="Reset Failed")
    return life.to(Stage.END_BOOT, task="Reset Failed") if elapsed_s >= limits.board_s else life


def boot(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """Wait for another boot, in which the configuration was applied."""
    report = facts.report
    if report is not None and has_booted(life, facts):
        if report.config == "failed":
            return failed(life, facts, limits, Cause.CONFIGURATION, "Configuration Failed, re-enabling")
        if report.config == "passed":
            return life.to(Stage.GOENABLED, boot_id=facts.boot_id, availability=INTEST, task="Testing", attempts=0)
    elif facts.is_booted and elapsed_s >= limits.reboot_s and life.procedure is Procedure.ENABLE:
        # It was out of reach, and is back in the boot that it should have ended.
        return life.to(Stage.END_BOOT, task="Reboot Request", attempts=life.attempts + 1)
    if elapsed_s < facts.boot_s(limits):
        return life if facts.is_alive or life.availability in (OFFLINE, FAILED) else life.changed(availability=OFFLINE)
    return failed(life, facts, limits, Cause.BOOT, "Boot Failed, rebooting")


def goenabled(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_gone(life, facts):
        return _again(life, facts)
    verdict = _ended(life, facts, "goenabled")
    if verdict is True:
        return life.to(Stage.START, task="Enabling")
    if verdict is False:
        return failed(life, facts, limits, Cause.GOENABLED, "In-Test Failed, re-enabling")
    if elapsed_s >= limits.goenabled_s:
        return failed(life, facts, limits, Cause.GOENABLED, "In-Test Timeout, re-enabling")
    return life


def start_services(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_gone(life, facts):
        return _again(life, facts)
    verdict = _ended(life, facts, "start")
    if verdict is True:
        return life.to(Stage.READY)
    if verdict is False:
        return failed(life, facts, limits, Cause.SERVICES, "Start Services Failed, re-enabling")
    if elapsed_s >= limits.services_s:
        return failed(life, facts, limits, Cause.SERVICES, "Start Services Timeout, re-enabling")
    return life


def ready(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """One that has just booted was missed a moment ago, and has to answer a few times until it counts as there."""
    if _is_gone(life, facts):
        return _again(life, facts)
    return life if _is_lost(facts, limits) and elapsed_s < limits.ready_s else life.to(Stage.SOAK)


def soak(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_gone(life, facts):
        return _again(life, facts)
    is_judged = facts.watched > 0 and limits.failure_action is FailureAction.FAIL
    if _is_lost(facts, limits):
        if life.procedure is Procedure.RECOVER:
            return life.to(Stage.ASK, task="Graceful Recovery Retry", attempts=life.attempts + (not facts.is_spared))
        return failed(life, facts, limits, Cause.HEARTBEAT, "Enable Heartbeat Failure, re-enabling")
    if is_judged and elapsed_s < limits.soak_s:
        return life
    if facts.is_all_in_one and life.subfunction_oper != ENABLED:
        # It is tested now, whatever it failed of before.
        return in_service(life, facts).to(Stage.WORKER_GOENABLED, task="Enabling Worker Service", subfunction_avail=INTEST)
    return done(life, facts)


def worker_goenabled(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_gone(life, facts):
        return _again(life, facts)
    if _is_lost(facts, limits):
        return _lost_in_service(life)
    verdict = _ended(life, facts, "goenabled-worker")
    if verdict is True:
        return life.to(Stage.WORKER_START)
    if verdict is False:
        return _worker_failed(life, facts, limits, Cause.GOENABLED, "Worker In-Test Failed, re-enabling")
    if elapsed_s >= limits.goenabled_s:
        return _worker_failed(life, facts, limits, Cause.GOENABLED, "Worker In-Test Timeout, re-enabling")
    return life


def worker_start(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if _is_gone(life, facts):
        return _again(life, facts)
    if _is_lost(facts, limits):
        return _lost_in_service(life)
    verdict = _ended(life, facts, "start-worker")
    if verdict is True:
        return done(life.changed(subfunction_oper=ENABLED, subfunction_avail=AVAILABLE), facts)
    if verdict is False:
        return _worker_failed(life, facts, limits, Cause.SERVICES, "Worker Start Services Failed, re-enabling")
    if elapsed_s >= limits.services_s:
        return _worker_failed(life, facts, limits, Cause.SERVICES, "Worker Start Services Timeout, re-enabling")
    return life


def wait(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """It has failed, and is tried once more after a while."""
    return start(life, facts) if elapsed_s >= limits.retry_s[life.cause or Cause.BOOT] else life


def in_service(life: Life, facts: Facts) -> Life:
    return life.changed(operational=ENABLED, availability=DEGRADED if is_degraded(facts) else AVAILABLE)


def done(life: Life, facts: Facts) -> Life:
    return recovered(in_service(life, facts).to(None, procedure=None, task="", attempts=0))


def recovered(life: Life) -> Life:
    """It works, whatever it failed of. Whether its sensors stay well is to be seen."""
    failures = {cause: count for cause, count in life.failures.items() if cause in LASTING}
    return life.changed(failures=failures, cause=None)


def is_degraded(facts: Facts) -> bool:
    report = facts.report
    is_ailing = report is not None and (report.config == "failed" or bool(report.severities & {"major", "critical"}))
    return facts.is_degraded or is_ailing


def fail(life: Life, facts: Facts, limits: Limits, cause: Cause, task: str) -> Life:
    """It has failed: it is tried again later, or left as it is, if that was tried often enough.

    The only controller that is left stays in service, whatever is wrong with it: nobody else would be. One that is not there is not it.
    """
    was_at_work = life.is_in_service and life.procedure is None
    count = life.failures.get(cause, 0) + 1
    failures = {**life.failures, cause: count}
    if not facts.has_other and (facts.is_self or facts.is_alive):
        return life.to(
            None,
            procedure=None,
            operational=ENABLED,
            availability=DEGRADED,
            task="",
            attempts=0,
            # It is in service in this boot, and has not booted once more.
            boot_id=facts.boot_id or life.boot_id,
            failures=failures,
            cause=cause,
        )
    if facts.is_self:
        return life.to(
            Stage.HAND_OVER,
            procedure=Procedure.ENABLE,
            operational=ENABLED,
            availability=DEGRADED,
            task=HANDS_OVER,
            attempts=0,
            failures=failures,
            cause=cause,
        )
    life = out_of_service(life, FAILED).changed(administrative=UNLOCKED, failures=failures, cause=cause, attempts=0)
    if count >= limits.attempts[cause]:
        return life.to(None, procedure=None, task=left(cause))
    if was_at_work:
        return _end_at_once(life, facts, task)
    return life.to(Stage.WAIT, procedure=Procedure.ENABLE, task=task)


def _end_at_once(life: Life, facts: Facts, task: str) -> Life:
    """Others start what ran on it: it may not run on while it waits for its turn."""
    if facts.report is not None and not facts.report.may_reboot:
        return life.to(Stage.WAIT, procedure=Procedure.ENABLE, task=task)
    return start(life, facts).changed(task=task or "Reboot Request", availability=FAILED)


def hand_over(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """It was active when it failed, and is only degraded until the other controller is; then it is as any host that failed."""
    if not facts.is_self:
        return _end_at_once(out_of_service(life, FAILED), facts, "")
    report = facts.report
    if report is not None and report.config == "passed" and "critical" not in report.severities and life.cause in PASSING:
        return done(life, facts)
    if not facts.has_other:
        return life.to(None, procedure=None, task="")
    return life


def left(cause: Cause) -> str:
    """The task of a host that was tried often enough."""
    return f"{_PARKED[cause]}, threshold reached, Lock/Unlock to retry"


def failed(life: Life, facts: Facts, limits: Limits, cause: Cause, task: str) -> Life:
    """A recovery that fails is followed by all of what an unlock does, at once."""
    if life.procedure is not Procedure.RECOVER:
        return fail(life, facts, limits, cause, task)
    if cause is Cause.BOOT:
        task = "Graceful Recovery Failed"
    return start(life.changed(cause=cause), facts).changed(task=task, availability=FAILED)


def token(life: Life) -> str:
    """What a stage asks for has this name."""
    return f"{life.action_taken}.{life.number}"


def _worker_failed(life: Life, facts: Facts, limits: Limits, cause: Cause, task: str) -> Life:
    """Its controller works, and stays in service where another boot would not help its worker."""
    worker_failed = life.changed(subfunction_oper=DISABLED, subfunction_avail=FAILED)
    if not facts.has_other:
        return fail(worker_failed, facts, limits, cause, task)
    count = life.failures.get(cause, 0) + 1
    if count < limits.attempts[cause]:
        return fail(life, facts, limits, cause, task)
    failures = {**life.failures, cause: count}
    return in_service(worker_failed, facts).to(
        None, procedure=None, availability=DEGRADED, task=left(cause), attempts=0, failures=failures, cause=cause
    )


def _ended(life: Life, facts: Facts, task: str) -> bool | None:
    """Whether what the stage asked for has passed; None while it has not ended."""
    result = facts.report.results.get(task) if facts.report is not None else None
    return result.is_passed if result is not None and result.token == token(life) else None


def _is_lost(facts: Facts, limits: Limits) -> bool:
    return facts.watched > 0 and limits.failure_action is FailureAction.FAIL and facts.is_lost


def _lost_in_service(life: Life) -> Life:
    """Its controller is in service while its worker comes, and is recovered as any host in service."""
    return life.to(Stage.ASK, procedure=Procedure.RECOVER, task="Graceful Recovery", attempts=0)


def _is_gone(life: Life, facts: Facts) -> bool:
    """Whether it has rebooted in the midst of it."""
    return facts.is_in_other_boot(life)


def _again(life: Life, facts: Facts) -> Life:
    return out_of_service(life, INTEST).to(Stage.BOOT, task="Booting", attempts=0)
