# SPDX-License-Identifier: Apache-2.0
"""What is asked of one board, and when: opened, audited, ordered, given up and tried again.

A board is reached by a process of its own, one question at a time. One that does not answer in time has its process ended, and gets
another one. An order for power is done when the board says that the host is so; one that says yes and does nothing is found out.
"""

import dataclasses
import enum
import math
from collections.abc import Sequence
from typing import Any

from mtce.boards.terms import Ask, BoardState, Effect, Failure, Kill, News, Open, Order, Result, Sensed, Timing, Verb

_ON, _OFF = "on", "off"


class Phase(enum.Enum):
    DOWN = enum.auto()
    OPENING = enum.auto()
    IDLE = enum.auto()
    BUSY = enum.auto()


_WANTED = {Order.POWER_ON: _ON, Order.POWER_OFF: _OFF}
_ASKS = {
    Order.POWER_ON: Ask(Verb.SWITCH, _ON),
    Order.POWER_OFF: Ask(Verb.SWITCH, _OFF),
    Order.RESET: Ask(Verb.RESET),
    Order.NETWORK_BOOT: Ask(Verb.NETWORK_BOOT),
}


@dataclasses.dataclass
class _Pending:
    """An order that has not ended.

    :ivar at: when the next step of it is due
    :ivar until: when it is given up
    :ivar again_at: when it is given again, though the board has taken it; before the board has taken it: never
    """

    token: str
    order: Order
    at: float
    until: float
    attempts: int = 0
    again_at: float | None = None
    error: str = ""


@dataclasses.dataclass(frozen=True)
class _Call:
    ask: Ask
    token: str
    asked_at: float
    is_prompted: bool


_NO_CALL = _Call(Ask(Verb.POWER), "", -math.inf, False)


class Course:
    """One board. Every event gives what is to be done now; next_moment() tells when to come back without one.

    :ivar state: None until something is known
    """

    def __init__(self, now: float, timing: Timing) -> None:
        self.state: BoardState | None = None
        self.sensed: Sensed | None = None
        self.phase = Phase.DOWN
        self._timing = timing
        self._until = math.inf
        self._retry_at = now
        self._failures = 0
        self._error = ""
        self._is_shut_out = False
        self._call = _NO_CALL
        self._pending: _Pending | None = None
        self._token = ""
        self._audit_at = now
        self._is_prompted = False
        self._wants_sensors = False
        # What it has told of its sensors since it was opened is not to count.
        self._is_outdated = False
        self._has_news = False

    def resumed(self, now: float, timing: Timing) -> "Course":
        """A course for another login of the same host: what was ordered is still to be done."""
        course = Course(now, timing)
        course._token, course._pending = self._token, self._pending
        if course._pending is not None:
            course._pending.at, course._pending.again_at = now, None
        if self.state is not None and self.state.result is not None:
            course.state = BoardState(False, None, "", now, self.state.result)
        return course

    def order(self, token: str, order: Order, now: float) -> list[Effect]:
        """Another order takes the place of one that has not ended. One that was given already is not given again."""
        if token == self._token:
            return []
        self._token = token
        self._pending = _Pending(token, order, now, now + self._timing.order_s)
        self._hurry(now)
        return self._advance(now)

    def withdraw(self, token: str, now: float) -> list[Effect]:
        """An order that has not ended is given no more. What the board was told already may still come."""
        if self._pending is not None and self._pending.token == token:
            self._pending = None
        return self._advance(now)

    def _hurry(self, now: float) -> None:
        if self.phase is Phase.DOWN:
            self._retry_at = now
        elif self._call.ask.verb is Verb.SENSORS:
            self._until = min(self._until, now + self._timing.hurry_s)

    def look(self, now: float) -> list[Effect]:
        self._is_prompted = True
        if self.phase is Phase.DOWN and not self._is_shut_out:
            self._retry_at = now
        return self._advance(now)

    def sense(self, now: float, is_anew: bool = False) -> list[Effect]:
        """A board that is not reachable has no readings: that is news too.

        :param is_anew: it is opened anew for it, as which sensors it has is asked once after that
        """
        self._wants_sensors = True
        self._is_outdated |= is_anew and self.phase in (Phase.IDLE, Phase.BUSY)
        if self.phase is Phase.DOWN and self.state is not None:
            self._sensed(now, (), self._error)
        return self._advance(now)

    def opened(self, now: float) -> list[Effect]:
        self.phase = Phase.IDLE
        return self._advance(now)

    def answered(self, now: float, power: str = "", readings: Sequence[Any] = ()) -> list[Effect]:
        """What was asked last, or that an order was taken."""
        call = self._answer()
        if call.ask.verb is Verb.SENSORS:
            if not self._is_outdated:
                self._sensed(call.asked_at, readings, "")
            self._know(is_reachable=True, error="")
        elif call.ask.verb is Verb.POWER:
            self._know(is_reachable=True, power=power, error="", asked_at=call.asked_at)
            self._audit_at = now + self._timing.audit_s
            self._has_news |= call.is_prompted
            self._compare(power, now)
        else:
            self._know(is_reachable=True, error="")
            self._taken(call, now)
        return self._advance(now)

    def failed(self, failure: Failure, text: str, now: float) -> list[Effect]:
        if failure is not Failure.REFUSED or self.phase is Phase.OPENING:
            self._lose(failure, text, now)
            return self._advance(now)
        call = self._answer()
        pending = self._pending
        if call.ask.verb is Verb.SENSORS:
            if not self._is_outdated:
                self._sensed(call.asked_at, (), text)
        elif call.ask.verb is Verb.POWER:
            self._know(is_reachable=True, power=None, error=text, asked_at=call.asked_at)
            self._audit_at = now + self._timing.audit_s
            self._has_news |= call.is_prompted
        if pending is not None and (call.token == pending.token or call.ask.verb is Verb.POWER):
            self._repeat(pending, text, now)
        return self._advance(now)

    def ended(self, now: float) -> list[Effect]:
        """The process of the board is no more."""
        if self.phase is not Phase.DOWN:
            self._lose(Failure.UNREACHABLE, "The process that asked it has ended.", now)
        return self._advance(now)

    def tick(self, now: float) -> list[Effect]:
        return self._advance(now)

    def next_moment(self) -> float:
        moments = [self._pending.until] if self._pending is not None else []
        if self.phase is Phase.DOWN:
            moments.append(self._retry_at)
        elif self.phase is Phase.IDLE:
            moments += [self._audit_at, self._pending.at if self._pending is not None else math.inf]
        else:
            moments.append(self._until)
        return min(moments)

    def _advance(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if self.phase in (Phase.OPENING, Phase.BUSY) and now >= self._until:
            effects.append(Kill())
            self._lose(Failure.UNREACHABLE, "It does not answer in time: it hangs, or is far too slow.", now)
        if self._pending is not None and now >= self._pending.until:
            self._finish(self._pending, is_done=False, error=self._given_up(self._pending), now=now)
        is_to_open_anew = self.phase is Phase.IDLE and self._is_outdated and self._pending is None
        if is_to_open_anew or (self.phase is Phase.DOWN and now >= self._retry_at):
            self.phase, self._until, self._is_outdated = Phase.OPENING, now + self._timing.open_s, False
            effects.append(Open())
        if self.phase is Phase.IDLE and (ask := self._next(now)) is not None:
            effects.append(ask)
        if self._has_news:
            self._has_news = False
            effects.append(News())
        return effects

    def _next(self, now: float) -> Ask | None:
        pending, token = self._pending, ""
        if pending is not None and now >= pending.at:
            if pending.again_at is None:
                ask, token = _ASKS[pending.order], pending.token
                pending.attempts += 1
            else:
                ask = Ask(Verb.POWER)
        elif self._is_prompted or now >= self._audit_at:
            ask = Ask(Verb.POWER)
        elif self._wants_sensors and pending is None:
            ask = Ask(Verb.SENSORS)
            self._wants_sensors = False
        else:
            return None
        is_prompted = ask.verb is Verb.POWER and self._is_prompted
        self._is_prompted = self._is_prompted and not is_prompted
        self._call = _Call(ask, token, now, is_prompted)
        self.phase = Phase.BUSY
        self._until = now + (self._timing.sense_s if ask.verb is Verb.SENSORS else self._timing.call_s)
        return ask

    def _answer(self) -> _Call:
        call, self._call = self._call, _NO_CALL
        self.phase, self._failures, self._is_shut_out = Phase.IDLE, 0, False
        return call

    def _taken(self, call: _Call, now: float) -> None:
        """The board has taken an order."""
        pending = self._pending
        if pending is None or call.token != pending.token:
            return
        if pending.order in _WANTED:
            pending.at, pending.again_at = now, now + self._timing.confirm_s
        else:
            self._finish(pending, is_done=True, error="", now=now)

    def _compare(self, power: str, now: float) -> None:
        """Whether the host is as ordered."""
        pending = self._pending
        if pending is None or pending.again_at is None:
            return
        if power == _WANTED[pending.order]:
            self._finish(pending, is_done=True, error="", now=now)
            return
        pending.error = f"The board takes the order, but the host is still {power}."
        if now < pending.again_at:
            pending.at = now + self._timing.confirm_again_s
        elif pending.attempts < self._timing.attempts:
            pending.at, pending.again_at = now, None
        else:
            self._finish(pending, is_done=False, error=pending.error, now=now)

    def _repeat(self, pending: _Pending, text: str, now: float) -> None:
        pending.error = text
        if pending.attempts >= self._timing.attempts and pending.again_at is None:
            self._finish(pending, is_done=False, error=text, now=now)
        else:
            pending.at = now + self._timing.attempt_again_s

    def _given_up(self, pending: _Pending) -> str:
        return pending.error or self._error or f"The board has not answered within {self._timing.order_s:g} s."

    def _finish(self, pending: _Pending, is_done: bool, error: str, now: float) -> None:
        result = Result(pending.token, is_done, error)
        self._pending = None
        before = self.state or BoardState(False, None, self._error, now)
        self.state = dataclasses.replace(before, result=result)
        self._has_news = True
        # What the host is then.
        self._audit_at = min(self._audit_at, now) if result.is_done else self._audit_at

    def _lose(self, failure: Failure, text: str, now: float) -> None:
        was_open = self.phase in (Phase.IDLE, Phase.BUSY)
        call, self._call, self.phase = self._call, _NO_CALL, Phase.DOWN
        self._failures += 1
        self._error, self._is_shut_out = text, failure is Failure.LOGIN
        pending = self._pending
        if pending is not None:
            pending.error = text
        if failure is Failure.LOGIN:
            self._retry_at = now + self._timing.login_again_s
            if pending is not None:
                self._finish(pending, is_done=False, error=text, now=now)
        elif was_open and self._failures == 1:
            # A board may end a session as it likes.
            self._retry_at = now
        elif pending is not None:
            self._retry_at = pending.at = now + self._timing.attempt_again_s
        else:
            self._retry_at = now + min(2.0 ** min(self._failures - 1, 16), self._timing.retry_most_s)
        if call.is_prompted:
            self._is_prompted = True
        if call.ask.verb is Verb.SENSORS:
            # That may have been what was too much for it.
            self._sensed(call.asked_at, (), text)
        if self._retry_at > now:
            self._know(is_reachable=False, power=None, error=text, asked_at=now)
            self._has_news |= self._is_prompted
            self._is_prompted = False
            if self._wants_sensors:
                self._sensed(now, (), text)

    def _know(self, **changes: object) -> None:
        before = self.state or BoardState(False, None, "", -math.inf)
        after = dataclasses.replace(before, **changes)  # type: ignore[arg-type]
        if self.state is None or dataclasses.replace(before, asked_at=after.asked_at) != after:
            self._has_news = True
        self.state = after

    def _sensed(self, asked_at: float, readings: Sequence[Any], error: str) -> None:
        self.sensed = Sensed(tuple(readings), error, asked_at)
        self._wants_sensors = False
        self._has_news = True
