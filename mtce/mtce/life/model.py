# SPDX-License-Identifier: Apache-2.0
"""What is kept of a host, what is seen of it, and the limits that decide between the two."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

LOCKED, UNLOCKED = "locked", "unlocked"
ENABLED, DISABLED = "enabled", "disabled"
AVAILABLE, DEGRADED, FAILED, INTEST = "available", "degraded", "failed", "intest"
ONLINE, OFFLINE, POWER_OFF = "online", "offline", "power-off"
IN_SERVICE = frozenset({AVAILABLE, DEGRADED})
NOT_INSTALLED = "not-installed"


class Procedure(enum.StrEnum):
    """What is done to a host; it has one at a time, or none."""

    ENABLE = "enable"
    RECOVER = "recover"
    LOCK = "lock"
    FORCE_LOCK = "force-lock"
    REBOOT = "reboot"
    RESET = "reset"
    REINSTALL = "reinstall"
    POWER_ON = "power-on"
    POWER_OFF = "power-off"
    POWER_CYCLE = "power-cycle"
    SWACT = "swact"
    FORCE_SWACT = "force-swact"


# Of a controller that stays in service.
SWACTS = (Procedure.SWACT, Procedure.FORCE_SWACT)


class Stage(enum.StrEnum):
    """How far a procedure is.

    :cvar END_BOOT: the host is told to reboot, or to reset
    :cvar BOARD_RESET: its board is told to reset it, as it did not obey
    :cvar BOOT: it is to come back in another boot, with its configuration applied
    :cvar GOENABLED: it tests itself
    :cvar START: its services start
    :cvar READY: it is to answer pulses on all networks
    :cvar SOAK: it has to answer pulses for a while
    :cvar WORKER_GOENABLED, WORKER_START: the same for a controller that carries VMs too
    :cvar WAIT: it has failed, and is tried again after a while
    :cvar HAND_OVER: it hands over to the other controller: an operator wants that, or it has failed and nothing is done with it before
    :cvar ASK: it does not answer, and is given a moment to
    :cvar FENCE: its power is cut, so that nothing of it runs on while others take over, or that it cools
    :cvar COOL_OFF: it has no power for a while
    :cvar RETURN: it has failed, and is to come back by itself, or by its power
    :cvar STOP: its services stop
    :cvar WIPE: it is told to boot from its disks no more
    :cvar INSTALL: it is installed
    :cvar POWER: its board is told to switch it on or off
    :cvar POWER_DOWN: its board is told to switch it off, for good
    :cvar TELL: it is over, and operators have a moment to read how
    """

    END_BOOT = "end-boot"
    BOARD_RESET = "board-reset"
    BOOT = "boot"
    GOENABLED = "goenabled"
    START = "start"
    READY = "ready"
    SOAK = "soak"
    WORKER_GOENABLED = "worker-goenabled"
    WORKER_START = "worker-start"
    WAIT = "wait"
    HAND_OVER = "hand-over"
    ASK = "ask"
    FENCE = "fence"
    COOL_OFF = "cool-off"
    RETURN = "return"
    STOP = "stop"
    WIPE = "wipe"
    INSTALL = "install"
    POWER = "power"
    POWER_DOWN = "power-down"
    TELL = "tell"


class Cause(enum.StrEnum):
    """Why a host failed, as far as attempts to have it back are counted apart.

    :cvar FORCED: it has not failed: its lock was forced, and its boot may go on all the same
    """

    CONFIGURATION = "configuration"
    GOENABLED = "goenabled"
    SERVICES = "services"
    HEARTBEAT = "heartbeat"
    BOOT = "boot"
    PROCESS = "process"
    SENSOR = "sensor"
    FORCED = "forced"


class FailureAction(enum.StrEnum):
    """What a host that does not answer pulses brings upon itself (service parameter heartbeat_failure_action)."""

    FAIL = "fail"
    DEGRADE = "degrade"
    ALARM = "alarm"
    NONE = "none"


@dataclasses.dataclass(frozen=True)
class Limits:
    """Times in seconds, and counts (spec mtce-sm.md A1).

    :ivar news_s: until it is known here what an installer has told of a host that is back
    :ivar online_s: for a host that was power-cycled to be heard of; `monitor_s` is for how long its sensors are well until power
        cycles are counted anew, after `hold_off_s` in which they are not judged
    :ivar attempts: by cause, after how many failures a host is left as it is; of sensors, after how many power cycles
    :ivar retry_s: by cause, how long it is left before each other attempt
    """

    failure_action: FailureAction = FailureAction.FAIL
    worker_boot_s: float = 720.0
    controller_boot_s: float = 1200.0
    reboot_s: float = 40.0
    reboots: int = 5
    offline_s: float = 4.6
    goenabled_s: float = 603.0
    services_s: float = 315.0
    ready_s: float = 60.0
    soak_s: float = 11.0
    grace_s: float = 5.0
    fence_s: float = 5.0
    recoveries: int = 2
    board_s: float = 20.0
    power_retries: int = 10
    reset_retries: int = 5
    reset_offline_s: float = 150.0
    force_lock_s: float = 120.0
    install_s: float = 2400.0
    news_s: float = 40.0
    tell_s: float = 20.0
    cold_start_s: float = 1800.0
    swact_s: float = 120.0
    cool_off_s: float = 300.0
    online_s: float = 900.0
    hold_off_s: float = 300.0
    monitor_s: float = 900.0
    attempts: Mapping[Cause, int] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(Cause, 2) | {Cause.BOOT: 5, Cause.SENSOR: 3}
    )
    retry_s: Mapping[Cause, float] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(Cause, 30.0) | {Cause.HEARTBEAT: 600.0}
    )


@dataclasses.dataclass(frozen=True)
class Life:
    """How a host is, and what is done to it. All of it is stored but the last.

    :ivar task: for operators, word for word as it always was
    :ivar attempts: how often the stage, or those before it, were tried again
    :ivar boot_id: the boot in which the host is in service; during a procedure that ends one, the one to end
    :ivar number: counts stages, so that what each of them asks for has a name of its own
    :ivar failures: by cause, how often it failed since it was in service; for a sensor, how often it was power-cycled in a row
    :ivar cause: why it has failed, until it is in service again; without a procedure, why it is left as it is, or what is still to
        become of a host that is locked
    :ivar action_taken: the number of the newest request of an operator that was taken up
    :ivar since: when the stage began, in monotonic seconds; after a start of mtce-agent it begins anew
    """

    administrative: str = LOCKED
    operational: str = DISABLED
    availability: str = OFFLINE
    subfunction_oper: str = DISABLED
    subfunction_avail: str = NOT_INSTALLED
    task: str = ""
    procedure: Procedure | None = None
    stage: Stage | None = None
    attempts: int = 0
    boot_id: str = ""
    number: int = 0
    failures: Mapping[str, int] = dataclasses.field(default_factory=dict)
    cause: Cause | None = None
    action_taken: int = 0
    since: float = 0.0

    @property
    def is_in_service(self) -> bool:
        return self.administrative == UNLOCKED and self.operational == ENABLED

    def to(self, stage: Stage | None, **changes: Any) -> "Life":
        """In another stage, or in the same one once more."""
        return dataclasses.replace(self, stage=stage, number=self.number + 1, **changes)

    def changed(self, **changes: Any) -> "Life":
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a task that the host ran went; `reason` is for operators."""

    token: str
    is_passed: bool
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """What a host said of itself last, in the boot that it is in."""

    boot_id: str
    config: str = "passed"
    results: Mapping[str, Ended] = dataclasses.field(default_factory=dict)
    severities: frozenset[str] = frozenset()
    may_reboot: bool = True


@dataclasses.dataclass(frozen=True)
class Board:
    """What is known of a host's board.

    :ivar is_on: whether the host has power; None while the board does not tell
    :ivar token: of the last order that has ended, and `is_done` how
    """

    is_on: bool | None = None
    token: str = ""
    is_done: bool = False


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is seen of a host.

    :ivar is_all_in_one: a controller that carries VMs too
    :ivar is_self: mtce-agent runs on it
    :ivar has_other: it could be spared; not so the only controller in service
    :ivar action: what an operator asks for, and the request's number; empty when all was taken up
    :ivar is_alive: it answers, on one network at least
    :ivar silent_s: for how long it has not
    :ivar watched: on how many networks it is to answer pulses; 0 where nothing sends any
    :ivar lost: on how many of them it is lost; `is_mgmt_lost`: mgmt is one of them
    :ivar is_spared: many hosts do not answer, and none is failed for it
    :ivar is_given_up: that has lasted for too long
    :ivar is_cold_start: the whole system starts: who is not there yet has not failed
    :ivar board: None where the host has none that is provisioned
    :ivar is_degraded: for other reasons than those that it reports
    :ivar hands_over: whether Service Management has not refused to; None where this mtce-agent has not asked
    :ivar wanted_by_sensor: a sensor shows what only this helps against: RESET or POWER_CYCLE
    :ivar is_installed: what its installer has told: that it works or has ended well, or that it has failed; None where it said nothing
    """

    personality: str
    is_all_in_one: bool = False
    is_simplex: bool = False
    is_self: bool = False
    has_other: bool = True
    action: str = ""
    action_number: int = 0
    is_alive: bool = False
    silent_s: float = 0.0
    watched: int = 0
    lost: int = 0
    is_mgmt_lost: bool = False
    boot_id: str = ""
    report: Report | None = None
    is_spared: bool = False
    is_given_up: bool = False
    is_cold_start: bool = False
    board: Board | None = None
    is_degraded: bool = False
    hands_over: bool | None = None
    wanted_by_sensor: Procedure | None = None
    is_installed: bool | None = None

    @property
    def is_booted(self) -> bool:
        """Whether it has said something of the boot that it is in."""
        return self.is_alive and self.report is not None

    def is_in_other_boot(self, life: Life) -> bool:
        """Whether it has booted since it was in service, by its answers to pulses even before its first report."""
        return self.is_alive and bool(self.boot_id) and self.boot_id != life.boot_id

    @property
    def is_lost(self) -> bool:
        """Whether pulses that are not answered count against it. Of a plain controller the second network alone does not."""
        return self.lost > 0 and (self.is_mgmt_lost or self.personality != "controller" or self.is_all_in_one)

    @property
    def is_lost_everywhere(self) -> bool:
        return self.watched > 0 and self.lost == self.watched

    def boot_s(self, limits: Limits) -> float:
        base = limits.controller_boot_s if self.personality == "controller" else limits.worker_boot_s
        return base + (limits.cold_start_s if self.is_cold_start else 0.0)
