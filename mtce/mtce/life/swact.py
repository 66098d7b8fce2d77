# SPDX-License-Identifier: Apache-2.0
"""The active controller hands over because an operator wants it (spec mtce-sm.md A2.7).

The mtce-agent that asks for it ends with that, as it moves too: how it went is told by the one that comes next.
"""

from mtce.life import recovery
from mtce.life.model import Facts, Life, Limits, Procedure, Stage

REQUESTED, IN_PROGRESS = "Swact: Request", "Swact: In-Progress"
COMPLETE, INCOMPLETE, TIMEOUT = "Swact: Complete", "Swact: Did Not Complete", "Swact: Timeout"


def request(life: Life, facts: Facts, procedure: Procedure) -> Life:
    """Whatever else is done to the controller goes on, and this is dropped; forced, it is the other way round."""
    if not (life.is_in_service and facts.is_self) or (life.procedure is not None and procedure is Procedure.SWACT):
        return life.changed(task="")
    return life.to(Stage.HAND_OVER, procedure=procedure, task=REQUESTED, attempts=0)


def hand_over(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    if not facts.is_self:
        return life.to(Stage.TELL, task=COMPLETE)
    if elapsed_s == 0.0:
        # It is stored before anything comes of it.
        return life
    if life.task == REQUESTED:
        return life.to(Stage.HAND_OVER, task=IN_PROGRESS)
    if not facts.hands_over:
        # It was refused, or another mtce-agent has asked, and the activity is still here.
        return life.to(Stage.TELL, task=INCOMPLETE)
    return life if elapsed_s < limits.swact_s else life.to(Stage.TELL, task=TIMEOUT)


def tell(life: Life, facts: Facts, limits: Limits, elapsed_s: float) -> Life:
    """In service all the while, it is looked after as any host."""
    if (following := recovery.needed(life, facts, limits)) is not None:
        return following
    tell_s = limits.tell_s if life.task != COMPLETE else limits.tell_s / 2
    return life if elapsed_s < tell_s else life.to(None, procedure=None, task="")
