# SPDX-License-Identifier: Apache-2.0
"""The board controllers (BMC) of hosts, over IPMI or Redfish, behind one interface.

The libraries that speak to them are large, so each is imported when the first board of its kind is opened: extra `boards`.
"""

import abc
import contextlib
import dataclasses
import enum
import importlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from stx import exception

_POLL_S = 0.2
# A sensor's name is part of what alarms call it, for which there are 255 characters, and a host's is too.
MOST_NAME = 127


class BoardError(exception.StxException):
    """The board does not do what it should; the message says what it said."""

    code = 503


class UnreachableError(BoardError):
    """The board does not answer, or answers no more."""


class LoginError(BoardError):
    """The board knows no such user, or has another password for it."""


class Kind(enum.StrEnum):
    """:cvar DYNAMIC: Redfish where the board answers to it, IPMI where it does not, or answers with something else"""

    IPMI = "ipmi"
    REDFISH = "redfish"
    DYNAMIC = "dynamic"


class Power(enum.StrEnum):
    ON = "on"
    OFF = "off"


class BootDevice(enum.StrEnum):
    NETWORK = "network"
    DISK = "disk"


class SensorKind(enum.StrEnum):
    """What a sensor measures; OTHER also are those that only tell how something is, such as a drive or a power supply."""

    TEMPERATURE = "temperature"
    VOLTAGE = "voltage"
    FAN = "fan"
    POWER = "power"
    CURRENT = "current"
    USAGE = "usage"
    OTHER = "other"


class Status(enum.StrEnum):
    """How bad a reading is; OFFLINE when there is none."""

    OK = "ok"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    OFFLINE = "offline"


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From where on a reading is too small or too great, as far as the board tells.

    What IPMI and Redfish call non-critical is major here, and what they call critical or fatal is critical (spec mtce-sm.md A6.2).
    """

    major_lower: float | None = None
    major_upper: float | None = None
    critical_lower: float | None = None
    critical_upper: float | None = None


@dataclasses.dataclass(frozen=True)
class Reading:
    """What one sensor shows.

    :ivar name: of the sensor; no other one of the board has it
    :ivar value: None where the sensor only tells how something is, or has no reading
    :ivar unit: of value and thresholds, such as °C, V, RPM; empty where there is none
    """

    name: str
    kind: SensorKind
    value: float | None
    unit: str
    status: Status
    thresholds: Thresholds = Thresholds()


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who made the host, and what its board runs; empty where the board does not tell.

    :ivar kind: what the board was reached by
    """

    kind: Kind
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""


@dataclasses.dataclass(frozen=True)
class Login:
    """How a board is reached.

    :ivar address: a host name or an IP address; of Redfish also a URL, such as https://192.0.2.9/redfish/v1/
    :ivar system: of Redfish, the name of the system that is meant, or its path; not needed where there is only one
    :ivar verify: of Redfish, the file of certificates that the board's is checked with; empty if it is not checked, as most boards have
        one that they have signed themselves
    """

    kind: Kind
    address: str
    username: str
    password: str = dataclasses.field(repr=False)
    system: str = ""
    verify: str = ""


class Board(abc.ABC):
    """One board. Every call raises BoardError when the board refuses, and UnreachableError when it does not answer.

    After UnreachableError it is of no use any more. A program that opens the same board again and again does so in processes of their
    own: the library for IPMI waits forever when a process opens a third session to a board.
    """

    @abc.abstractmethod
    def power(self) -> Power:
        """Whether the host is on: one question to the board."""

    @abc.abstractmethod
    def order(self, wanted: Power) -> None:
        """Switch the host on, or cut its power at once: one request to the board. It is done a moment later."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Have the host start anew at once, without any warning to it. One that is off cannot be reset."""

    @abc.abstractmethod
    def set_boot_device(self, device: BootDevice, once: bool = True) -> None:
        """What the host starts from: at its next start only, or from now on."""

    @abc.abstractmethod
    def sensors(self) -> list[Reading]:
        """What all sensors show. The first time takes longer, as the board tells of its sensors too."""

    @abc.abstractmethod
    def identity(self) -> Identity: ...

    @abc.abstractmethod
    def close(self) -> None: ...


def connect(login: Login) -> Board:
    """A board, which somebody is to close.

    :raises UnreachableError: when it does not answer, or what answers at its address is no such board
    :raises LoginError: when it does not know who asks
    :raises BoardError: when it refuses otherwise, or its library is not installed
    """
    if login.kind is Kind.IPMI:
        from stx.boards import ipmi

        return ipmi.Ipmi(login)
    from stx.boards import redfish

    try:
        return redfish.Redfish(login)
    except UnreachableError as error:
        if login.kind is Kind.REDFISH or "://" in login.address:
            raise
        # What one of them says may be of no interest where the other one is right.
        try:
            return connect(dataclasses.replace(login, kind=Kind.IPMI))
        except UnreachableError as other:
            raise UnreachableError(f"{error.message} {other.message}") from other


@contextlib.contextmanager
def opened(login: Login) -> Iterator[Board]:
    """A board for as long as it is needed.

    :raises BoardError: as by connect()
    """
    board = connect(login)
    try:
        yield board
    finally:
        board.close()


def switch(
    board: Board,
    wanted: Power,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have the host on, or off, and wait until the board says so.

    :raises BoardError: when it does not say so in time
    """
    deadline = clock() + deadline_s
    board.order(wanted)
    while board.power() is not wanted:
        if clock() >= deadline:
            raise BoardError(f"The board has not switched the host {wanted} within {deadline_s:g} s.")
        sleep(_POLL_S)


def distinct(readings: Iterable[Reading]) -> list[Reading]:
    """With names that can be stored and told, and a number where several sensors have one name, as on boards of careless makers."""
    times: dict[str, int] = {}
    found = []
    for reading in readings:
        name = _bounded("".join(letter if letter.isprintable() else "?" for letter in reading.name))
        times[name] = number = times.get(name, 0) + 1
        found.append(dataclasses.replace(reading, name=name if number == 1 else f"{name} ({number})"))
    return found


def _bounded(name: str) -> str:
    """Long names that differ only in the end stay different, whatever other sensors there are."""
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 9]}~{zlib.crc32(name.encode()):08x}"


def library(name: str) -> ModuleType:
    """A module that may not be installed.

    :raises BoardError: when it is not
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BoardError(f"{name.partition('.')[0]} is not installed. Install the platform with the extra `boards`.") from error
