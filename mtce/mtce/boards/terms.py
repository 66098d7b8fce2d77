# SPDX-License-Identifier: Apache-2.0
"""What is said of boards: orders and how they went, what is known of a board, what one can be asked, and what is to be done."""

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any


class Order(enum.StrEnum):
    """:cvar NETWORK_BOOT: the host boots from its network at its next start; it is not restarted by that"""

    POWER_ON = "power-on"
    POWER_OFF = "power-off"
    RESET = "reset"
    NETWORK_BOOT = "network-boot"


@dataclasses.dataclass(frozen=True)
class Result:
    """How an order went.

    :ivar token: of the order
    :ivar error: why it is not done; for operators
    """

    token: str
    is_done: bool
    error: str


@dataclasses.dataclass(frozen=True)
class BoardState:
    """What is known of a board.

    :ivar is_reachable: whether it answered when it was last asked
    :ivar power: stx.boards.Power as it said then; None when it did not say
    :ivar error: what is wrong with it; for operators
    :ivar asked_at: when that was, by the clock of whoever keeps the boards
    :ivar result: of the last order that has ended
    """

    is_reachable: bool
    power: str | None
    error: str
    asked_at: float
    result: Result | None = None


@dataclasses.dataclass(frozen=True)
class Sensed:
    """What its sensors showed.

    :ivar readings: none when they could not be read
    :ivar asked_at: by the clock of whoever keeps the boards
    """

    readings: Sequence[Any]
    error: str
    asked_at: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """In seconds.

    :ivar audit_s: between two questions for the power of a host. They keep the session: boards end one after 60 s without any, some
        after 30 s, and whoever asks then learns of it only by silence
    :ivar open_s: for a board to let one in
    :ivar call_s: for the answer to a question
    :ivar ipmi_call_s: the same over IPMI, which asks again by itself meanwhile
    :ivar sense_s: for what all sensors show
    :ivar hurry_s: what a reading of sensors has left when there is an order
    :ivar order_s: for an order until it is done
    :ivar confirm_s: for the power to be as ordered, until it is ordered again
    :ivar confirm_again_s: between two questions whether it is
    :ivar attempts: how often an order is given
    :ivar attempt_again_s: after a board has refused or was lost, with an order to carry out
    :ivar retry_most_s: the longest time between two attempts to open a board; they become rarer
    :ivar login_again_s: after a wrong password, as boards shut out whoever tries too often
    """

    audit_s: float = 20.0
    open_s: float = 20.0
    call_s: float = 10.0
    ipmi_call_s: float = 5.0
    sense_s: float = 60.0
    hurry_s: float = 0.5
    order_s: float = 20.0
    confirm_s: float = 5.0
    confirm_again_s: float = 0.2
    attempts: int = 3
    attempt_again_s: float = 1.0
    retry_most_s: float = 30.0
    login_again_s: float = 60.0


class Verb(enum.StrEnum):
    """What a board can be asked."""

    POWER = "power"
    SWITCH = "switch"
    RESET = "reset"
    NETWORK_BOOT = "network-boot"
    SENSORS = "sensors"


class Failure(enum.StrEnum):
    """What is wrong with a board. After all but REFUSED its process is no more."""

    UNREACHABLE = "unreachable"
    LOGIN = "login"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class Open:
    """Have a process that opens the board."""


@dataclasses.dataclass(frozen=True)
class Kill:
    """End the process of the board, which hangs."""


@dataclasses.dataclass(frozen=True)
class Ask:
    verb: Verb
    power: str = ""


@dataclasses.dataclass(frozen=True)
class News:
    """The state has changed, or was asked for."""


Effect = Open | Kill | Ask | News
