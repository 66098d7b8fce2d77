# SPDX-License-Identifier: Apache-2.0
"""A simulated host for one process: carries out what the state machine asks for, in virtual time."""

from mtce.pmon import fsm
from mtce.pmon.conf import Mode, ProcessConf
from mtce.pmon.machine import (
    Answered,
    Begin,
    Cancel,
    ClearAlarm,
    Died,
    Done,
    Effect,
    Event,
    Find,
    Found,
    Kill,
    Machine,
    Order,
    Pulse,
    RaiseAlarm,
    Report,
    Spawn,
    State,
    Stop,
    Tick,
    Verb,
)


class World:
    """The process, its start and stop actions, and everything that was ever asked for.

    :ivar is_alive: the process is there (in status mode: well)
    :ivar is_startable: a start action brings the process up
    :ivar job: the action or look under way
    :ivar answers: the process answers questions, dies when killed, and actions end, all at once
    """

    def __init__(self, conf: ProcessConf, *, is_alive: bool = False, machine: Machine | None = None) -> None:
        self.conf = conf
        self.now = 1000.0
        self.machine = machine or Machine()
        self.is_alive = is_alive
        self.is_startable = True
        self.answers = True
        self.job: Effect | None = None
        self.question: int | None = None
        self.effects: list[tuple[float, Effect]] = []
        self.reported = None

    def begin(self, **facts: bool) -> None:
        self.feed(Begin(**facts))

    def feed(self, event: Event) -> list[Effect]:
        """One event and all that follows from it at once."""
        self.machine, effects = fsm.step(self.conf, self.machine, event, self.now)
        self.effects += [(self.now, effect) for effect in effects]
        for effect in effects:
            self._carry_out(effect)
        if self.answers:
            self.finish()
        return effects

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Spawn() | Stop() | Find():
                self.job = effect
            case Cancel():
                self.job = None
            case Kill():
                self.job = effect
            case Pulse(sequence):
                self.question = sequence
            case Report(severity):
                self.reported = severity

    def finish(self) -> None:
        """The job under way ends, and an open question is answered."""
        job, self.job = self.job, None
        match job:
            case Find():
                self.feed(Found(self.is_alive, "" if self.is_alive else "it is not well"))
            case Spawn():
                self.is_alive = self.is_startable
                self.feed(Done(True) if self.is_startable else Done(False, "its start action failed"))
            case Stop():
                was_alive, self.is_alive = self.is_alive, False
                if was_alive and self.conf.mode is not Mode.STATUS:
                    self.feed(Died("it was stopped"))
                if not self.conf.is_command:
                    self.feed(Done(True))
            case Kill():
                if self.is_alive:
                    self.is_alive = False
                    self.feed(Died("killed"))
        if self.question is not None:
            sequence, self.question = self.question, None
            if self.is_alive:
                self.feed(Answered(sequence))

    def die(self, *, is_expected: bool = False) -> None:
        self.is_alive = False
        if self.conf.mode is not Mode.STATUS:
            self.feed(Died("killed by signal 9", is_expected))

    def order(self, verb: Verb) -> None:
        self.feed(Order(verb))

    def run(self, seconds: float) -> None:
        """Time passes; every deadline on the way is served."""
        end = self.now + seconds
        while (due := fsm.next_deadline(self.machine)) is not None and due <= end:
            self.now = max(self.now, due)
            self.feed(Tick())
        self.now = end

    def run_until(self, *states: State, limit_s: float = 2000.0) -> None:
        end = self.now + limit_s
        while self.machine.state not in states:
            due = fsm.next_deadline(self.machine)
            if due is None or due > end:
                raise AssertionError(f"stuck in {self.machine}")
            self.now = max(self.now, due)
            self.feed(Tick())

    def of(self, *kinds: type[Effect]) -> list[Effect]:
        return [effect for _, effect in self.effects if isinstance(effect, kinds)]

    @property
    def alarm_texts(self) -> list[str]:
        return [effect.text for effect in self.of(RaiseAlarm)]

    @property
    def is_alarm_on(self) -> bool:
        kinds = self.of(RaiseAlarm, ClearAlarm)
        return bool(kinds) and isinstance(kinds[-1], RaiseAlarm)
