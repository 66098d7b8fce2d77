# SPDX-License-Identifier: Apache-2.0
"""Reads server-sent events from the pieces that a connection gives (HTML standard, chapter 9.2.6)."""

import dataclasses

# Nobody sends longer ones to us.
_LIMIT = 2**20


@dataclasses.dataclass(frozen=True)
class Message:
    """One block.

    :ivar id: where to go on from behind it, or None where it does not say
    :ivar event: its name; `message` unless it has one
    :ivar data: empty where it only says where the stream stands
    """

    id: str | None
    event: str
    data: str


class Reader:
    """Puts pieces together, wherever the connection has cut them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Message]:
        """What is complete with this piece.

        :raises ValueError: when it is no such stream
        """
        *blocks, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > _LIMIT:
            raise ValueError("a block of it never ends")
        messages = [_message(block.decode()) for block in blocks]
        return [message for message in messages if message.data or message.id is not None]


def _message(block: str) -> Message:
    fields: dict[str, list[str]] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    return Message(fields.get("id", [None])[-1], fields.get("event", ["message"])[-1], "\n".join(fields.get("data", [])))
