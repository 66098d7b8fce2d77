# SPDX-License-Identifier: Apache-2.0
"""A board over IPMI 2.0 (RMCP+), by pyghmi."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from stx import boards
from stx.boards import (
    BoardError,
    BootDevice,
    Identity,
    Kind,
    LoginError,
    Power,
    Reading,
    SensorKind,
    Status,
    Thresholds,
    UnreachableError,
)

PORT = 623
# Network functions and commands: specification 2.0, appendix G.
_CHASSIS, _SENSOR, _APPLICATION = 0x00, 0x04, 0x06
_CHASSIS_CONTROL, _GET_THRESHOLDS, _GET_DEVICE_ID = 0x02, 0x27, 0x01
_CONTROL = {Power.OFF: 0, Power.ON: 1}
_RESET = 3
_DEVICES = {BootDevice.NETWORK: "network", BootDevice.DISK: "hd"}
_KINDS = {
    "Temperature": SensorKind.TEMPERATURE,
    "Voltage": SensorKind.VOLTAGE,
    "Current": SensorKind.CURRENT,
    "Fan": SensorKind.FAN,
    "Power": SensorKind.POWER,
}
# By unit, where the sensor's type says nothing of use.
_UNITS = {
    "W": SensorKind.POWER,
    "A": SensorKind.CURRENT,
    "V": SensorKind.VOLTAGE,
    "RPM": SensorKind.FAN,
    "°C": SensorKind.TEMPERATURE,
}
# The library misses an answer that comes before it waits for it, until it would ask again half a second later. So it looks again after
# this time, and then whenever half as much more time has passed since it asked.
_LOOK_S = 0.005
# What it says of a board that does not answer (any more), and of a user that the board does not let in.
_SILENT = ("timeout", "no longer connected", "failed to initialize")
_REFUSED = ("password", "unauthorized", "privilege", "rakp")


class Ipmi(boards.Board):
    def __init__(self, login: boards.Login) -> None:
        command, self._errors = boards.library("pyghmi.ipmi.command"), boards.library("pyghmi.exceptions").PyghmiException
        wait_briefly(boards.library("pyghmi.ipmi.private.session"))
        self._session: Any = None
        self._thresholds: dict[int, Thresholds] = {}
        with self._told():
            self._session = command.Command(
                bmc=login.address, userid=login.username, password=login.password, port=PORT, keepalive=False
            )

    def power(self) -> Power:
        with self._told():
            return Power(self._session.get_power()["powerstate"])

    def order(self, wanted: Power) -> None:
        try:
            self._control(_CONTROL[wanted])
        except UnreachableError:
            raise
        except BoardError:
            # Some refuse when the host is so already.
            if self.power() is not wanted:
                raise

    def reset(self) -> None:
        self._control(_RESET)

    def _control(self, what: int) -> None:
        # The library's own way asks for the maker and the state first.
        self._ask(_CHASSIS, _CHASSIS_CONTROL, what)

    def _ask(self, function: int, command: int, *data: int) -> bytes:
        with self._told():
            answer = self._session.raw_command(netfn=function, command=command, data=data)
            if "error" in answer:
                raise BoardError(f"IPMI: {answer['error']}")
            return bytes(answer["data"])

    def set_boot_device(self, device: BootDevice, once: bool = True) -> None:
        with self._told():
            self._session.set_bootdev(_DEVICES[device], persist=not once)

    def sensors(self) -> list[Reading]:
        with self._told():
            found = []
            for number, known in self._known().items():
                answer = self._session.raw_command(
                    netfn=_SENSOR, command=0x2D, rslun=known.sensor_lun, data=(known.sensor_number,)
                )
                if "error" not in answer:
                    found.append(self._reading(number, known, known.decode_sensor_reading(self._session, answer["data"])))
                else:
                    found.append(Reading(known.name, _kind(known.sensor_type, ""), None, "", Status.OFFLINE))
            return boards.distinct(found)

    def _known(self) -> dict[int, Any]:
        """What the board tells of its sensors, by number; it is asked once."""
        self._session.init_sdr()
        described = self._session._sdr
        return {number: described.sensors[number] for number in described.get_sensor_numbers()}

    def _reading(self, number: int, known: Any, read: Any) -> Reading:
        unit = (read.units or "").strip()
        kind = _kind(read.type, unit)
        if read.unavailable or (read.value is None and not read.states and known.has_thresholds):
            return Reading(read.name, kind, None, unit, Status.OFFLINE, self._limits(number, known))
        value = None if read.value is None else round(float(read.value), 3)
        return Reading(read.name, kind, value, unit, _status(read.health), self._limits(number, known))

    def _limits(self, number: int, known: Any) -> Thresholds:
        if number not in self._thresholds:
            self._thresholds[number] = self._ask_limits(known) if known.has_thresholds else Thresholds()
        return self._thresholds[number]

    def _ask_limits(self, known: Any) -> Thresholds:
        answer = self._session.raw_command(
            netfn=_SENSOR, command=_GET_THRESHOLDS, rslun=known.sensor_lun, data=(known.sensor_number,)
        )
        if "error" in answer:
            return Thresholds()
        readable, *raw = answer["data"]
        # In IPMI's order: lower non-critical, critical, fatal, upper likewise.
        told = [
            round(known.decode_value(self._session, count), 3) if readable >> bit & 1 else None
            for bit, count in enumerate(raw[:6])
        ]
        told += [None] * (6 - len(told))
        return Thresholds(major_lower=told[0], critical_lower=told[1], major_upper=told[3], critical_upper=told[4])

    def identity(self) -> Identity:
        told = self._ask(_APPLICATION, _GET_DEVICE_ID)
        maker, product = int.from_bytes(told[6:9], "little"), int.from_bytes(told[9:11], "little")
        firmware = f"{told[2] & 0x7F}.{told[3]:02x}"
        try:
            with self._told():
                plate = self._session.get_inventory_of_component("System") or {}
        except UnreachableError:
            raise
        except BoardError:
            # It has no plate, or none that can be read: numbers are better than nothing.
            plate = {}
        return Identity(
            Kind.IPMI,
            manufacturer=str(plate.get("Manufacturer") or plate.get("Board manufacturer") or f"IANA enterprise {maker}"),
            model=str(plate.get("Product name") or plate.get("Board product name") or f"product {product}"),
            firmware=firmware,
        )

    def close(self) -> None:
        with contextlib.suppress(self._errors, OSError):
            self._session.ipmi_session.logout()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        # Whatever a broken board answers, its parts are looked for in vain.
        except (self._errors, OSError, LookupError, ValueError, TypeError, AssertionError) as error:
            said = str(error) or type(error).__name__
            words = said.lower()
            # Of a board that has never answered it says nothing.
            if isinstance(error, OSError) or said == "None" or any(word in words for word in _SILENT):
                because = "" if said == "None" else f" ({said})"
                raise UnreachableError(f"IPMI: the board does not answer{because}.") from error
            if self._session is None and any(word in words for word in _REFUSED):
                raise LoginError(f"IPMI: the board refuses the user or its password ({said}).") from error
            raise BoardError(f"IPMI: {said}") from error


def wait_briefly(session: Any, clock: Callable[[], float] = time.monotonic) -> None:
    """Have the library look again and again, wherever it waits; it goes by its own deadlines all the same."""
    wait, send, sent_at = session._io_wait, session._io_sendto, -math.inf
    if hasattr(wait, "in_full"):
        return

    def note(*arguments: Any) -> Any:
        nonlocal sent_at
        sent_at = clock()
        return send(*arguments)

    def briefly(timeout: float, *arguments: Any) -> Any:
        return wait(min(timeout, max(_LOOK_S, (clock() - sent_at) / 2)), *arguments)

    briefly.in_full = wait  # type: ignore[attr-defined]
    session._io_wait, session._io_sendto = briefly, note


def _kind(type_: str, unit: str) -> SensorKind:
    if unit.startswith("%"):
        return SensorKind.USAGE if type_ != "Fan" else SensorKind.FAN
    return _KINDS.get(type_) or _UNITS.get(unit) or SensorKind.OTHER


def _status(health: int) -> Status:
    """Of bits: 1 warning, 2 critical, 4 failed."""
    if health & 0b110:
        return Status.CRITICAL
    return Status.MAJOR if health else Status.OK
