# SPDX-License-Identifier: Apache-2.0
"""Seals on requests that cross the message bus, and on their answers: who sends one, and that nobody changed, repeated or kept it.

Whoever may use the bus can send anything to anybody, and answer in anybody's place. Keys are those of hosts (stx.hostkeys). What a host
says is sealed with its key; what controllers say to one host with that host's, what they say to each other with one of their own.

No clock is compared with another one's. A server has a word of the moment, which it tells with every answer, and a request has to say it;
who does not know it is told, and asks once more. What nobody answers says none: it is taken whenever it comes, so that it may only be a
nudge.

What controllers say to each other is encrypted too: there are passwords in it, and anybody may take it from a queue.
"""

import base64
import collections
import dataclasses
import functools
import hmac
import itertools
import json
import secrets
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from cryptography import fernet

from stx import hostkeys
from stx.datagrams import Window

# What stands beside the arguments of a request, and in their place.
SEAL, _HIDDEN = "_seal", "_hidden"
# A word is replaced after so long, and taken for as long again.
MOMENT_S = 30.0
# So many processes are remembered for each key: only who has the key can make there be more.
_MOST_PROCESSES = 256
# A process's requests overtake each other by less.
_WIDTH = 1024


class RefusedError(Exception):
    """It is not taken; the message says why, as a sentence's end."""


Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]*\Z", max_length=300)]


class Seal(msgspec.Struct, frozen=True):
    """:ivar by: name of the key that it is made with
    :ivar process: of the sender, another one after every start
    :ivar number: greater for each request of the process
    :ivar moment: the server's word; empty where it is not known, None where nobody waits for an answer
    """

    by: Word
    process: Word
    number: int
    moment: Word | None
    code: Word


class Answer(msgspec.Struct, frozen=True):
    """An answer with its seal.

    :ivar moment: the server's word of now
    :ivar is_late: the request did not say it, and was not carried out
    :ivar content: plain values
    """

    moment: str
    is_late: bool
    content: Any
    code: str


@dataclasses.dataclass(frozen=True)
class Opened:
    """A request that was sealed, as both sides know it.

    :ivar by: name of the key
    """

    by: str
    key: bytes
    code: str

    def hide(self, content: Any) -> Any:
        """Plain values as they are sent."""
        return {_HIDDEN: _fernet(self.key).encrypt(_text(content)).decode()} if self.by == hostkeys.CONTROLLERS else content

    def show(self, sent: Any) -> Any:
        """The plain values of what was sent.

        :raises RefusedError: when they are not hidden as they should be
        """
        if self.by != hostkeys.CONTROLLERS:
            return sent
        try:
            return json.loads(_fernet(self.key).decrypt(sent[_HIDDEN]))
        except (fernet.InvalidToken, TypeError, KeyError):
            raise RefusedError("it is not encrypted") from None

    def seal(self, moment: str, content: Any, is_late: bool = False) -> Answer:
        """:param content: plain values"""
        hidden = self.hide(content)
        return Answer(moment, is_late, hidden, self._of(moment, is_late, hidden))

    def unseal(self, given: Any) -> Answer:
        """:raises RefusedError: when it is not of who has the key, or not the answer to this request"""
        try:
            answer = msgspec.convert(given, Answer)
        except msgspec.ValidationError:
            raise RefusedError("the answer is not sealed") from None
        code = self._of(answer.moment, answer.is_late, answer.content)
        if not hmac.compare_digest(code.encode(), answer.code.encode(errors="replace")):
            raise RefusedError(f"the answer is not sealed with the key {self.by!r}")
        return msgspec.structs.replace(answer, content=self.show(answer.content))

    def _of(self, moment: str, is_late: bool, content: Any) -> str:
        return _code(self.key, ["answer", self.code, moment, is_late, content])


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
        self._moments: dict[str, str] = {}

    def __bool__(self) -> bool:
        return self._is_controller or bool(self._own)

    def keys(self, name: str) -> tuple[bytes, ...]:
        """Those of this name; none where this process cannot have them."""
        if self._is_controller:
            return self._derived(name)
        return self._own if name == self.host else ()

    def seal(
        self, topic: str, method: str, arguments: Mapping[str, Any], hostname: str | None = None, is_answered: bool = True
    ) -> tuple[dict[str, Any], Opened]:
        """A request's arguments as they are sent, with their seal, and what the answer has to fit.

        :param arguments: plain values
        :param hostname: the host that alone it is for
        """
        by = self.host
        if self._is_controller:
            by = hostkeys.CONTROLLERS if hostname is None else hostkeys.of_host(hostname)
        key = self.keys(by)[0]
        moment = self._moments.get(topic, "") if is_answered else None
        seal = Seal(by, self._process, next(self._numbers), moment, "")
        hidden = Opened(by, key, "").hide(arguments)
        code = _request(key, topic, method, hidden, seal)
        return {**hidden, SEAL: msgspec.to_builtins(msgspec.structs.replace(seal, code=code))}, Opened(by, key, code)

    def learn(self, topic: str, answer: Answer) -> None:
        """What is asked of the server from now on says its word of now."""
        self._moments[topic] = answer.moment


class Guard:
    """Takes the requests of one server, or refuses them. Threads may share it.

    :param now: monotonic seconds
    """

    def __init__(self, keyring: Keyring, topic: str, now: float) -> None:
        self._keyring = keyring
        self._topic = topic
        self._lock = threading.Lock()
        # By name of the key, then by process: those that were heard of last are at the end.
        self._seen: dict[str, collections.OrderedDict[str, Window]] = {}
        self._moment, self._before, self._since = _new_moment(), _new_moment(), now

    def open(self, method: str, sent: Mapping[str, Any], now: float) -> tuple[Opened, dict[str, Any], bool]:
        """The request as its sender made it, its arguments, and whether it comes too late, and is only to be told the word of now.

        :param sent: arguments and seal
        :raises RefusedError: when it is not sealed, or was changed, or came before
        """
        if SEAL not in sent:
            raise RefusedError("it is not sealed")
        arguments = {name: value for name, value in sent.items() if name != SEAL}
        try:
            seal = msgspec.convert(sent[SEAL], Seal)
        except msgspec.ValidationError as error:
            raise RefusedError(f"its seal is none: {error}") from None
        found = [
            key
            for key in self._keyring.keys(seal.by)
            if hmac.compare_digest(_request(key, self._topic, method, arguments, seal), seal.code)
        ]
        if not found:
            raise RefusedError(f"it is not sealed with the key {seal.by[:80]!r}")
        opened = Opened(seal.by, found[0], seal.code)
        with self._lock:
            self._pass(now)
            if seal.moment not in (None, self._moment, self._before):
                return opened, {}, True
            if not self._is_new(seal):
                raise RefusedError("it came before")
        return opened, opened.show(arguments), False

    def moment(self, now: float) -> str:
        """The word of now."""
        with self._lock:
            self._pass(now)
            return self._moment

    def _pass(self, now: float) -> None:
        passed = int((now - self._since) / MOMENT_S)
        if passed:
            self._before = self._moment if passed == 1 else _new_moment()
            self._moment, self._since = _new_moment(), self._since + passed * MOMENT_S

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


def _new_moment() -> str:
    return secrets.token_hex(8)


def _request(key: bytes, topic: str, method: str, arguments: Mapping[str, Any], seal: Seal) -> str:
    return _code(key, ["request", seal.by, seal.process, seal.number, seal.moment, topic, method, arguments])


def _code(key: bytes, content: list[Any]) -> str:
    return hmac.digest(key, _text(content), "sha256").hex()


def _text(content: Any) -> bytes:
    # The same on both sides, whatever way it took between them.
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


@functools.lru_cache(4)
def _fernet(key: bytes) -> fernet.Fernet:
    # Another key than that of the seal.
    return fernet.Fernet(base64.urlsafe_b64encode(hmac.digest(key, b"hidden", "sha256")))
