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
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from stx import exception

IPMI_PORT = 623
_POLL_S = 0.2


class BoardError(exception.StxException):
    """The board does not do what it should; the message says what it said."""

    code = 503


class Kind(enum.StrEnum):
    IPMI = "ipmi"
    REDFISH = "redfish"


class Power(enum.StrEnum):
    ON = "on"
    OFF = "off"


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
    """One board. Every call raises BoardError when the board cannot be reached, or refuses."""

    @abc.abstractmethod
    def power(self) -> Power:
        """Whether the host is on."""

    @abc.abstractmethod
    def order(self, wanted: Power) -> None:
        """Switch the host on, or cut its power at once. It is done a moment later."""

    @abc.abstractmethod
    def close(self) -> None: ...


@contextlib.contextmanager
def opened(login: Login) -> Iterator[Board]:
    """A board for as long as it is needed.

    :raises BoardError: when it cannot be reached, or its library is not installed
    """
    board = _Ipmi(login) if login.kind is Kind.IPMI else _Redfish(login)
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


class _Ipmi(Board):
    def __init__(self, login: Login) -> None:
        command, self._errors = _library("pyghmi.ipmi.command"), _library("pyghmi.exceptions").PyghmiException
        self._session: Any = None
        with self._told():
            self._session = command.Command(
                bmc=login.address, userid=login.username, password=login.password, port=IPMI_PORT, keepalive=False
            )

    def power(self) -> Power:
        with self._told():
            return Power(self._session.get_power()["powerstate"])

    def order(self, wanted: Power) -> None:
        with self._told():
            # It raises when the host is so already.
            if self.power() is not wanted:
                self._session.set_power(str(wanted))

    def close(self) -> None:
        with contextlib.suppress(self._errors, OSError):
            self._session.ipmi_session.logout()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._errors, OSError, KeyError, ValueError) as error:
            raise BoardError(f"IPMI: {error or type(error).__name__}") from error


class _Redfish(Board):
    def __init__(self, login: Login) -> None:
        self._sushy = _library("sushy")
        host = f"[{login.address}]" if login.address.count(":") > 1 else login.address
        url = login.address if "://" in login.address else f"https://{host}/redfish/v1/"
        base, _, path = url.partition("/redfish/")
        with self._told():
            self._client = self._sushy.Sushy(
                base,
                root_prefix=f"/redfish/{path or 'v1/'}",
                auth=self._sushy.auth.BasicAuth(login.username, login.password),
                verify=login.verify or False,
                server_side_retries=0,
            )
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
        with self._told():
            if self.power() is not wanted:
                on, off = self._sushy.ResetType.ON, self._sushy.ResetType.FORCE_OFF
                self._system.reset_system(on if wanted is Power.ON else off)

    def close(self) -> None:
        """Every request is authenticated by itself; there is no session."""

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._sushy.exceptions.SushyError, OSError) as error:
            raise BoardError(f"Redfish: {error}") from error


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BoardError(f"{name.partition('.')[0]} is not installed. Install the platform with the extra `boards`.") from error
