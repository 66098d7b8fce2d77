# SPDX-License-Identifier: Apache-2.0
"""The face of Host Management."""

import enum
from typing import Annotated

import msgspec

from mtce.heartbeat import wire
from stx import rpc
from stx.context import RequestContext

TOPIC = "mtce.agent"
VERSION = "1.1"
HOST_TOPIC = "mtce.host"
HOST_VERSION = "1.0"


class Task(enum.StrEnum):
    """What a host can be asked to run (spec mtce-sm.md A4.2); the worker's are those of a controller that carries VMs too."""

    GOENABLED = "goenabled"
    GOENABLED_WORKER = "goenabled-worker"
    START = "start"
    START_WORKER = "start-worker"
    STOP = "stop"


class Config(enum.StrEnum):
    """How the last application of the host's configuration went."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class End(enum.StrEnum):
    """How a boot is to end.

    :cvar REBOOT: services are stopped first
    :cvar RESET: at once
    :cvar WIPE: at once, after the disks were made such that nothing boots from them
    """

    REBOOT = "reboot"
    RESET = "reset"
    WIPE = "wipe"


class Result(msgspec.Struct):
    """How it went.

    :ivar token: of the wish for it
    :ivar reason: which script failed, or took too long; for operators
    """

    token: str
    is_passed: bool
    reason: str = ""


class HostReport(msgspec.Struct):
    """What a host says of itself.

    :ivar boot_id: differs after every boot
    :ivar uptime_s: seconds since boot
    :ivar failed: severity of the watched processes that have failed, by name
    :ivar results: of tasks that have ended in this boot, the last of each, by Task
    :ivar resources: severity of what is used up, by alarm entity
    :ivar addresses: by network, those of this host that only it knows
    :ivar may_reboot: not where the host is somebody's workstation
    """

    hostname: str
    boot_id: wire.BootId
    uptime_s: Annotated[int, msgspec.Meta(ge=0)]
    failed: dict[str, str]
    config: Config = Config.PASSED
    results: dict[str, Result] = {}
    resources: dict[str, str] = {}
    addresses: dict[str, str] = {}
    may_reboot: bool = True


class Wish(msgspec.Struct):
    """What a host is to do. It is said again in every answer until it is so, and what was done is not done again.

    :ivar is_locked: whether the host keeps the flag that says so; None leaves it
    :ivar tasks: what to run, each once for each token, by Task
    :ivar boot_id: the boot that is to end; a host that has another one has ended it already
    :ivar end: how
    :ivar report_s: report as often as this for now; 0 for the usual
    """

    is_locked: bool | None = None
    tasks: dict[str, str] = {}
    boot_id: str = ""
    end: End = End.REBOOT
    report_s: float = 0.0


class Agent:
    """mtce-agent over RPC."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._rpc = rpc.Client(TOPIC, VERSION, timeout_s)

    def report(self, context: RequestContext, report: HostReport) -> Wish:
        """Say how a host is; gives what it is to do."""
        return self._rpc.call(context, "report", into=Wish, report=report)


class Host:
    """mtce-client of a host over RPC."""

    def __init__(self) -> None:
        self._rpc = rpc.Client(HOST_TOPIC, HOST_VERSION)

    def look(self, context: RequestContext, hostname: str) -> None:
        """Have the host report now, as there is something new for it to do. Its next report would tell it too.

        :raises exception.Unavailable: when the message bus is away
        """
        self._rpc.cast(context, "look", server=hostname)
