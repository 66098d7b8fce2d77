# SPDX-License-Identifier: Apache-2.0
"""A fake board, as its address says: what real ones do that cannot be had on one machine.

Its address is `KIND DIRECTORY`. In the directory it writes down what it was asked, and finds whether the host is on.
"""

import os
import pathlib
import signal

from stx import boards
from stx.boards import (
    BoardError,
    BootDevice,
    Identity,
    Kind,
    Login,
    LoginError,
    Power,
    Reading,
    SensorKind,
    Status,
    UnreachableError,
)

PASSWORD = "S3cret-of-fakes"
READING = Reading("CPU Temp", SensorKind.TEMPERATURE, 45.0, "°C", Status.OK)


class FakeBoard(boards.Board):
    def __init__(self, kind: str, directory: pathlib.Path) -> None:
        self._kind = kind
        self._directory = directory
        self._note(f"open {os.getpid()}")

    def _note(self, what: str) -> None:
        with (self._directory / "asked").open("a") as file:
            file.write(f"{what}\n")

    def power(self) -> Power:
        self._note("power")
        if self._kind == "hangs":
            signal.pause()
        if (self._directory / "gone").exists():
            raise UnreachableError("It is gone.")
        return Power.OFF if (self._directory / "is-off").exists() else Power.ON

    def order(self, wanted: Power) -> None:
        self._note(f"order {wanted}")
        if self._kind == "refuses":
            raise BoardError("It does not like to.")
        if self._kind != "lies":
            is_off = self._directory / "is-off"
            is_off.touch() if wanted is Power.OFF else is_off.unlink(missing_ok=True)

    def reset(self) -> None:
        self._note("reset")

    def set_boot_device(self, device: BootDevice, once: bool = True) -> None:
        self._note(f"boot {device} {once}")

    def sensors(self) -> list[Reading]:
        self._note("sensors")
        if self._kind == "senseless":
            signal.pause()
        return [READING]

    def identity(self) -> Identity:
        return Identity(Kind.IPMI)

    def close(self) -> None:
        self._note("close")


def connect(login: Login) -> boards.Board:
    kind, _, directory = login.address.partition(" ")
    if kind == "deaf":
        signal.pause()
    if login.password != PASSWORD:
        raise LoginError("The board refuses the user or its password.")
    return FakeBoard(kind, pathlib.Path(directory))
