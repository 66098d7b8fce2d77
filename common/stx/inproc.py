# SPDX-License-Identifier: Apache-2.0
"""An oslo.messaging driver for services that share one process: `inproc://`.

Messages pass through JSON as they would on a broker, so that nothing mutable is shared and nothing works here that fails there.
Idle listeners sleep on a condition and cost nothing. Nothing is durable: a sender keeps what may not be lost.

With `inproc:///path/to/socket` the process whose `[inproc] hub` is true also answers calls and casts that other processes of the
same machine and user send through that UNIX socket. They can call; only the hub can serve.
"""

import collections
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import oslo_messaging
from oslo_config import cfg
from oslo_messaging._drivers import base
from oslo_messaging._drivers import common as driver_common

from stx import inproc_hub

inproc_opts = [
    cfg.BoolOpt(
        "hub",
        default=True,
        help="Whether this process holds the message bus. False makes it a client of the process that does, over the socket named "
        "in transport_url; only processes beside an embedded controller need that.",
    ),
]

# A topic that nobody serves yet, or a server that is busy, holds this many messages; the next sender is told.
PENDING_LIMIT = 10_000


def _copy(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


class _Reply:
    """Where a caller waits for one answer."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._value: Any = None
        self._failure: Any = None

    def set(self, value: Any, failure: Any) -> None:
        self._value, self._failure = value, failure
        self._done.set()

    def wait(self, timeout: float | None) -> tuple[Any, Any] | None:
        if not self._done.wait(timeout):
            return None
        return self._value, self._failure


class _Message(base.RpcIncomingMessage):
    """:ivar key: the queue that it waits in, or None for one server's copy of a fanout"""

    def __init__(self, key: tuple | None, ctxt: dict, message: dict, reply: _Reply | None, deadline: float) -> None:
        super().__init__(ctxt, message)
        self.key = key
        self.deadline = deadline
        self.on_taken: Callable[[], None]
        self._reply = reply

    @property
    def is_given_up(self) -> bool:
        return self.deadline <= time.monotonic()

    def reply(self, reply: Any = None, failure: Any = None) -> None:
        if self._reply is None:
            return
        if failure:
            self._reply.set(None, driver_common.serialize_remote_exception(failure))
        else:
            self._reply.set(_copy(reply), None)

    def acknowledge(self) -> None:
        """A worker begins with it, which oslo.messaging does not when this raises."""
        self.on_taken()
        if self.is_given_up:
            raise oslo_messaging.MessagingTimeout("its caller has given up")

    def requeue(self) -> None:
        pass

    def heartbeat(self) -> None:
        pass


class _Inbox(collections.deque[_Message]):
    """Messages that wait for somebody to take them."""

    def add(self, message: _Message) -> None:
        """:raises oslo_messaging.MessageDeliveryFailure: when too many wait already"""
        while self and self[0].is_given_up:
            self.popleft()
        if len(self) >= PENDING_LIMIT:
            raise oslo_messaging.MessageDeliveryFailure(f"{len(self)} messages wait already")
        self.append(message)


class _Listener(base.PollStyleListener):
    def __init__(self, bus: "Bus", keys: list[tuple], waiting: Iterable[_Message]) -> None:
        super().__init__()
        self.keys = keys
        self._bus = bus
        self._inbox = _Inbox(waiting)
        self._condition = threading.Condition()
        self._offered = False
        self._stopped = False

    def put(self, message: _Message) -> bool:
        """:raises oslo_messaging.MessageDeliveryFailure: when too many wait already"""
        with self._condition:
            if self._stopped:
                return False
            self._inbox.add(message)
            self._condition.notify()
            return True

    @base.batch_poll_helper
    def poll(self, timeout: float | None = None) -> _Message | None:
        with self._condition:
            # oslo.messaging queues what it polls without a bound. The next message is offered only when a worker has taken the
            # last, so that messages wait here, where they are counted and their callers' deadlines are looked at.
            self._condition.wait_for(lambda: self._stopped or (self._inbox and not self._offered), timeout)
            while self._inbox and not self._offered:
                message = self._inbox.popleft()
                # A caller that has given up must not have its request carried out behind its back.
                if not message.is_given_up:
                    self._offered = True
                    message.on_taken = self._taken
                    return message
            return None

    def _taken(self) -> None:
        with self._condition:
            self._offered = False
            self._condition.notify()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            left = [message for message in self._inbox if message.key is not None]
            self._inbox.clear()
            self._condition.notify_all()
        self._bus.remove(self)
        for message in left:
            with contextlib.suppress(oslo_messaging.MessageDeliveryFailure):
                self._bus.route(message)


class Bus:
    """Queues by (exchange, topic) and (exchange, topic, server), and who listens to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[tuple, list[_Listener]] = collections.defaultdict(list)
        self._pending: dict[tuple, _Inbox] = collections.defaultdict(_Inbox)
        self._turn = itertools.count()

    def listen(self, exchange: str, topic: str, server: str | None) -> _Listener:
        keys: list[tuple] = [(exchange, topic)]
        if server:
            keys.append((exchange, topic, server))
        with self._lock:
            listener = _Listener(self, keys, [message for key in keys for message in self._pending.pop(key, ())])
            for key in keys:
                self._listeners[key].append(listener)
        return listener

    def remove(self, listener: _Listener) -> None:
        with self._lock:
            for key in listener.keys:
                if listener in self._listeners[key]:
                    self._listeners[key].remove(listener)

    def route(self, message: _Message) -> None:
        """Give the message to one listener of its queue, in turn, or keep it until there is one."""
        while True:
            with self._lock:
                listeners = self._listeners[message.key]
                if not listeners:
                    self._pending[message.key].add(message)
                    return
                listener = listeners[next(self._turn) % len(listeners)]
            if listener.put(message):
                return

    def send(self, frame: inproc_hub.Frame) -> tuple[Any, Any]:
        """Deliver, and for a call wait for (reply, serialised failure).

        :raises oslo_messaging.MessagingTimeout: when no answer came in time
        """
        deadline = time.monotonic() + frame.timeout if frame.wait and frame.timeout is not None else float("inf")
        reply = _Reply() if frame.wait else None
        topic = (frame.exchange, frame.topic)
        if frame.fanout:
            with self._lock:
                listeners = list(self._listeners[topic])
            for listener in listeners:
                with contextlib.suppress(oslo_messaging.MessageDeliveryFailure):
                    listener.put(_Message(None, _copy(frame.ctxt), _copy(frame.message), None, deadline))
            return None, None
        key = (*topic, frame.server) if frame.server else topic
        self.route(_Message(key, _copy(frame.ctxt), _copy(frame.message), reply, deadline))
        if reply is None:
            return None, None
        answer = reply.wait(frame.timeout)
        if answer is None:
            raise oslo_messaging.MessagingTimeout(f"no answer on {frame.topic} within {frame.timeout} s")
        return answer


_buses: dict[str, Bus] = collections.defaultdict(Bus)
_hubs: dict[str, inproc_hub.Server] = {}
_registry_lock = threading.Lock()


def reset() -> None:
    """Forget all buses of this process, for tests that start afresh."""
    with _registry_lock:
        _buses.clear()
        for hub in _hubs.values():
            hub.close()
        _hubs.clear()


class InprocDriver(base.BaseDriver):
    """The driver that oslo.messaging loads for `inproc:` URLs (entry point group oslo.messaging.drivers)."""

    def __init__(self, conf: Any, url: Any, default_exchange: str | None = None, allowed_remote_exmods: Any = None) -> None:
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        conf.register_opts(inproc_opts, group="inproc")
        self._path = path = "/" + url.virtual_host if url.virtual_host else ""
        self._bus: Bus | inproc_hub.Remote
        if path and not conf.inproc.hub:
            self._bus = inproc_hub.Remote(path)
            return
        with _registry_lock:
            self._bus = _buses[path]
            if path and path not in _hubs:
                _hubs[path] = inproc_hub.Server(path, self._bus.send)

    def require_features(self, requeue: bool = True) -> None:
        pass

    def send(
        self,
        target: oslo_messaging.Target,
        ctxt: dict,
        message: dict,
        wait_for_reply: bool | None = None,
        timeout: float | None = None,
        call_monitor_timeout: float | None = None,
        retry: int | None = None,
        transport_options: Any = None,
    ) -> Any:
        exchange = target.exchange or self._default_exchange
        frame = inproc_hub.Frame(
            exchange, target.topic, target.server, bool(target.fanout), ctxt, message, bool(wait_for_reply), timeout
        )
        reply, failure = self._bus.send(frame)
        if failure:
            raise driver_common.deserialize_remote_exception(failure, self._allowed_remote_exmods)
        return reply

    def send_notification(self, target: Any, ctxt: dict, message: dict, version: Any, retry: int | None = None) -> None:
        self.send(target, ctxt, message)

    def listen(self, target: oslo_messaging.Target, batch_size: int, batch_timeout: float | None) -> base.Listener:
        if isinstance(self._bus, inproc_hub.Remote):
            raise NotImplementedError("only the process that holds the bus can serve on it: set [inproc] hub = true there")
        listener = self._bus.listen(target.exchange or self._default_exchange, target.topic, target.server)
        return base.PollStyleListenerAdapter(listener, batch_size, batch_timeout)

    def listen_for_notifications(
        self, targets_and_priorities: Any, pool: str | None, batch_size: int, batch_timeout: float | None
    ) -> base.Listener:
        raise NotImplementedError("events are fanout casts here (stx.rpc.publish); notifications are not used")

    def cleanup(self) -> None:
        hub = _hubs.get(self._path)
        if hub is not None:
            hub.drain()
