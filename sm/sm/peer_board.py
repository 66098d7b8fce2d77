# SPDX-License-Identifier: Apache-2.0
"""The other controller's board: asked now and then whether it answers, and told what the fencer decides."""

import dataclasses
import logging
import pathlib
from collections.abc import Callable

from sm import fencing
from sm.actions import Runner
from sm.fencing import Facts, Fencer, Order, Power, Step
from sm.model import Call

LOG = logging.getLogger(__name__)

# While it answers, and while it does not.
CHECK_S = 300.0
CHECK_AGAIN_S = 15.0
_KEY = "board"
_SAID = {
    Order.CUT: "{} is silent: its power is cut.",
    Order.RESTORE: "{} gets its power back.",
}


@dataclasses.dataclass(frozen=True)
class Means:
    """How the other controller's power is cut.

    :ivar command: is told an order, and prints whether that one is on then: `sm-fence controller-1`
    :ivar debt: file that is there while that one is owed its power, so that it gets it whatever becomes of this process
    """

    command: str
    debt: pathlib.Path


class PeerBoard:
    """:param peer: the other controller
    :param later: has something done by the engine's loop
    :param tell: hears of what is done to the other controller, in words
    :ivar is_reached: the board answers
    """

    def __init__(
        self,
        peer: str,
        means: Means,
        runner: Runner,
        clock: Callable[[], float],
        later: Callable[[Callable[[], None]], None],
        tell: Callable[[str], None],
        timing: fencing.Timing | None = None,
    ) -> None:
        self.is_reached = False
        self._peer = peer
        self._means = means
        self._runner = runner
        self._clock = clock
        self._later = later
        self._tell = tell
        self._timing = timing or fencing.Timing()
        self._deadlines = {Order.ASK: self._timing.ask_s, Order.CUT: self._timing.cut_s, Order.RESTORE: self._timing.restore_s}
        self._fencer = Fencer(Step.OFF, has_cut=True, at=clock()) if means.debt.exists() else Fencer()
        self._done: Power | None = None
        self._check_at = clock()

    @property
    def off_at(self) -> float | None:
        return self._fencer.off_at

    @property
    def is_owing(self) -> bool:
        """Whether the other controller's power was cut, and not given back yet."""
        return self._fencer.has_cut

    @property
    def step(self) -> Step:
        return self._fencer.step

    def next_moment(self, now: float) -> float:
        """When it is to be looked at again, though nothing has happened."""
        moments = [*self._fencer.moments(self._timing), self._check_at if self.step is Step.IDLE else now]
        return min((moment for moment in moments if moment > now), default=float("inf"))

    def advance(self, is_heard: bool, is_needed: bool, holds: bool, may_succeed: bool) -> None:
        facts = Facts(self._clock(), is_heard, is_needed, holds, may_succeed, self._done)
        before = self._fencer
        self._fencer, order = fencing.follow(before, facts, self._timing)
        if self._fencer.has_cut is not before.has_cut:
            self._write_down()
        if order is not None:
            if order in _SAID:
                self._tell(_SAID[order].format(self._peer))
            self._give(order, self._heard)
        elif self.step is Step.IDLE and facts.now >= self._check_at:
            self._check_at = facts.now + CHECK_S
            self._give(Order.ASK, lambda power: None)

    def _write_down(self) -> None:
        try:
            self._means.debt.touch() if self._fencer.has_cut else self._means.debt.unlink(missing_ok=True)
        except OSError as error:
            LOG.error("Whether %s is owed its power is not known after a restart: %s", self._peer, error)

    def _give(self, order: Order, heard: Callable[[Power], None]) -> None:
        self._done = None

        def done(code: int, text: str) -> None:
            said = text.split()[-1:]
            power = Power(said[0]) if code == 0 and said and said[0] in list(Power) else Power.UNKNOWN
            if power is Power.UNKNOWN:
                LOG.warning("The board of %s does not say %s (%s): %s", self._peer, order, code, text)
            self._later(lambda: self._take(power, heard))

        call = Call("command", "", self._means.command, str(order), self._deadlines[order])
        self._runner.start(_KEY, self._peer, call, {}, done)

    def _take(self, power: Power, heard: Callable[[Power], None]) -> None:
        self.is_reached = power is not Power.UNKNOWN
        self._check_at = self._clock() + (CHECK_S if self.is_reached else CHECK_AGAIN_S)
        heard(power)

    def _heard(self, power: Power) -> None:
        self._done = power
