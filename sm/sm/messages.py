# SPDX-License-Identifier: Apache-2.0
"""Datagrams between controllers and voters: what is in them, who sent them, and that nobody changed or repeated them.

A datagram is a mark, an HMAC-SHA512 where the path has a key, and MessagePack. Inside are the cluster, the sender, the start of its
process, and a counter, so that what was made for another cluster, or was heard before, is dropped; each kind of drop is counted.
"""

import collections
import dataclasses
import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from sm import lease
from sm.fencing import Pledge

# A datagram is one frame of Ethernet, with room for what a network adds.
MOST_BYTES = 1400
_PLAIN, _SIGNED = b"SM\x01\x00", b"SM\x01\x01"
_DIGEST = hashlib.sha512
_DIGEST_BYTES = 64
# Datagrams that overtake each other are taken as long as they are no farther apart than this.
_WINDOW = 64


@dataclasses.dataclass(frozen=True)
class Hello:
    """How a host is, said to the controllers again and again.

    :ivar is_controller: others only vote
    :ivar boot: differs after every start of the host
    :ivar is_ready: it may have services
    :ivar is_active: it has the activity, or is about to
    :ivar has_data: its copies of what is replicated are at work, and can follow those of the active controller
    :ivar groups: state, status and condition by name of service group
    :ivar states: administrative, operational and availability of the host
    :ivar networks: whether each of its networks works, as far as it can tell
    :ivar hears: whether it hears the other controller there
    :ivar reaches_board: it can cut the other controller's power
    :ivar pledge: where it is told of boards
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

    @property
    def may_fence(self) -> bool:
        """Whether boards may have the third vote. Not for one that is locked, or about to end: nobody shall cut its power for that."""
        return self.pledge is not None and self.reaches_board and self.is_ready


KINDS: dict[str, type] = {"request": lease.Request, "release": lease.Release, "answer": lease.Answer, "hello": Hello}
_NAMES = {made: name for name, made in KINDS.items()}

Body = lease.Request | lease.Release | lease.Answer | Hello


def speaker(body: Body) -> str:
    """Who says it."""
    if isinstance(body, Hello):
        return body.sender
    return body.voter if isinstance(body, lease.Answer) else body.candidate


class Drop(enum.StrEnum):
    """Why a datagram was not taken."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    FORGED = "forged"
    FOREIGN = "foreign"
    REPLAYED = "replayed"


@dataclasses.dataclass(frozen=True)
class Keys:
    """The keys of a path.

    :ivar sign: what is sent is signed with it; None where the path has no keys
    :ivar accept: what is heard may be signed with any of these, so that keys can be changed on one host after the other
    """

    sign: bytes | None = None
    accept: tuple[bytes, ...] = ()


class _Frame(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """:ivar start: greater after every start of the sender's process"""

    cluster: str
    sender: str
    start: int
    counter: int
    kind: str
    body: msgspec.Raw


class Sender:
    """Makes the datagrams of one process.

    :param start: greater than at every earlier start
    """

    def __init__(self, cluster: str, name: str, start: int) -> None:
        self._cluster = cluster
        self._name = name
        self._start = start
        self._counter = 0

    def pack(self, body: Body, keys: Keys) -> bytes:
        """:raises ValueError: when it does not fit"""
        self._counter += 1
        frame = _Frame(
            self._cluster,
            self._name,
            self._start,
            self._counter,
            _NAMES[type(body)],
            msgspec.Raw(msgspec.msgpack.encode(body)),
        )
        content = msgspec.msgpack.encode(frame)
        mark = _PLAIN if keys.sign is None else _SIGNED + hmac.digest(keys.sign, content, _DIGEST)
        datagram = mark + content
        if len(datagram) > MOST_BYTES:
            raise ValueError(f"A message of {len(datagram)} bytes is too long.")
        return datagram


@dataclasses.dataclass
class _Heard:
    """What was heard of a sender: its start, the greatest counter, and which of those before it as bits."""

    start: int
    counter: int
    bits: int


class Receiver:
    """Takes datagrams, or drops them.

    :ivar dropped: how many, by path and reason
    """

    def __init__(self, cluster: str, keys: Mapping[str, Keys]) -> None:
        self._cluster = cluster
        self.keys = keys
        self.dropped: collections.Counter[tuple[str, Drop]] = collections.Counter()
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._decoder = msgspec.msgpack.Decoder(_Frame)
        self._bodies: dict[str, Any] = {name: msgspec.msgpack.Decoder(made) for name, made in KINDS.items()}

    def unpack(self, datagram: bytes, path: str) -> tuple[str, Body] | None:
        """Who says what; None when it is dropped.

        :param path: that it came over
        """
        taken = self._unpack(datagram, path)
        if isinstance(taken, Drop):
            self.dropped[path, taken] += 1
            return None
        return taken

    def _unpack(self, datagram: bytes, path: str) -> tuple[str, Body] | Drop:
        if len(datagram) > MOST_BYTES:
            return Drop.OVERSIZED
        content = self._authentic(datagram, self.keys.get(path, Keys()))
        if isinstance(content, Drop):
            return content
        try:
            frame = self._decoder.decode(content)
            body = self._bodies[frame.kind].decode(frame.body)
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
            return Drop.MALFORMED
        if frame.cluster != self._cluster:
            return Drop.FOREIGN
        # Nobody speaks for others.
        if frame.sender != speaker(body):
            return Drop.FORGED
        if not self._is_new(frame, path):
            return Drop.REPLAYED
        return frame.sender, body

    @staticmethod
    def _authentic(datagram: bytes, keys: Keys) -> bytes | Drop:
        mark, rest = datagram[: len(_PLAIN)], datagram[len(_PLAIN) :]
        if mark not in (_PLAIN, _SIGNED):
            return Drop.MALFORMED
        if mark == _PLAIN:
            return Drop.FORGED if keys.accept else rest
        signature, content = rest[:_DIGEST_BYTES], rest[_DIGEST_BYTES:]
        for key in keys.accept:
            if hmac.compare_digest(hmac.digest(key, content, _DIGEST), signature):
                return content
        return Drop.FORGED

    def _is_new(self, frame: _Frame, path: str) -> bool:
        heard = self._heard.get((frame.sender, path))
        if heard is None or frame.start > heard.start:
            self._heard[frame.sender, path] = _Heard(frame.start, frame.counter, 1)
            return True
        if frame.start < heard.start:
            return False
        ahead = frame.counter - heard.counter
        if ahead > 0:
            heard.bits = (heard.bits << ahead | 1) & ((1 << _WINDOW) - 1) if ahead < _WINDOW else 1
            heard.counter = frame.counter
            return True
        if -ahead >= _WINDOW or heard.bits >> -ahead & 1:
            return False
        heard.bits |= 1 << -ahead
        return True
