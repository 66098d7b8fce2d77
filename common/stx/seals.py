# SPDX-License-Identifier: Apache-2.0
"""Seals on requests that cross the message bus, and on their answers: who sends one, and that nobody changed or repeated it.

Whoever may use the bus can send anything to anybody, and answer in anybody's place. Keys are those of hosts (stx.hostkeys). What a host
says is sealed with its key; what controllers say to one host with that host's, what they say to each other with one of their own.
"""

import collections
import dataclasses
import hmac
import itertools
import json
import secrets
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from stx import hostkeys
from stx.datagrams import Window

# Clocks of hosts may differ by this, and a request may be on its way for as long.
TOLERANCE_S = 60
# So many processes are remembered for each key: only who has the key can make there be more.
_MOST_PROCESSES = 256
# A process's requests overtake each other by less.
_WIDTH = 1024


class RefusedError(Exception):
    """It is not taken; the message says why, as a sentence's end."""


Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z", max_length=300)]


class Seal(msgspec.Struct, frozen=True):
    """:ivar by: name of the key that it is made with
    :ivar process: of the sender, another one after every start
    :ivar number: greater for each request of the process
    :ivar at_ms: when it was made, since 1970
    """

    by: Word
    process: Word
    number: int
    at_ms: int
    code: Word


@dataclasses.dataclass(frozen=True)
class Opened:
    """A request that was sealed, as both sides know it.

    :ivar by: name of the key
    """

    by: str
    key: bytes
    code: str

    def seal(self, answer: Any) -> dict[str, Any]:
        """:param answer: plain values"""
        return {"answer": answer, "code": self._of(answer)}

    def unseal(self, sealed: Any) -> Any:
        """The answer.

        :raises RefusedError: when it is not that of who has the key
        """
        if not isinstance(sealed, dict) or sealed.keys() != {"answer", "code"}:
            raise RefusedError("the answer is not sealed")
        if not hmac.compare_digest(self._of(sealed["answer"]).encode(), str(sealed["code"]).encode(errors="replace")):
            raise RefusedError(f"the answer is not sealed with the key {self.by!r}")
        return sealed["answer"]

    def _of(self, answer: Any) -> str:
        return _code(self.key, ["answer", self.code, answer])


class Keyring:
    """The keys that a process has, and its seals.

    :param own: keys of its host
    :param masters: what the keys of all hosts are derived from; on controllers only
    :ivar host: name of its host's key
    """

    def __init__(self, hostname: str, own: tuple[bytes, ...] = (), masters: tuple[bytes, ...] = ()) -> None:
        self.host = hostkeys.of_host(hostname)
        self._own = own
        self._is_controller = bool(masters)
        self._derived = hostkeys.deriver(masters)
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def __bool__(self) -> bool:
        return self._is_controller or bool(self._own)

    def keys(self, name: str) -> tuple[bytes, ...]:
        """Those of this name; none where this process cannot have them."""
        if self._is_controller:
            return self._derived(name)
        return self._own if name == self.host else ()

    def seal(
        self, topic: str, hostname: str | None, method: str, arguments: Mapping[str, Any], now: float
    ) -> tuple[Seal, Opened]:
        """The seal of a request, and what its answer has to fit.

        :param hostname: the host that alone it is for
        :param arguments: plain values
        :param now: seconds since 1970
        """
        by = self.host
        if self._is_controller:
            by = hostkeys.CONTROLLERS if hostname is None else hostkeys.of_host(hostname)
        key = self.keys(by)[0]
        seal = Seal(by, self._process, next(self._numbers), int(now * 1000), "")
        code = _request(key, topic, method, arguments, seal)
        return msgspec.structs.replace(seal, code=code), Opened(by, key, code)


class Guard:
    """Takes the requests of one server, or refuses them. Threads may share it."""

    def __init__(self, keyring: Keyring, topic: str) -> None:
        self._keyring = keyring
        self._topic = topic
        self._lock = threading.Lock()
        # By name of the key, then by process: those that were heard of last are at the end.
        self._seen: dict[str, collections.OrderedDict[str, Window]] = {}

    def open(self, seal: Seal | None, method: str, arguments: Mapping[str, Any], now: float) -> Opened:
        """The request, as its sender made it.

        :raises RefusedError: when it is not sealed, or was changed, or comes late or again
        """
        if seal is None:
            raise RefusedError("it is not sealed")
        found = [
            key
            for key in self._keyring.keys(seal.by)
            if hmac.compare_digest(_request(key, self._topic, method, arguments, seal), seal.code)
        ]
        if not found:
            raise RefusedError(f"it is not sealed with the key {seal.by[:80]!r}")
        late_s = now - seal.at_ms / 1000
        if abs(late_s) > TOLERANCE_S:
            raise RefusedError(
                f"it was made {abs(late_s):.0f} s {'ago' if late_s > 0 else 'from now'}, as the two clocks tell it"
            )
        with self._lock:
            if not self._is_new(seal):
                raise RefusedError("it came before")
        return Opened(seal.by, found[0], seal.code)

    def _is_new(self, seal: Seal) -> bool:
        processes = self._seen.setdefault(seal.by, collections.OrderedDict())
        window = processes.get(seal.process)
        if window is None:
            processes[seal.process] = Window(seal.number, _WIDTH)
            if len(processes) > _MOST_PROCESSES:
                processes.popitem(last=False)
            return True
        processes.move_to_end(seal.process)
        return window.take(seal.number)


def _request(key: bytes, topic: str, method: str, arguments: Mapping[str, Any], seal: Seal) -> str:
    return _code(key, ["request", seal.by, seal.process, seal.number, seal.at_ms, topic, method, arguments])


def _code(key: bytes, content: list[Any]) -> str:
    # The same text on both sides, whatever way it took between them.
    return hmac.digest(key, json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), "sha256").hex()
