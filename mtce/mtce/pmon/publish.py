# SPDX-License-Identifier: Apache-2.0
"""Tells the world of failed processes: alarms and logs to Fault Management, the set of failed processes to the agent.

What should be known is compared with what was accepted, and told again until it is: a receiver that fails once loses nothing.
"""

import collections
import dataclasses
import logging
from collections.abc import Callable
from typing import Protocol

from mtce.pmon.conf import Severity

LOG = logging.getLogger(__name__)

RETRY_S = 5.0
# While a patch is installed, how often to see whether it is done.
PATCHING_S = 1.0
MAX_LOGS = 1000


class FaultSink(Protocol):
    """Where alarm 200.006 goes, entity host=<h>.process=<process>. A call must return soon; one that raises is repeated."""

    def raise_process_fault(self, process: str, severity: str, text: str) -> None: ...

    def clear_process_fault(self, process: str) -> None: ...

    def log_process_event(self, process: str, severity: str, text: str) -> None: ...


@dataclasses.dataclass(frozen=True)
class ProcessReport:
    """A failed process. `quorum`: the host cannot do without it, so the host watchdog is to know."""

    severity: Severity
    text: str
    quorum: bool = False


class Publisher:
    """:param is_patching: while it says so, only critical failures are reported, so that the host is not degraded"""

    def __init__(
        self,
        faults: FaultSink,
        report: Callable[[dict[str, ProcessReport]], None],
        is_patching: Callable[[], bool],
    ) -> None:
        self._faults = faults
        self._report = report
        self._is_patching = is_patching
        self._alarms: dict[str, tuple[Severity, str]] = {}
        # Severity of the alarms that Fault Management has, None of those that it may have.
        self._raised: dict[str, Severity | None] = {}
        self._logs: collections.deque[tuple[str, Severity, str]] = collections.deque(maxlen=MAX_LOGS)
        self._failed: dict[str, ProcessReport] = {}
        self._reported: dict[str, ProcessReport] | None = None
        self._again_at: float | None = 0.0

    @property
    def next_deadline(self) -> float | None:
        """When publish() must be called next, monotonic seconds."""
        return self._again_at

    @property
    def uncleared(self) -> frozenset[str]:
        """Processes of which Fault Management has, or may have, an alarm that has ended."""
        return frozenset(self._raised.keys() - self._alarms.keys())

    def set_alarm(self, process: str, severity: Severity, text: str) -> None:
        self._alarms[process] = (severity, text)
        self._again_at = 0.0

    def clear_alarm(self, process: str) -> None:
        """End the alarm, also one that an earlier monitor raised."""
        self._alarms.pop(process, None)
        self._raised.setdefault(process, None)
        self._again_at = 0.0

    def log(self, process: str, severity: Severity, text: str) -> None:
        self._logs.append((process, severity, text))
        self._again_at = 0.0

    def set_failed(self, process: str, report: ProcessReport | None) -> None:
        if report is None:
            self._failed.pop(process, None)
        else:
            self._failed[process] = report
        self._again_at = 0.0

    def publish(self, now: float) -> None:
        """Tell what has not been told."""
        if self._again_at is None or now < self._again_at:
            return
        self._again_at = None
        for tell in (self._publish_faults, self._publish_report):
            try:
                tell(now)
            except Exception:
                # The receivers are the caller's: whatever they raise must not end the watching.
                LOG.exception("Failed processes could not be told; trying again in %g s", RETRY_S)
                self._again_at = now + RETRY_S

    def _publish_faults(self, _now: float) -> None:
        while self._logs:
            self._faults.log_process_event(*self._logs[0])
            self._logs.popleft()
        for process in sorted(self.uncleared):
            self._faults.clear_process_fault(process)
            del self._raised[process]
        for process, (severity, text) in sorted(self._alarms.items()):
            if self._raised.get(process) is not severity:
                self._faults.raise_process_fault(process, severity, text)
                self._raised[process] = severity

    def _publish_report(self, now: float) -> None:
        failed = dict(self._failed)
        if any(report.severity is not Severity.CRITICAL for report in failed.values()) and self._is_patching():
            failed = {process: report for process, report in failed.items() if report.severity is Severity.CRITICAL}
            self._again_at = now + PATCHING_S
        if failed != self._reported:
            self._report(dict(failed))
            self._reported = failed
