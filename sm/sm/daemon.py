# SPDX-License-Identifier: Apache-2.0
"""The two loops that stand on the lease: a voter's, on every host, and a controller's, which wants the lease and acts on it."""

import logging
import random
import selectors
import time
from collections.abc import Callable
from typing import Protocol

from sm import lease
from sm.keeper import Keeper
from sm.messages import Body
from sm.paths import Paths

LOG = logging.getLogger(__name__)

# Nothing that only this loop can notice is later than this.
_IDLE_S = 0.1


class Power(Protocol):
    """What may be done only while the lease lasts."""

    def renew(self, until: float) -> None:
        """The lease lasts until then, in monotonic seconds; called at each renewal."""

    def lost(self) -> None:
        """It is over: whatever the kernel did not stop by itself is stopped now."""


class Loop:
    """A voter; with a candidate, a controller.

    :param power: of a controller
    """

    def __init__(
        self,
        name: str,
        start: int,
        keeper: Keeper,
        paths: Paths,
        timing: lease.Timing,
        power: Power | None = None,
        chance: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._keeper = keeper
        self._paths = paths
        self._power = power
        self._is_stopping = False
        self._held_until: float | None = None
        self.voter = lease.Voter(name, keeper.kept, timing, clock())
        self.candidate: lease.Candidate | None = None
        if power is not None:
            self.candidate = lease.Candidate(self.voter, str(start), timing, chance or random.SystemRandom())
        self._selector = selectors.DefaultSelector()
        for path, made in paths.sockets:
            self._selector.register(made, selectors.EVENT_READ, path)

    def stop(self) -> None:
        """End the loop; may be called by another thread or a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        if self.candidate is not None:
            self.candidate.wants = True
        while not self._is_stopping:
            self.turn()
        self.release()
        self._selector.close()
        self._paths.close()

    def turn(self) -> None:
        """Wait for what comes next, and take it in."""
        for key, _ in self._selector.select(self._wait_s()):
            self._paths.receive(key.data, self._hear)
        if self.candidate is None:
            return
        if self._clock() >= self.candidate.wake_at:
            self._request(self.candidate)
        self._look(self.candidate)

    def release(self) -> None:
        """Let the lease go, where there is one, after all that needs it was stopped."""
        if self.candidate is None or self._power is None:
            return
        if self._held_until is not None:
            self._held_until = None
            self._power.lost()
        released = self.candidate.release()
        if released is not None:
            release, voters = released
            self.voter.on_release(release, self._clock())
            self._paths.send(voters - {self.voter.name}, release)

    def _wait_s(self) -> float:
        if self.candidate is None:
            return _IDLE_S
        moments = [self.candidate.wake_at, *([self._held_until] if self._held_until is not None else [])]
        return max(0.0, min(_IDLE_S, *(moment - self._clock() for moment in moments)))

    def _request(self, candidate: lease.Candidate) -> None:
        asked = candidate.request(self._clock())
        if asked is None:
            return
        request, voters = asked
        if self.voter.name in voters:
            answer = self._vote(request)
            if answer is None:
                return
            candidate.on_answer(answer, self._clock())
        self._paths.send(voters - {self.voter.name}, request)

    def _hear(self, sender: str, body: Body) -> None:
        if isinstance(body, lease.Request):
            answer = self._vote(body)
            if answer is not None:
                self._paths.send([sender], answer)
        elif isinstance(body, lease.Release):
            self.voter.on_release(body, self._clock())
        elif self.candidate is not None:
            self.candidate.on_answer(body, self._clock())
            self._keep()
            self._look(self.candidate)

    def _vote(self, request: lease.Request) -> lease.Answer | None:
        answer = self.voter.on_request(request, self._clock())
        return answer if self._keep() else None

    def _keep(self) -> bool:
        """Whether all that the voter has decided is on disk."""
        try:
            self._keeper.keep(self.voter.kept)
        except OSError as error:
            LOG.error("Nothing is granted: %s cannot be stored: %s", self.voter.kept, error)
            return False
        return True

    def _look(self, candidate: lease.Candidate) -> None:
        """Use the lease as far as it lasts."""
        until, now = candidate.holds_until(), self._clock()
        if self._power is None:
            return
        if until > now:
            if until != self._held_until:
                self._held_until = until
                self._power.renew(until)
        elif self._held_until is not None:
            self._held_until = None
            self._power.lost()
