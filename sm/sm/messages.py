# SPDX-License-Identifier: Apache-2.0
"""What controllers and voters say to each other."""

import dataclasses
from collections.abc import Mapping

from sm import lease
from sm.fencing import Pledge
from stx import datagrams
from stx.datagrams import Keys


@dataclasses.dataclass(frozen=True)
class Hello:
    """How a host is, said to the controllers again and again.

    :ivar is_controller: others only vote
    :ivar boot: differs after every start of the host
    :ivar is_ready: it may have services; of one that only votes: it is in service, so that nobody is about to end its boot
    :ivar is_active: it has the activity, or is about to
    :ivar has_data: its copies of what is replicated are at work, and can follow those of the active controller
    :ivar groups: state, status and condition by name of service group
    :ivar states: administrative, operational and availability of the host
    :ivar networks: whether each of its networks works, as far as it can tell
    :ivar hears: whether it hears the other controller there
    :ivar reaches_board: it can cut the other controller's power
    :ivar pledge: where it is told of boards
    :ivar is_leaving: it is about to end
    """

    sender: str
    is_controller: bool
    boot: str
    uptime_s: int
    is_ready: bool = True
    is_active: bool = False
    has_data: bool = False
    groups: dict[str, tuple[str, str, str]] = dataclasses.field(default_factory=dict)
    states: tuple[str, str, str] = ("unlocked", "enabled", "available")
    networks: dict[str, bool] = dataclasses.field(default_factory=dict)
    hears: dict[str, bool] = dataclasses.field(default_factory=dict)
    reaches_board: bool = False
    pledge: Pledge | None = None
    is_leaving: bool = False

    @property
    def may_fence(self) -> bool:
        """Whether boards may have the third vote. Not for one that is locked, or about to end: nobody shall cut its power for that."""
        return self.pledge is not None and self.reaches_board and self.is_ready


_KINDS: dict[str, type] = {"request": lease.Request, "release": lease.Release, "answer": lease.Answer, "hello": Hello}
_PROTOCOL = datagrams.Protocol(b"SM", datagrams.HMAC_SHA512, _KINDS)

Body = lease.Request | lease.Release | lease.Answer | Hello


def speaker(body: Body) -> str:
    """Who says it."""
    if isinstance(body, Hello):
        return body.sender
    return body.voter if isinstance(body, lease.Answer) else body.candidate


class Sender(datagrams.Sender):
    """Makes the datagrams of one process."""

    def __init__(self, cluster: str, name: str, start: int) -> None:
        super().__init__(_PROTOCOL, cluster, name, start)


class Receiver(datagrams.Receiver[Body]):
    """Takes datagrams, or drops them."""

    def __init__(self, cluster: str, keys: Mapping[str, Keys]) -> None:
        super().__init__(_PROTOCOL, cluster, keys, speaker)
