# SPDX-License-Identifier: Apache-2.0
"""One watched process: carries out what its state machine asks for."""

import collections
import contextlib
import dataclasses
import logging
import selectors
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace

from mtce.pmon import actions, fsm, launch, moves, small_file
from mtce.pmon.conf import Mode, ProcessConf
from mtce.pmon.job import Job
from mtce.pmon.machine import (
    UP_STATES,
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
    Limits,
    Log,
    Machine,
    Maintenance,
    Pulse,
    RaiseAlarm,
    Report,
    Spawn,
    State,
    Stop,
)
from mtce.pmon.presence import Presence
from mtce.pmon.publish import ProcessReport, Publisher
from mtce.pmon.sockets import PulseSocket
from mtce.pmon.state_file import Saved

LOG = logging.getLogger(__name__)

MAX_FAILURE_TEXT = 500
_LOG_LEVELS = {"minor": logging.WARNING, "major": logging.ERROR, "critical": logging.ERROR}


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What all watched processes share. Selector data are functions to call when their descriptor is readable."""

    selector: selectors.BaseSelector
    clock: Callable[[], float]
    publisher: Publisher
    pulses: PulseSocket
    limits: Limits
    systemctl: str
    is_maintenance: Callable[[], bool]


class Watched:
    """:param saved: what an earlier monitor knew
    :param blank: a new machine that knows the host's state
    :ivar machine: where the process stands
    :ivar changes: how often something has changed that saved() tells
    """

    def __init__(self, conf: ProcessConf, saved: Saved, around: Surroundings, blank: Machine) -> None:
        self.conf = conf
        self.machine = replace(
            blank,
            state=State.STOPPED if saved.is_stopped else State.NEW,
            since=around.clock(),
            failures=saved.failures,
            rounds=saved.rounds,
            restarts=saved.restarts,
            alarm=conf.severity if saved.alarm else None,
            owes_clear=saved.owes_clear,
            reason=saved.reason,
        )
        self.changes = 0
        self._around = around
        self._was_up = saved.is_up
        self._presence = Presence(conf, around.selector, saved.identity, self._exited)
        self._job: Job | None = None
        self._events: collections.deque[Event] = collections.deque()
        if self.machine.alarm:
            around.publisher.set_alarm(conf.name, conf.severity, moves.alarm_text(conf, saved.reason))

    @property
    def pid(self) -> int | None:
        process = self._presence.identity
        return process.pid if process else None

    def begin(self, *, is_gate_open: bool) -> None:
        self.feed(Begin(self._was_up, is_gate_open))

    def saved(self) -> Saved:
        """What a later monitor needs to know."""
        machine = self.machine
        return Saved(
            failures=machine.failures,
            rounds=machine.rounds,
            restarts=machine.restarts,
            alarm=machine.alarm,
            reason=machine.reason,
            is_up=machine.is_up and machine.state in UP_STATES,
            is_stopped=machine.state is State.STOPPED,
            identity=self._presence.known,
            owes_clear=machine.owes_clear,
        )

    def feed(self, event: Event) -> None:
        """Something happened: change state, and carry out what follows."""
        # Looked at now rather than watched for: the flag may be as old as the death that it explains.
        is_maintenance = self._around.is_maintenance()
        if is_maintenance != self.machine.is_maintenance:
            self._events.append(Maintenance(is_maintenance))
        self._events.append(event)
        while self._events:
            before = self.machine
            event, now = self._events.popleft(), self._around.clock()
            self.machine, effects = fsm.step(self.conf, before, event, now, self._around.limits)
            if self.machine.state is not before.state:
                LOG.info("%s: %s -> %s (pid %s)", self.conf.name, before.state, self.machine.state, self.pid)
            # Whatever else is saved changes with these.
            self.changes += (self.machine.state, self.machine.is_up) != (before.state, before.is_up)
            for effect in effects:
                self._tell(effect)
                self._carry_out(effect)

    def release(self) -> None:
        """Stop watching; the process lives on."""
        self._cancel()
        self._presence.let_go()

    def forget(self) -> None:
        """Stop watching for good: what was told of the process ends too."""
        self.release()
        self.machine, effects = moves.healthy(self.machine)
        for effect in effects:
            self._tell(effect)

    def _tell(self, effect: Effect) -> None:
        name, publisher = self.conf.name, self._around.publisher
        match effect:
            case RaiseAlarm(severity, text):
                LOG.error("%s", text)
                publisher.set_alarm(name, severity, text)
            case ClearAlarm():
                LOG.info("%s has no alarm any more", name)
                publisher.clear_alarm(name)
            case Log(severity, text):
                LOG.log(_LOG_LEVELS[severity], "%s", text)
                publisher.log(name, severity, text)
            case Report(None):
                publisher.set_failed(name, None)
            case Report(severity) if severity:
                publisher.set_failed(name, ProcessReport(severity, self.machine.reason, self.conf.quorum))

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Spawn():
                self._spawn()
            case Stop():
                self._stop()
            case Kill():
                self._signal(signal.SIGKILL)
            case Find():
                self._find()
            case Cancel():
                self._cancel()
            case Pulse(sequence):
                self._around.pulses.ask(self.conf.name, self.conf.port, sequence)

    def _spawn(self) -> None:
        if not self.conf.is_command:
            self._presence.expect_replacement()
            self._act(actions.start_argv(self.conf, self._around.systemctl))
            return
        try:
            self._presence.start(self.conf.stdout)
        except launch.LaunchError as error:
            self._events.append(Done(False, str(error)))
        else:
            self._events.append(Done(True))

    def _stop(self) -> None:
        argv = actions.stop_argv(self.conf, self._around.systemctl)
        if argv:
            self._act(argv)
        else:
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if not self._presence.send_signal(number):
            self._events.append(Died("it was gone already"))

    def _act(self, argv: Sequence[str]) -> None:
        def on_end(code: int | None, _output: bytes) -> None:
            is_ok = code == 0
            self._end_job(Done(is_ok, "" if is_ok else f"`{' '.join(argv)}` did not succeed: {launch.ending(code)}"))

        self._cancel()
        try:
            self._job = Job(self._around.selector, argv, on_end, log_path=self.conf.stdout)
        except launch.LaunchError as error:
            self._events.append(Done(False, str(error)))

    def _find(self) -> None:
        argv = actions.look_argv(self.conf, self._around.systemctl)
        if not argv:
            is_up = self._presence.find()
            self._events.append(Found(is_up, "" if is_up else f"its pidfile {self.conf.pidfile} names no living process"))
            return
        self._cancel()
        try:
            self._job = Job(self._around.selector, argv, self._looked, is_heard=self.conf.mode is not Mode.STATUS)
        except launch.LaunchError as error:
            self._events.append(Found(False, str(error)))

    def _looked(self, code: int | None, output: bytes) -> None:
        if self.conf.mode is Mode.STATUS:
            self._end_job(Found(code == 0, "" if code == 0 else self._failure_text(code)))
            return
        pid = actions.main_pid(output)
        is_up = pid > 0 and self._presence.follow(pid)
        self._end_job(Found(is_up, "" if is_up else f"unit {self.conf.service} has no main process"))

    def _failure_text(self, code: int | None) -> str:
        text = ""
        if self.conf.status_failure_text:
            with contextlib.suppress(OSError):
                content, _ = small_file.read(self.conf.status_failure_text, MAX_FAILURE_TEXT)
                text = " ".join(content.decode(errors="replace").split())
        return text if text.isprintable() and text else f"its status is bad: {launch.ending(code)}"

    def _end_job(self, event: Event) -> None:
        self._job = None
        self.feed(event)

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _exited(self, code: int | None, is_expected: bool) -> None:
        self.feed(Died(launch.ending(code), is_expected))
