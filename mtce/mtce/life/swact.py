# SPDX-License-Identifier: Apache-2.0
"""The active controller hands over because an operator wants it (spec mtce-sm.md A2.7).

The mtce-agent that asks for it ends with that, as it moves too: how it went is told by the one that comes next.
"""

from mtce.life import recovery
from mtce.life.model import ENABLED, INTEST, Facts, Life, Limits, Procedure, Stage

REQUESTED, IN_PROGRESS = "Swact: Request", "Swact: In-Progress"
COMPLETE, INCOMPLETE, TIMEOUT = "Swact: Complete", "Swact: Did Not Complete", "Swact: Timeout"
# In `attempts`: that it is to be stored, and that it is stored and Service Management is to be asked.
_ASKED = 1


def request(life: Life, facts: Facts, procedure: Procedure) -> Life:
    """Take it up, if the controller is active, and nothing else is done to it that a swact would cut short."""
    is_forced = procedure is Procedure.FORCE_SWACT
    if not facts.is_self or not (life.is_in_service or is_forced):
        return life.changed(task="")
    if is_forced and life.procedure is Procedure.ENABLE and life.stage is Stage.HAND_OVER:
        # It has failed, and hands over already: from now on whatever the other controller has failed of.
        return life.to(Stage.HAND_OVER, attempts=_ASKED)
    if life.procedure is not None and life.stage is not Stage.TELL and not is_forced:
        return life.changed(task="")
    return life.to(Stage.HAND_OVER, procedure=procedure, task=REQUESTED, attempts=0)


def is_asked_for(life: Life) -> bool:
    """Whether Service Management is to be asked, as an operator wants it."""
    return life.stage is Stage.HAND_OVER and life.attempts == _ASKED


def hand_over(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if not facts.is_self:
        return life.to(Stage.TELL, task=COMPLETE)
    if elapsed_s == 0.0:
        # It is stored before anything comes of it.
        return life
    if not is_asked_for(life):
        return life.to(Stage.HAND_OVER, task=IN_PROGRESS, attempts=_ASKED)
    if not facts.hands_over:
        # It was refused, or another mtce-agent has asked, and the activity is still here.
        return life.to(Stage.TELL, task=INCOMPLETE)
    return life if elapsed_s < limits.swact_s else life.to(Stage.TELL, task=TIMEOUT)


def tell(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """In service all the while, as a rule, it is looked after as any host."""
    if life.is_in_service and (following := recovery.needed(life, facts, limits)) is not None:
        return following
    if life.task != COMPLETE and not facts.is_self:
        return life.to(Stage.TELL, task=COMPLETE)
    if elapsed_s < (limits.tell_s if life.task != COMPLETE else limits.tell_s / 2):
        return life
    if life.is_in_service and facts.is_all_in_one and life.subfunction_oper != ENABLED:
        # Forced, it has cut that short.
        return life.to(
            Stage.WORKER_GOENABLED, procedure=Procedure.ENABLE, task="Enabling Worker Service", subfunction_avail=INTEST
        )
    return life.to(None, procedure=None, task="", attempts=0)
