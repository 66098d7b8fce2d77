# SPDX-License-Identifier: Apache-2.0
"""What is known of one watched process, what can happen to it, and what can be done: the words that `fsm` speaks.

States and severities: spec mtce-sm.md A5.2. Times are monotonic seconds.
"""

import dataclasses
import enum

from mtce.pmon.conf import Severity


class State(enum.StrEnum):
    """LOOKING (is it there?) -> STARTING (the start action runs) -> STARTUP (startuptime) -> DEBOUNCE (up, but earlier
    failures still count) -> RUNNING. A failure leads back to LOOKING, at once the first time, else through RESTART_WAIT.

    WAITING for the host's configuration; KILLING a process that does not answer; FAILED and not restarted, but looked for;
    HELD down by maintenance; IGNORED by its file, or given up.
    """

    NEW = "new"
    WAITING = "waiting"
    LOOKING = "looking"
    STARTING = "starting"
    STARTUP = "startup"
    DEBOUNCE = "debounce"
    RUNNING = "running"
    RESTART_WAIT = "restart-wait"
    KILLING = "killing"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    HELD = "held"
    IGNORED = "ignored"


UP_STATES = frozenset({State.STARTUP, State.DEBOUNCE, State.RUNNING})


class Verb(enum.StrEnum):
    START = "start"
    STOP = "stop"
    RESTART = "restart"


class Looking(enum.StrEnum):
    """Why the process is looked for, which decides what its absence means."""

    BEGIN = "begin"
    """The monitor begins and knows nothing of it: start it."""
    BEGIN_UP = "begin-up"
    """It was up when an earlier monitor ended: it has failed since."""
    START = "start"
    """It is to be started, unless somebody else already has."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds.

    :ivar action_s: a start or stop action
    :ivar look_s: finding out whether the process is there
    :ivar kill_s: the end of a killed process
    :ivar stop_s: the end of a process that was asked to end
    :ivar first_answer_s: a new process's first answer to active monitoring
    """

    action_s: float = 90.0
    look_s: float = 10.0
    kill_s: float = 5.0
    stop_s: float = 10.0
    first_answer_s: float = 180.0


@dataclasses.dataclass(frozen=True)
class Probe:
    """Repeated questions: pulses in active mode, status runs in status mode, looks while the process is awaited.

    :ivar next_at: when to ask next
    :ivar answer_by: when the question that was asked counts as missed
    """

    next_at: float | None = None
    answer_by: float | None = None
    sequence: int = 0
    misses: int = 0
    answers: int = 0
    is_heard: bool = False
    grace_until: float = 0.0


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where one process stands.

    :ivar deadline: when the state's own wait ends; None when it waits for an event only
    :ivar failures: failures since the process was last stable, or since the alarm was raised
    :ivar rounds: how often the allowed restarts were used up since it was last stable
    :ivar restarts: restarts in all
    :ivar alarm: severity of the alarm that is on
    :ivar owes_clear: an alarm of an earlier time may be on; it ends once the process has proved stable
    :ivar reason: why it failed last
    :ivar is_initialised: all goenabled tests of the host have passed
    """

    state: State = State.NEW
    since: float = 0.0
    deadline: float | None = None
    failures: int = 0
    rounds: int = 0
    restarts: int = 0
    alarm: Severity | None = None
    owes_clear: bool = False
    reason: str = ""
    is_up: bool = False
    is_maintenance: bool = False
    is_initialised: bool = True
    looking: Looking = Looking.BEGIN
    is_action_done: bool = False
    is_killed: bool = False
    starts_after_stop: bool = False
    probe: Probe = Probe()


@dataclasses.dataclass(frozen=True)
class Begin:
    """Watching begins. `is_gate_open`: the configuration that it waits for is complete."""

    was_up: bool = False
    is_gate_open: bool = True


@dataclasses.dataclass(frozen=True)
class GateOpened:
    pass


@dataclasses.dataclass(frozen=True)
class Initialised:
    """All goenabled tests of the host have passed, or no longer have."""

    is_done: bool


@dataclasses.dataclass(frozen=True)
class Maintenance:
    is_on: bool


@dataclasses.dataclass(frozen=True)
class Found:
    """The answer to Find."""

    is_up: bool
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Done:
    """A start or stop action has ended."""

    is_ok: bool
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Died:
    """The process ended. `is_expected`: a start action may end it so, to put another in its place."""

    reason: str = ""
    is_expected: bool = False


@dataclasses.dataclass(frozen=True)
class Answered:
    sequence: int


@dataclasses.dataclass(frozen=True)
class Order:
    verb: Verb


@dataclasses.dataclass(frozen=True)
class Tick:
    """A deadline has passed; harmless when none has."""


Event = Begin | GateOpened | Initialised | Maintenance | Found | Done | Died | Answered | Order | Tick


@dataclasses.dataclass(frozen=True)
class Spawn:
    """Run the start action; tell its end with Done."""


@dataclasses.dataclass(frozen=True)
class Stop:
    """Run the stop action (tell its end with Done), or ask a command's process to end."""


@dataclasses.dataclass(frozen=True)
class Kill:
    """End the process with SIGKILL."""


@dataclasses.dataclass(frozen=True)
class Find:
    """Find out whether the process is there, or, in status mode, well; tell with Found."""


@dataclasses.dataclass(frozen=True)
class Cancel:
    """End the running action or look; its result is not wanted any more."""


@dataclasses.dataclass(frozen=True)
class Pulse:
    sequence: int


@dataclasses.dataclass(frozen=True)
class RaiseAlarm:
    severity: Severity
    text: str


@dataclasses.dataclass(frozen=True)
class ClearAlarm:
    pass


@dataclasses.dataclass(frozen=True)
class Log:
    severity: Severity
    text: str


@dataclasses.dataclass(frozen=True)
class Report:
    """The process counts as failed with this severity, or as healthy."""

    severity: Severity | None


Effect = Spawn | Stop | Kill | Find | Cancel | Pulse | RaiseAlarm | ClearAlarm | Log | Report
Step = tuple[Machine, list[Effect]]
