# SPDX-License-Identifier: Apache-2.0
"""What controllers and hosts say to each other in pulses, and what mtce-agent and the heartbeat's process do."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from mtce.heartbeat.accounting import Thresholds
from stx import datagrams
from stx.datagrams import Keys

# As long as what stores it takes: the kernel's has 36 characters.
BootId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]*\Z", max_length=63)]


class Pulse(msgspec.Struct, frozen=True, array_like=True):
    """A controller asks all hosts whether they are there.

    :ivar number: another one each time, that nobody can know before
    """

    sender: str
    number: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """A host is there.

    :ivar number: of the pulse
    :ivar boot_id: another one after every start of the host
    :ivar is_monitored: its process monitor has said a moment ago that it is well
    :ivar network: that it heard the pulse on: whoever asks it elsewhere cannot make a dead network seem alive
    """

    sender: str
    number: int
    boot_id: BootId
    is_monitored: bool
    network: str


class End(msgspec.Struct, frozen=True, array_like=True):
    """A host that has failed, or whose lock was forced, is to be reset: it hears this where it does not hear mtce-agent.

    :ivar boot_id: the boot that is to end: said again later, it ends no other
    :ivar is_locked: the host is to know first that it is locked
    """

    sender: str
    target: str
    boot_id: BootId
    is_locked: bool


Body = Pulse | Answer | End
# An answer is fresh by the number of the pulse; a pulse that is repeated is answered once more, to whoever repeats it. A pulse is for
# all hosts at once, so that all have the key that it is signed with; it makes them answer, and nothing else.
_PROTOCOL = datagrams.Protocol(
    b"HB",
    datagrams.BLAKE2,
    {"pulse": Pulse, "answer": Answer, "end": End},
    drops_repeated=False,
    own=frozenset({"answer"}),
    addressed=frozenset({"end"}),
)


class Sender(datagrams.Sender):
    def __init__(self, cluster: str, name: str) -> None:
        super().__init__(_PROTOCOL, cluster, name, 0)


class Receiver(datagrams.Receiver[Body]):
    def __init__(self, cluster: str, keys: Mapping[str, Keys]) -> None:
        super().__init__(_PROTOCOL, cluster, keys, lambda body: body.sender)


class Ending(msgspec.Struct, frozen=True):
    """As in End."""

    boot_id: BootId
    is_locked: bool


class Order(msgspec.Struct, frozen=True):
    """What mtce-agent wants watched; nothing is while none is there to want it.

    :ivar hosts: by network, the address of each host there
    :ivar endings: hosts that are to be reset, told on all networks until they are no longer here
    """

    hosts: dict[str, dict[str, str]]
    period_ms: Annotated[int, msgspec.Meta(ge=20, le=60_000)] = 100
    thresholds: Thresholds = Thresholds()
    endings: dict[str, Ending] = {}


class Network(msgspec.Struct, frozen=True):
    """How it is on a network.

    :ivar is_asked: pulses leave this host; while they don't, nothing is known of others
    :ivar ailing: of hosts that are not well, the level, as in accounting.Level, and how many pulses in a row they have missed
    """

    is_asked: bool
    ailing: dict[str, tuple[int, int]]


class Facts(msgspec.Struct, frozen=True):
    """How it is, said as a whole after each change and once a second: nothing is missed by whoever misses one.

    :ivar networks: of those in the order, the ones that this host has
    :ivar boots: boot id by host, of all that have answered since they were watched
    :ivar unmonitored: hosts whose process monitor says nothing
    """

    networks: dict[str, Network]
    boots: dict[str, str]
    unmonitored: list[str]
