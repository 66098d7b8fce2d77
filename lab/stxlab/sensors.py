# SPDX-License-Identifier: Apache-2.0
"""The sensors that the board of every host has, and how IPMI describes them (specification 2.0, section 43.1)."""

import dataclasses

from stxlab.errors import LabError

OK, WARNING, CRITICAL, FATAL = "ok", "warning", "critical", "fatal"
_WORSE = (WARNING, CRITICAL, FATAL)
CELSIUS, RPM = "°C", "RPM"
_TEMPERATURE, _FAN = 1, 4
_BOARD = 0x20
_LARGEST = 0xFF


class SensorError(LabError):
    """No board has that sensor, or no sensor that value."""


@dataclasses.dataclass(frozen=True)
class Sensor:
    """:ivar name: of its file, and on command lines
    :ivar label: what the board calls it
    :ivar number: of the sensor, and of its record
    :ivar kind: IPMI's number of what it measures
    :ivar entity: IPMI's number of what it is part of
    :ivar unit: for people
    :ivar unit_code: the same for IPMI
    :ivar step: units that one count of the sensor stands for: it counts in one byte
    :ivar normal: what it shows when nobody says otherwise
    :ivar upper: from where on it is too much: warning, critical, fatal; empty when it never is
    :ivar lower: from where on it is too little, likewise
    """

    name: str
    label: str
    number: int
    kind: int
    entity: int
    unit: str
    unit_code: int
    step: int
    normal: int
    upper: tuple[int, ...] = ()
    lower: tuple[int, ...] = ()

    @property
    def most(self) -> int:
        """The greatest value that it can show."""
        return _LARGEST * self.step

    def health(self, value: int) -> str:
        """How bad a value is: ok, warning, critical or fatal."""
        passed = max(
            sum(value >= threshold for threshold in self.upper),
            sum(value <= threshold for threshold in self.lower),
        )
        return _WORSE[passed - 1] if passed else OK

    def checked(self, value: int) -> int:
        """:raises SensorError: when the sensor cannot show the value"""
        if not 0 <= value <= self.most:
            raise SensorError(f"{self.name} shows 0 to {self.most} {self.unit}, not {value}.")
        return value

    def raw(self, value: int) -> int:
        return value // self.step

    def thresholds(self) -> tuple[int, ...]:
        """In counts, in IPMI's order: upper fatal, critical, warning, then lower; where there is none, one that is never passed."""
        upper = self.upper or (self.most,) * 3
        lower = self.lower or (0,) * 3
        return tuple(self.raw(value) for value in (*reversed(upper), *reversed(lower)))

    def has_threshold(self) -> tuple[bool, ...]:
        """In the same order."""
        return (bool(self.upper),) * 3 + (bool(self.lower),) * 3

    def events(self) -> int:
        """A bit for each event that it reports: falling below lower thresholds, rising above upper ones."""
        return (0b000000010101 if self.lower else 0) | (0b101010000000 if self.upper else 0)


SENSORS = (
    Sensor("cpu-temp", "CPU Temp", 1, _TEMPERATURE, 3, CELSIUS, 1, 1, normal=45, upper=(85, 95, 105)),
    Sensor("inlet-temp", "Inlet Temp", 2, _TEMPERATURE, 55, CELSIUS, 1, 1, normal=24, upper=(42, 47, 52), lower=(5, 3, 1)),
    Sensor("fan-1", "Fan 1", 3, _FAN, 29, RPM, 18, 50, normal=6000, lower=(1500, 1000, 500)),
)


def named(name: str) -> Sensor:
    """:raises SensorError: naming those that there are"""
    for sensor in SENSORS:
        if sensor.name == name:
            return sensor
    raise SensorError(f"There is no sensor {name}. There are: {', '.join(sensor.name for sensor in SENSORS)}.")


def record(sensor: Sensor) -> bytes:
    """Its full sensor record."""
    label = sensor.label.encode("ascii")
    reading_lower = 0x7000 if sensor.lower else 0
    reading_upper = 0x7000 if sensor.upper else 0
    present = sum(1 << (5 - place) for place, there in enumerate(sensor.has_threshold()) if there)
    body = bytes(
        [
            *(_BOARD, 0, sensor.number, sensor.entity, 1),
            # Everything is set up and on from the start; it re-arms by itself, and its thresholds can be read and set.
            *(0x7F, 0x48, sensor.kind, 1),
            *(sensor.events() | reading_lower).to_bytes(2, "little"),
            *(sensor.events() | reading_upper).to_bytes(2, "little"),
            *(present, present),
            # The unit; linear, and so many units a count.
            *(0, sensor.unit_code, 0, 0, sensor.step, 0, 0, 0, 0, 0),
            # Nominal reading, normal maximum and minimum, greatest and least reading.
            *(7, sensor.raw(sensor.normal), _LARGEST, 0, _LARGEST, 0),
            *sensor.thresholds(),
            # No hysteresis; reserved bytes.
            *(0, 0, 0, 0, 0, 0xC0 | len(label)),
        ]
    )
    return sensor.number.to_bytes(2, "little") + bytes([0x51, 1, len(body) + len(label)]) + body + label
