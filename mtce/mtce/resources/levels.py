# SPDX-License-Identifier: Apache-2.0
"""When a resource has an alarm, and of which severity (spec mtce-sm.md A6.1)."""

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

# One reading is chance.
READINGS = 2
# Percent points below its threshold at which a severity is left, so that a value that swings about it does not make events.
HYSTERESIS = 2.0


class Severity(enum.IntEnum):
    """In order; CLEAR is no alarm."""

    CLEAR = 0
    MINOR = 1
    MAJOR = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


CPU, MEMORY, FILE_SYSTEM = "100.101", "100.103", "100.104"
# By network.
PORTS = {"oam": "100.106", "mgmt": "100.108", "cluster": "100.110"}
INTERFACES = {"oam": "100.107", "mgmt": "100.109", "cluster": "100.111"}
# By alarm, the lowest severity with which the host is degraded (spec mtce-sm.md A7, column D).
DEGRADES_AT = {
    **dict.fromkeys((CPU, MEMORY, FILE_SYSTEM), Severity.CRITICAL),
    **dict.fromkeys((*PORTS.values(), *INTERFACES.values()), Severity.MAJOR),
}


@dataclasses.dataclass(frozen=True, order=True)
class Subject:
    """What an alarm is about."""

    alarm_id: str
    entity: str


@dataclasses.dataclass(frozen=True)
class Reading:
    """:ivar severity: by this reading alone
    :ivar text: what an alarm would say
    """

    subject: Subject
    severity: Severity
    text: str


@dataclasses.dataclass(frozen=True)
class Gauge:
    """One resource over time.

    :ivar severity: of its alarm
    :ivar last: severities of the last readings
    """

    severity: Severity = Severity.CLEAR
    last: tuple[Severity, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether there were readings enough to speak of it."""
        return len(self.last) == READINGS

    def read(self, severity: Severity) -> "Gauge":
        """The gauge after one more reading. It moves as far as all of the last ones agree."""
        last = (*self.last, severity)[-READINGS:]
        if len(last) < READINGS:
            return Gauge(self.severity, last)
        return Gauge(min(max(self.severity, min(last)), max(last)), last)


def severity(percent: float, thresholds: Sequence[float], held: Severity) -> Severity:
    """Of a use in percent.

    :param thresholds: of minor, major and critical; fewer are those of the highest ones
    :param held: the alarm's severity now, which is left a little below its threshold
    """
    ranks = list(Severity)[len(Severity) - len(thresholds) :]
    found = Severity.CLEAR
    for rank, threshold in zip(ranks, thresholds, strict=True):
        if percent >= threshold - (HYSTERESIS if rank <= held else 0.0):
            found = rank
    return found


class Gauges:
    """All resources of a host."""

    def __init__(self, told: Mapping[Subject, Severity]) -> None:
        """:param told: alarms that are on from an earlier time"""
        self._gauges = {subject: Gauge(severity) for subject, severity in told.items()}
        self._texts: dict[Subject, str] = {}

    @property
    def subjects(self) -> frozenset[Subject]:
        return frozenset(self._gauges)

    def held(self, subject: Subject) -> Severity:
        """The severity of its alarm."""
        return self._gauges.get(subject, Gauge()).severity

    def read(self, alarm_ids: Iterable[str], readings: Iterable[Reading]) -> None:
        """Take in readings.

        :param alarm_ids: of which all resources are in the readings: others of these are gone, and with them their alarms
        """
        found = {reading.subject: reading for reading in readings}
        kinds = set(alarm_ids)
        for subject in [subject for subject in self._gauges if subject.alarm_id in kinds and subject not in found]:
            if self._gauges[subject].severity:
                self._gauges[subject] = self._gauges[subject].read(Severity.CLEAR)
            else:
                del self._gauges[subject]
                self._texts.pop(subject, None)
        for subject, reading in found.items():
            self._gauges[subject] = self._gauges.get(subject, Gauge()).read(reading.severity)
            if reading.severity:
                self._texts[subject] = reading.text

    def alarms(self) -> dict[Subject, Severity]:
        """Those that are known for sure, also those that are off."""
        return {subject: gauge.severity for subject, gauge in self._gauges.items() if gauge.is_sure}

    def text(self, subject: Subject) -> str:
        """What was last wrong with it."""
        return self._texts[subject]

    def degrading(self) -> dict[str, str]:
        """The severity of what degrades the host, by entity; the highest where one has several."""
        worst: dict[str, Severity] = {}
        for subject, gauge in self._gauges.items():
            if gauge.severity and gauge.severity >= DEGRADES_AT.get(subject.alarm_id, Severity.CRITICAL):
                worst[subject.entity] = max(gauge.severity, worst.get(subject.entity, Severity.CLEAR))
        return {entity: severity.word for entity, severity in worst.items()}
