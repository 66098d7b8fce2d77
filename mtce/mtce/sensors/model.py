# SPDX-License-Identifier: Apache-2.0
"""Which sensors a host has, in which groups, and what is to be done about them (spec mtce-sm.md A6.2).

The model is learned from what the board tells, and kept: what an operator has set outlives that it is learned anew.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Protocol

MOST_SENSORS = 512
MOST_GROUPS = 20
AUDIT_S = 120
LEAST_AUDIT_S = 10


class Severity(enum.StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Action(enum.StrEnum):
    IGNORE = "ignore"
    LOG = "log"
    ALARM = "alarm"
    RESET = "reset"
    POWERCYCLE = "powercycle"


_MILD = (Action.IGNORE, Action.LOG, Action.ALARM)
CHOICES: Mapping[Severity, tuple[Action, ...]] = {
    Severity.MINOR: _MILD,
    Severity.MAJOR: _MILD,
    Severity.CRITICAL: (*_MILD, Action.RESET, Action.POWERCYCLE),
}
DEFAULTS: Mapping[Severity, Action] = {
    Severity.MINOR: Action.IGNORE,
    Severity.MAJOR: Action.LOG,
    Severity.CRITICAL: Action.ALARM,
}
# By what a sensor measures. Those that measure nothing of it are not watched.
GROUPS = {
    "fan": "server fans",
    "temperature": "server temperature",
    "voltage": "server voltage",
    "power": "server power",
    "current": "server current",
    "usage": "server usage",
}


class Thresholds(Protocol):
    """stx.boards.Thresholds."""

    @property
    def major_lower(self) -> float | None: ...
    @property
    def major_upper(self) -> float | None: ...
    @property
    def critical_lower(self) -> float | None: ...
    @property
    def critical_upper(self) -> float | None: ...


class Reading(Protocol):
    """stx.boards.Reading."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def thresholds(self) -> Thresholds: ...


@dataclasses.dataclass(frozen=True)
class Sensor:
    """:ivar limits: (major lower, major upper, critical lower, critical upper), None where the board tells none
    :ivar is_suppressed: it is watched, and nothing is done about it
    """

    name: str
    kind: str
    group: str
    unit: str = ""
    limits: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    is_suppressed: bool = False


@dataclasses.dataclass(frozen=True)
class Group:
    """:ivar is_suppressed: nothing is done about any of its sensors
    :ivar audit_s: how often it is read; a host's sensors are read together, so the shortest counts
    """

    name: str
    kind: str
    actions: Mapping[Severity, Action] = dataclasses.field(default_factory=lambda: DEFAULTS)
    is_suppressed: bool = False
    audit_s: int = AUDIT_S


@dataclasses.dataclass(frozen=True)
class Model:
    """Sensors and groups by name.

    :ivar left_out: how many sensors are not watched, as there are too many
    """

    sensors: Mapping[str, Sensor] = dataclasses.field(default_factory=dict)
    groups: Mapping[str, Group] = dataclasses.field(default_factory=dict)
    left_out: int = 0

    @property
    def audit_s(self) -> int:
        return min((group.audit_s for group in self.groups.values()), default=AUDIT_S)

    def is_suppressed(self, sensor: Sensor) -> bool:
        return sensor.is_suppressed or self.groups[sensor.group].is_suppressed

    def action(self, sensor: Sensor, status: str) -> Action:
        """What is to be done about a sensor that is so."""
        if self.is_suppressed(sensor) or status not in list(Severity):
            return Action.IGNORE
        return self.groups[sensor.group].actions[Severity(status)]


def is_watched(reading: Reading) -> bool:
    return reading.kind in GROUPS


def learn(readings: Iterable[Reading], before: Model | None = None) -> Model:
    """The model of what the board tells.

    :param before: the one until now: what an operator has set in it stays
    """
    before = before or Model()
    sensors: dict[str, Sensor] = {}
    left_out = 0
    for reading in readings:
        if not is_watched(reading) or reading.name in sensors:
            continue
        if len(sensors) == MOST_SENSORS:
            left_out += 1
            continue
        known = before.sensors.get(reading.name)
        sensors[reading.name] = _sensor(reading, known is not None and known.is_suppressed)
    return Model(sensors, _groups(sensors.values(), before), left_out)


def grow(model: Model, readings: Iterable[Reading]) -> Model:
    """The model, with the sensors that the board has told of since."""
    sensors, left_out = dict(model.sensors), 0
    for reading in readings:
        if is_watched(reading) and reading.name not in sensors:
            if len(sensors) < MOST_SENSORS:
                sensors[reading.name] = _sensor(reading, is_suppressed=False)
            else:
                left_out += 1
    return Model(sensors, _groups(sensors.values(), model), left_out)


def _sensor(reading: Reading, is_suppressed: bool) -> Sensor:
    told = reading.thresholds
    limits = (told.major_lower, told.major_upper, told.critical_lower, told.critical_upper)
    return Sensor(reading.name, str(reading.kind), GROUPS[reading.kind], reading.unit, limits, is_suppressed)


def _groups(sensors: Iterable[Sensor], before: Model) -> dict[str, Group]:
    audit_s = before.audit_s
    groups: dict[str, Group] = {}
    for sensor in sensors:
        if sensor.group not in groups:
            groups[sensor.group] = before.groups.get(sensor.group) or Group(sensor.group, sensor.kind, audit_s=audit_s)
    return groups
