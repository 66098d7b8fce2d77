# SPDX-License-Identifier: Apache-2.0
"""Datagrams between hosts: who sent them, and that nobody changed or repeated them.

A datagram is a mark, a code that authenticates it where the path has a key, and MessagePack. Inside are the cluster, the sender, the
start of its process, and a counter, so that what was made for another cluster, or was heard before, is dropped; each kind of drop is
counted.
"""

import collections
import dataclasses
import enum
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

Body = TypeVar("Body")

# A datagram is one frame of Ethernet, with room for what a network adds.
MOST_BYTES = 1400
_MARK_BYTES = 4
# Datagrams that overtake each other are taken as long as they are no farther apart than this.
_WINDOW = 64


class Drop(enum.StrEnum):
    """Why a datagram was not taken."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    FORGED = "forged"
    FOREIGN = "foreign"
    REPLAYED = "replayed"


@dataclasses.dataclass(frozen=True)
class Mac:
    """A message authentication code.

    :ivar size: in bytes
    :ivar make: from a key and the message
    """

    size: int
    make: Callable[[bytes, bytes], bytes]


HMAC_SHA512 = Mac(64, lambda key, content: hmac.digest(key, content, "sha512"))
# A quarter of the work, for what comes ten thousand times a second. Keys have 64 bytes at most.
BLAKE2 = Mac(32, lambda key, content: hashlib.blake2b(content, key=key, digest_size=32).digest())


@dataclasses.dataclass(frozen=True)
class Protocol:
    """:ivar mark: two bytes
    :ivar kinds: what can be said, by the name that it has in datagrams
    :ivar drops_repeated: whether one that was heard before is dropped; else what is said has to show that it is fresh
    :ivar own: kinds that a host signs with its own key, where hosts have one
    :ivar addressed: kinds whose `target` is a host, signed with the key of that one: where it has none, they are not said, nor heard
    """

    mark: bytes
    mac: Mac
    kinds: Mapping[str, type]
    drops_repeated: bool = True
    own: frozenset[str] = frozenset()
    addressed: frozenset[str] = frozenset()

    @property
    def plain(self) -> bytes:
        """What a datagram without a code begins with."""
        return self.mark + b"\x01\x00"

    @property
    def signed(self) -> bytes:
        return self.mark + b"\x01\x01"


@dataclasses.dataclass(frozen=True)
class Keys:
    """The keys of a path.

    :ivar sign: what is sent is signed with it; None where the path has no keys
    :ivar accept: what is heard may be signed with any of these, so that keys can be changed on one host after the other
    :ivar own: this host's own ones, if it has any: the first signs what hosts sign so, and what is for this host alone is signed with any
    :ivar of: by name of a host, what that may be signed with; None where it is not known, and what is signed so is as all else
    """

    sign: bytes | None = None
    accept: tuple[bytes, ...] = ()
    own: tuple[bytes, ...] = ()
    of: Callable[[str], tuple[bytes, ...]] | None = None


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

    def __init__(self, protocol: Protocol, cluster: str, name: str, start: int) -> None:
        self._protocol = protocol
        self._names = {made: kind for kind, made in protocol.kinds.items()}
        self._cluster = cluster
        self._name = name
        self._start = start
        self._counter = 0

    def pack(self, body: object, keys: Keys) -> bytes:
        """:raises ValueError: when it does not fit, or is for a host whose key is not known"""
        self._counter += 1
        kind, protocol = self._names[type(body)], self._protocol
        raw = msgspec.Raw(msgspec.msgpack.encode(body))
        content = msgspec.msgpack.encode(_Frame(self._cluster, self._name, self._start, self._counter, kind, raw))
        key = self._key(kind, body, keys)
        mark = protocol.plain if key is None else protocol.signed + protocol.mac.make(key, content)
        datagram = mark + content
        if len(datagram) > MOST_BYTES:
            raise ValueError(f"A message of {len(datagram)} bytes is too long.")
        return datagram

    def _key(self, kind: str, body: Any, keys: Keys) -> bytes | None:
        if kind in self._protocol.addressed:
            known = keys.of(body.target) if keys.of is not None else ()
            if not known:
                raise ValueError(f"The key of {body.target} is not known.")
            return known[0]
        return keys.own[0] if keys.own and kind in self._protocol.own else keys.sign


class Window:
    """Which counters of a sender were seen: the greatest, and of those before it, no farther apart than its width, which.

    :param counter: the first one that is seen
    """

    def __init__(self, counter: int, width: int = _WINDOW) -> None:
        self._counter = counter
        self._width = width
        self._bits = 1

    def take(self, counter: int) -> bool:
        """Whether it is seen for the first time; of one that is too old that is not known."""
        ahead = counter - self._counter
        if ahead > 0:
            self._bits = (self._bits << ahead | 1) & ((1 << self._width) - 1) if ahead < self._width else 1
            self._counter = counter
            return True
        if -ahead >= self._width or self._bits >> -ahead & 1:
            return False
        self._bits |= 1 << -ahead
        return True


@dataclasses.dataclass
class _Heard:
    """What was heard of a sender since its start."""

    start: int
    counters: Window


class Receiver(Generic[Body]):
    """Takes datagrams, or drops them.

    :param speaker: who says something; nobody speaks for others
    :ivar dropped: how many, by path and reason
    """

    def __init__(self, protocol: Protocol, cluster: str, keys: Mapping[str, Keys], speaker: Callable[[Body], str]) -> None:
        self._protocol = protocol
        self._marks = (protocol.plain, protocol.signed)
        self._speaker = speaker
        self._cluster = cluster
        self.keys = keys
        self.dropped: collections.Counter[tuple[str, Drop]] = collections.Counter()
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._decoder = msgspec.msgpack.Decoder(_Frame)
        self._bodies: dict[str, Any] = {name: msgspec.msgpack.Decoder(made) for name, made in protocol.kinds.items()}

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
        mark, rest = datagram[:_MARK_BYTES], datagram[_MARK_BYTES:]
        if mark not in self._marks:
            return Drop.MALFORMED
        size = self._protocol.mac.size if mark == self._marks[1] else 0
        signature, content = rest[:size], rest[size:]
        try:
            # Only who says that it is his can tell which key it has to be signed with.
            frame = self._decoder.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            frame = None
        if not self._is_authentic(signature, content, frame, self.keys.get(path, Keys())):
            return Drop.FORGED
        if frame is None:
            return Drop.MALFORMED
        try:
            body = self._bodies[frame.kind].decode(frame.body)
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
            return Drop.MALFORMED
        if frame.cluster != self._cluster:
            return Drop.FOREIGN
        if frame.sender != self._speaker(body):
            return Drop.FORGED
        if self._protocol.drops_repeated and not self._is_new(frame, path):
            return Drop.REPLAYED
        return frame.sender, body

    def _is_authentic(self, signature: bytes, content: bytes, frame: _Frame | None, keys: Keys) -> bool:
        accept = keys.accept
        if frame is not None and frame.kind in self._protocol.addressed:
            if not keys.own:
                return False
            accept = keys.own
        elif keys.of is not None and frame is not None and frame.kind in self._protocol.own:
            accept = keys.of(frame.sender)
        if not signature:
            return not accept
        return any(hmac.compare_digest(self._protocol.mac.make(key, content), signature) for key in accept)

    def _is_new(self, frame: _Frame, path: str) -> bool:
        heard = self._heard.get((frame.sender, path))
        if heard is None or frame.start > heard.start:
            self._heard[frame.sender, path] = _Heard(frame.start, Window(frame.counter))
            return True
        return frame.start == heard.start and heard.counters.take(frame.counter)
