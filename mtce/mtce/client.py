# SPDX-License-Identifier: Apache-2.0
"""The face of Host Management."""

import msgspec

from stx import rpc
from stx.context import RequestContext

TOPIC = "mtce.agent"
VERSION = "1.0"


class HostReport(msgspec.Struct):
    """What a host says of itself.

    :ivar boot_id: differs after every boot
    :ivar uptime_s: seconds since boot
    :ivar failed: severity of the watched processes that have failed, by name
    """

    hostname: str
    boot_id: str
    uptime_s: int
    failed: dict[str, str]


class Agent:
    """mtce-agent over RPC."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._rpc = rpc.Client(TOPIC, VERSION, timeout_s)

    def report(self, context: RequestContext, report: HostReport) -> None:
        self._rpc.call(context, "report", report=report)
