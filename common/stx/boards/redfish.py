# SPDX-License-Identifier: Apache-2.0
"""A board over Redfish, by sushy.

Every request is authenticated by itself and opens a connection of its own, as sushy has it: boards choke on connections that stay.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
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

CONNECT_S = 5.0
READ_S = 20.0
_STATUSES = {"OK": Status.OK, "Warning": Status.MAJOR, "Critical": Status.CRITICAL}
_GONE = ("Absent", "Disabled", "UnavailableOffline")


class Redfish(boards.Board):
    def __init__(self, login: boards.Login) -> None:
        self._sushy = boards.library("sushy")
        host = f"[{login.address}]" if login.address.count(":") > 1 else login.address
        url = login.address if "://" in login.address else f"https://{host}/redfish/v1/"
        base, _, path = url.partition("/redfish/")
        # Whatever else a web server answers here, it is not Redfish that does so.
        with self._told(otherwise=UnreachableError):
            self._client = self._sushy.Sushy(
                base,
                root_prefix=f"/redfish/{path or 'v1/'}",
                auth=self._sushy.auth.BasicAuth(login.username, login.password),
                verify=login.verify or False,
                # One try: who asks knows better whether to wait.
                server_side_retries=1,
                read_timeout=READ_S,
                connect_timeout=CONNECT_S,
            )
            if "Systems" not in self._client.json:
                raise LookupError(f"what answers at {url} is no service that knows of systems")
        with self._told():
            self._system = self._find(login.system)

    def _find(self, wanted: str) -> Any:
        if wanted.startswith("/"):
            return self._client.get_system(wanted)
        found = self._client.get_system_collection().get_members()
        if wanted:
            found = [system for system in found if wanted in (system.name, system.identity)]
        if len(found) != 1:
            raise BoardError(f"Redfish: {len(found)} systems match. Name the one that is meant as its system.")
        return found[0]

    def power(self) -> Power:
        with self._told():
            self._system.refresh(force=True)
            state = self._system.power_state
        if state is None:
            raise BoardError("Redfish: the board does not tell whether the host is on.")
        # One that is about to be off is not yet.
        return Power.OFF if state is self._sushy.PowerState.OFF else Power.ON

    def order(self, wanted: Power) -> None:
        types = self._sushy.ResetType
        try:
            self._reset(types.ON if wanted is Power.ON else types.FORCE_OFF)
        except UnreachableError:
            raise
        except BoardError:
            # Some refuse when the host is so already.
            if self.power() is not wanted:
                raise

    def reset(self) -> None:
        self._reset(self._sushy.ResetType.FORCE_RESTART)

    def _reset(self, type_: Any) -> None:
        with self._told():
            self._system.reset_system(type_)

    def set_boot_device(self, device: BootDevice, once: bool = True) -> None:
        source = {BootDevice.NETWORK: self._sushy.BootSource.PXE, BootDevice.DISK: self._sushy.BootSource.HDD}[device]
        enabled = self._sushy.BootSourceOverrideEnabled
        with self._told():
            self._system.set_system_boot_options(source, enabled=enabled.ONCE if once else enabled.CONTINUOUS)

    def sensors(self) -> list[Reading]:
        with self._told():
            return boards.distinct(reading for chassis in self._chassis() for reading in self._readings(chassis))

    def _chassis(self) -> list[Any]:
        """Those that the system is in."""
        with contextlib.suppress(self._sushy.exceptions.MissingAttributeError, self._sushy.exceptions.ResourceNotFoundError):
            if found := list(self._system.chassis):
                return found
        return list(self._client.get_chassis_collection().get_members())

    def _readings(self, chassis: Any) -> Iterator[Reading]:
        for name, parse in (("thermal", thermal), ("power", power)):
            try:
                part = getattr(chassis, name)
                part.refresh(force=True)
            except (self._sushy.exceptions.MissingAttributeError, self._sushy.exceptions.ResourceNotFoundError):
                # It has no such part.
                continue
            # The library's own fields have no fractions, and not whom a sensor is of.
            yield from parse(part.json, self._system.path)

    def identity(self) -> Identity:
        with self._told():
            firmware = ""
            with contextlib.suppress(self._sushy.exceptions.MissingAttributeError, self._sushy.exceptions.ResourceNotFoundError):
                firmware = next((manager.firmware_version for manager in self._system.managers if manager.firmware_version), "")
            json = self._system.json
            return Identity(Kind.REDFISH, json.get("Manufacturer") or "", json.get("Model") or "", firmware)

    def close(self) -> None:
        """There is no session, and no connection stays."""

    @contextlib.contextmanager
    def _told(self, otherwise: type[BoardError] = BoardError) -> Iterator[None]:
        errors = self._sushy.exceptions
        try:
            yield
        except errors.AccessError as error:
            raise LoginError("Redfish: the board refuses the user or its password.") from error
        except (errors.ConnectionError, OSError) as error:
            raise UnreachableError(f"Redfish: the board does not answer ({error}).") from error
        # Whatever a broken board answers, its parts are looked for in vain.
        except (errors.SushyError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise otherwise(f"Redfish: {error}") from error


def thermal(told: Mapping[str, Any], system: str) -> Iterator[Reading]:
    for entry in _entries(told, "Temperatures", system):
        yield _reading(entry, SensorKind.TEMPERATURE, entry.get("ReadingCelsius"), "°C")
    for entry in _entries(told, "Fans", system):
        unit = "%" if entry.get("ReadingUnits") == "Percent" else "RPM"
        yield _reading(entry, SensorKind.FAN, entry.get("Reading"), unit)


def power(told: Mapping[str, Any], system: str) -> Iterator[Reading]:
    for entry in _entries(told, "Voltages", system):
        yield _reading(entry, SensorKind.VOLTAGE, entry.get("ReadingVolts"), "V")
    for entry in _entries(told, "PowerControl", system):
        yield _reading(entry, SensorKind.POWER, entry.get("PowerConsumedWatts"), "W")
    for entry in _entries(told, "PowerSupplies", system):
        yield _reading(entry, SensorKind.POWER, entry.get("LastPowerOutputWatts"), "W", may_lack_value=True)


def _entries(told: Mapping[str, Any], name: str, system: str) -> Iterable[Mapping[str, Any]]:
    """Those of the system, where they say whose they are."""
    for entry in told.get(name) or []:
        related = [str(item.get("@odata.id", "")).rstrip("/") for item in entry.get("RelatedItem") or []]
        systems = [place for place in related if "/Systems/" in place]
        if entry.get("Name") and (not systems or any(_is_of(place, system.rstrip("/")) for place in systems)):
            yield entry


def _is_of(place: str, system: str) -> bool:
    return place == system or place.startswith(f"{system}/")


def _reading(entry: Mapping[str, Any], kind: SensorKind, value: float | None, unit: str, may_lack_value: bool = False) -> Reading:
    condition = entry.get("Status") or {}
    limits = Thresholds(
        major_lower=entry.get("LowerThresholdNonCritical"),
        major_upper=entry.get("UpperThresholdNonCritical"),
        critical_lower=entry.get("LowerThresholdCritical"),
        critical_upper=entry.get("UpperThresholdCritical"),
    )
    if condition.get("State") in _GONE or (value is None and not may_lack_value):
        return Reading(str(entry["Name"]), kind, None, unit, Status.OFFLINE, limits)
    health = condition.get("Health")
    status = _STATUSES.get(str(health), Status.MINOR) if health else _compared(value, limits)
    return Reading(str(entry["Name"]), kind, value, unit, status, limits)


def _compared(value: float | None, limits: Thresholds) -> Status:
    """Where the board does not judge its sensors itself."""
    if value is None:
        return Status.OK
    for status, lower, upper in (
        (Status.CRITICAL, limits.critical_lower, limits.critical_upper),
        (Status.MAJOR, limits.major_lower, limits.major_upper),
    ):
        if (lower is not None and value <= lower) or (upper is not None and value >= upper):
            return status
    return Status.OK
