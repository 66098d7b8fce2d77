# SPDX-License-Identifier: Apache-2.0
"""RPC between components: versioned, typed, with deadlines, and with our exceptions on both sides.

A manager marks what others may call::

    class Manager:
        target = rpc.target("fm.manager", "1.0")

        @rpc.exposed
        def clear_fault(self, context: RequestContext, alarm_id: str, entity_instance_id: str) -> bool: ...

Its client module gives the same method to callers::

    client = rpc.Client("fm.manager", "1.0")
    client.call(context, "clear_fault", alarm_id="200.006", entity_instance_id="host=controller-0", into=bool)

Arguments and results are checked against the annotations by msgspec: plain values, msgspec.Struct, containers of these.

Where a process has keys (options host_key_file and master_key_file), its requests and their answers are sealed (stx.seals), and its
servers refuse whoever is not among the `Callers` that a method is exposed to.
"""

import concurrent.futures
import contextlib
import contextvars
import enum
import functools
import inspect
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import oslo_messaging
import prometheus_client
from amqp import exceptions as amqp_exceptions
from kombu import exceptions as kombu_exceptions
from oslo_config import cfg
from oslo_messaging._drivers import amqpdriver, impl_rabbit
from oslo_messaging.rpc import RPCAccessPolicyBase

from stx import context as stx_context
from stx import exception, hostkeys, seals

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

EXCHANGE = "stx"
EVENTS_TOPIC = "stx.events"
# How often a send is tried while no broker answers, about a second apart, before the caller is told.
SEND_RETRIES = 3
DEADLINE_S = 30.0
WORKERS = 16
# How long the end of a process waits for the bus.
CLOSE_S = 5.0
# A server whose workers have all been at one request each for so long is stuck: no caller waits any more.
STUCK_S = 2 * DEADLINE_S
# That requests are refused is said in the log of a server no more often.
_REFUSED_S = 60.0
# A request that was on its way for too long, or is the first one to a server, is sent again with what was learned by that.
_LATE_TRIES = 3

# A consumer that has nothing to do looks so often whether it is to end. The library has no option for it, and takes 5 s, for which all
# services of a controller would be waited for that hands over.
amqpdriver.ACK_REQUEUE_EVERY_SECONDS_MAX = 0.5

# A call that no server's queue takes fails at once instead of at its deadline.
_HEARD = oslo_messaging.TransportOptions(at_least_once=True)

REFUSED = prometheus_client.Counter(
    "rpc_requests_refused",
    "Requests over the message bus that were not sealed as they must be, or were about another host; the log has the last",
    ["topic"],
)

T = TypeVar("T")

_lock = threading.Lock()
_transport: Any = None
_keyring: seals.Keyring | None = None
_caller: contextvars.ContextVar[str | None] = contextvars.ContextVar("caller", default=None)
_serving: "set[Server]" = set()


def transport() -> Any:
    """The process's connection to the message bus, opened at first use."""
    global _transport
    with _lock:
        if _transport is None:
            oslo_messaging.set_transport_defaults(EXCHANGE)
            # A broker that comes back is found again within a second or two.
            cfg.set_defaults(impl_rabbit.rabbit_opts, rabbit_retry_backoff=1, rabbit_interval_max=2)
            _transport = oslo_messaging.get_rpc_transport(CONF, allowed_remote_exmods=[exception.__name__])
        return _transport


def keyring() -> seals.Keyring:
    """The keys of this process, read at first use.

    :raises exception.ConfigurationError: when they cannot be used
    """
    global _keyring
    with _lock:
        if _keyring is None:
            try:
                own, masters = (
                    hostkeys.read(pathlib.Path(name)) if name else () for name in (CONF.host_key_file, CONF.master_key_file)
                )
            except ValueError as error:
                raise exception.ConfigurationError(str(error)) from error
            _keyring = seals.Keyring(CONF.host, own, masters)
        return _keyring


def reset() -> None:
    """Close the connection, and forget keys; the next use opens a new one, and reads them. A bus that is away is not waited for."""
    global _transport, _keyring
    with _lock:
        closed, _transport = _transport, None
        _keyring = None
    if closed is None:
        return
    # While a thread waits for a broker that has never answered, the library's own closing waits for that thread.
    closing = threading.Thread(target=_close, args=(closed,), name="rpc-close", daemon=True)
    closing.start()
    closing.join(CLOSE_S)
    if closing.is_alive():
        LOG.warning("The message bus was not closed within %g s", CLOSE_S)


def _close(closed: Any) -> None:
    try:
        closed.cleanup()
    except Exception:
        LOG.exception("The message bus was not closed")


def is_healthy() -> bool:
    """Whether no server of this process is stuck."""
    return not any(server.is_stuck() for server in tuple(_serving))


def target(topic: str, version: str) -> oslo_messaging.Target:
    return oslo_messaging.Target(topic=topic, version=version)


class Callers(enum.Enum):
    """Who may call a method, where the server has keys.

    :cvar HOSTS: the method has to see to it that each speaks for itself alone (check_speaks_for)
    :cvar OWN_HOST: who has the key of the host that the server is on: controllers, and itself
    """

    CONTROLLERS = "controllers"
    HOSTS = "controllers and hosts"
    OWN_HOST = "controllers that mean this host"


def exposed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a manager's method as callable over RPC, by controllers where the server has keys."""
    return exposed_to(Callers.CONTROLLERS)(function)


def exposed_to(callers: Callers) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function._rpc_exposed = callers  # type: ignore[attr-defined]
        return function

    return mark


def caller() -> str | None:
    """The host that makes the request in progress; None where it may speak for all: a controller, or nobody has keys."""
    return _caller.get()


def check_speaks_for(hostname: str | None) -> None:
    """:raises exception.Forbidden: when the request in progress is of another host"""
    if caller() not in (None, hostname):
        raise exception.Forbidden(f"{caller()} speaks for itself alone, and not for {hostname}.")


class _ContextSerializer(oslo_messaging.NoOpSerializer):
    def serialize_context(self, context: stx_context.RequestContext) -> dict[str, Any]:
        return context.to_dict()

    def deserialize_context(self, context: dict[str, Any]) -> stx_context.RequestContext:
        return stx_context.from_dict(context)


class _Dispatch:
    """What oslo.messaging sees of a manager: its exposed methods, checked on the way in and out.

    :ivar begun: when the requests in progress began, by the worker that is at it
    """

    def __init__(self, manager: Any) -> None:
        self.target = manager.target
        self.begun: dict[int, float] = {}
        gate = _Gate(manager.target.topic)
        for name, method in inspect.getmembers(manager, callable):
            if getattr(method, "_rpc_exposed", False):
                setattr(self, name, _typed(method, gate, self.begun))


class _Gate:
    """Lets in the requests to one server that are sealed as they must be; all where this process has no keys."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._keyring = keyring()
        self._guard = seals.Guard(self._keyring, topic, time.monotonic())
        self._names = {Callers.CONTROLLERS: hostkeys.CONTROLLERS, Callers.OWN_HOST: self._keyring.host}
        self._refused = 0
        self._say_at = time.monotonic()

    def open(self, method: str, sent: dict[str, Any], callers: Callers) -> tuple[seals.Opened | None, dict[str, Any], bool]:
        """The request as its sender made it, None where this process has no keys; its arguments; and whether it comes too late.

        :raises exception.Unavailable: when it is refused
        """
        if not self._keyring:
            return None, {name: value for name, value in sent.items() if name != seals.SEAL}, False
        try:
            opened, arguments, is_late = self._guard.open(method, sent, time.monotonic())
            if callers is not Callers.HOSTS and opened.by != self._names[callers]:
                raise seals.RefusedError(f"the key {opened.by!r} is not that of {callers.value}")
            return opened, arguments, is_late
        except seals.RefusedError as error:
            reason = f"{self.topic} refuses {method}: {error}."
        self.count(reason)
        raise exception.Unavailable(reason)

    def seal(self, opened: seals.Opened, answer: Any, is_late: bool = False) -> Any:
        return msgspec.to_builtins(opened.seal(self._guard.moment(time.monotonic()), answer, is_late))

    def count(self, reason: str) -> None:
        """A request was refused."""
        REFUSED.labels(self.topic).inc()
        self._refused += 1
        if (now := time.monotonic()) >= self._say_at:
            self._say_at = now + _REFUSED_S
            LOG.warning("%s Requests that were refused so far: %d.", reason, self._refused)


def _typed(method: Callable[..., Any], gate: _Gate, begun: dict[int, float]) -> Callable[..., Any]:
    callers: Callers = method._rpc_exposed  # type: ignore[attr-defined]
    parameters = list(inspect.signature(method, eval_str=True).parameters.values())[1:]
    types = {parameter.name: parameter.annotation for parameter in parameters}
    required = {parameter.name for parameter in parameters if parameter.default is parameter.empty}

    @functools.wraps(method)
    def call(context: stx_context.RequestContext, **sent: Any) -> Any:
        begun[threading.get_ident()] = time.monotonic()
        try:
            opened, arguments, is_late = gate.open(method.__name__, sent, callers)
            if opened is not None and is_late:
                return gate.seal(opened, None, is_late)
            _caller.set(hostkeys.host_of(opened.by) if opened is not None else None)
            if unknown := arguments.keys() - types.keys():
                raise exception.Invalid(f"{method.__name__} takes no argument {', '.join(sorted(unknown))}.")
            if missing := required - arguments.keys():
                raise exception.Invalid(f"{method.__name__} needs the argument {', '.join(sorted(missing))}.")
            with _discreet(gate.topic, method.__name__):
                values = {name: _argument(method.__name__, name, value, types[name]) for name, value in arguments.items()}
                answer = msgspec.to_builtins(method(context, **values), str_keys=True)
                return answer if opened is None else gate.seal(opened, answer)
        except exception.StxException as error:
            if isinstance(error, exception.Forbidden):
                gate.count(f"{gate.topic} refuses {method.__name__}: {error.message}")
            # Expected: it goes to the caller and is no error of this process.
            raise oslo_messaging.ExpectedException() from error
        finally:
            del begun[threading.get_ident()]

    return call


def _argument(method: str, name: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise exception.Invalid(f"{method} cannot take this as {name}: {error}.") from error


@contextlib.contextmanager
def _discreet(topic: str, method: str) -> Iterator[None]:
    """Log an unexpected exception here: its text is of this process's inside and does not go over the wire."""
    try:
        yield
    except exception.StxException:
        raise
    except Exception:
        LOG.exception("%s failed", method)
        raise exception.StxException(f"{topic} failed to carry out {method}. Its log has the reason.") from None


class _Exposed(RPCAccessPolicyBase):
    def is_allowed(self, endpoint: Any, method: str) -> bool:
        return not method.startswith("_") and getattr(getattr(endpoint, method, None), "_rpc_exposed", False)


class Server:
    """Serves a manager's exposed methods on its topic until stopped."""

    def __init__(self, manager: Any, server: str | None = None) -> None:
        endpoint = _Dispatch(manager)
        self._begun = endpoint.begun
        self._server = oslo_messaging.get_rpc_server(
            transport(),
            oslo_messaging.Target(topic=manager.target.topic, server=server or CONF.host),
            [endpoint],
            serializer=_ContextSerializer(),
            access_policy=_Exposed,
        )
        # The threads of oslo.messaging's own pool look once a second whether they are to end: idle ones never rest, and each
        # server takes a second to stop.
        self._server._executor_cls = concurrent.futures.ThreadPoolExecutor

    def start(self) -> None:
        self._server.start(override_pool_size=WORKERS)
        _serving.add(self)

    def stop(self) -> None:
        """Take no more requests and answer those in progress."""
        _serving.discard(self)
        self._server.stop()
        self._server.wait()

    def is_stuck(self) -> bool:
        begun = tuple(self._begun.values())
        return len(begun) >= WORKERS and max(begun) + STUCK_S < time.monotonic()


class Client:
    """Calls the manager that serves `topic`.

    :param version: the lowest version of the manager's interface that has all the methods called
    :param timeout_s: deadline of a call in seconds
    """

    def __init__(self, topic: str, version: str, timeout_s: float = DEADLINE_S) -> None:
        self._target = target(topic, version)
        self._timeout_s = timeout_s

    def call(self, context: stx_context.RequestContext, method: str, into: type[T] | Any = Any, **arguments: Any) -> T:
        """Call and wait for the answer, as a value of type `into`.

        :raises exception.StxException: what the manager raised, as the same class
        :raises exception.Unavailable: when nobody answers before the deadline
        """
        plain = msgspec.to_builtins(arguments, str_keys=True)
        answer = self._call_sealed(context, method, plain) if keyring() else self._call(context, method, plain, self._timeout_s)
        return answer if into is Any else msgspec.convert(answer, into)

    def _call(self, context: stx_context.RequestContext, method: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        return self._guard(method, lambda: self._client(_HEARD).prepare(timeout=timeout_s).call(context, method, **arguments))

    def _call_sealed(self, context: stx_context.RequestContext, method: str, arguments: dict[str, Any]) -> Any:
        topic, keys = self._target.topic, keyring()
        deadline = time.monotonic() + self._timeout_s
        for _ in range(_LATE_TRIES):
            sent, opened = keys.seal(topic, method, arguments)
            given = self._call(context, method, sent, max(0.0, deadline - time.monotonic()))
            try:
                answer = opened.unseal(given)
            except seals.RefusedError as error:
                raise exception.Unavailable(
                    f"Whoever answers {method} in the place of {topic} has another key than this host: {error}."
                ) from error
            keys.learn(topic, answer)
            if not answer.is_late:
                return answer.content
        raise exception.Unavailable(f"{topic} was asked for {method} too late, again and again. Try again.")

    def cast(
        self, context: stx_context.RequestContext, method: str, fanout: bool = False, server: str | None = None, **arguments: Any
    ) -> None:
        """Send without waiting. It is lost when nobody serves the topic: use it for nudges only.

        :param server: whom alone it is for
        """
        client = self._client()
        if fanout or server is not None:
            client = client.prepare(fanout=fanout or None, server=server)
        sent, keys = msgspec.to_builtins(arguments, str_keys=True), keyring()
        if keys:
            sent, _ = keys.seal(self._target.topic, method, sent, server, is_answered=False)
        self._guard(method, lambda: client.cast(context, method, **sent))

    def _client(self, options: oslo_messaging.TransportOptions | None = None) -> Any:
        return oslo_messaging.get_rpc_client(
            transport(),
            self._target,
            timeout=self._timeout_s,
            retry=SEND_RETRIES,
            serializer=_ContextSerializer(),
            transport_options=options,
        )

    def _guard(self, method: str, send: Callable[[], Any]) -> Any:
        topic = self._target.topic
        try:
            return send()
        except exception.StxException as error:
            raise _local(error) from None
        except (oslo_messaging.MessagingTimeout, oslo_messaging.MessageDeliveryFailure) as error:
            raise exception.Unavailable(
                f"{topic} did not answer {method} in time ({error}). Check that its process runs, then try again."
            ) from error
        except oslo_messaging.MessageUndeliverable as error:
            raise exception.Unavailable(f"{topic} is not served yet. Check that its process runs, then try again.") from error
        except (amqp_exceptions.AMQPError, kombu_exceptions.KombuError) as error:
            LOG.error("The message bus refuses: %s", error)
            raise exception.Unavailable(
                f"The message bus refuses {method} of {topic} ({error}). Check transport_url and the broker, then try again."
            ) from error
        except oslo_messaging.RemoteError as error:
            LOG.error("%s failed in %s: %s %s", method, topic, error.exc_type, error.value)
            raise exception.StxException(f"{topic} failed to carry out {method}. Its log has the reason.") from error


def _local(error: exception.StxException) -> exception.StxException:
    """The exception that was raised remotely, without the remote traceback that oslo.messaging adds to its text."""
    for known in type(error).__mro__:
        if known.__module__ == exception.__name__:
            return known(error.message)
    return exception.StxException(error.message)


class Event(msgspec.Struct):
    """A change of state that anyone may follow. Nothing depends on its arrival.

    :ivar kind: what happened, such as `fm.events` or `sysinv.host.update`
    :ivar payload: the facts, as plain values
    """

    kind: str
    payload: dict[str, Any]


class _EventTarget:
    target = target(EVENTS_TOPIC, "1.0")


_events = Client(EVENTS_TOPIC, "1.0")


def publish(context: stx_context.RequestContext, kind: str, payload: dict[str, Any]) -> None:
    """Tell whoever listens. A bus that is away is logged, never an error of the work that was done."""
    try:
        _events.cast(context, "notify", fanout=True, event=Event(kind, payload))
    except exception.StxException as error:
        LOG.warning("Event %s was not published: %s", kind, error.message)


class Subscriber(_EventTarget):
    """Calls `follow(event)` for every published event whose kind starts with `prefix`."""

    def __init__(self, follow: Callable[[Event], None], prefix: str = "", server: str | None = None) -> None:
        self._follow = follow
        self._prefix = prefix
        self._server = Server(self, server)
        self.start, self.stop = self._server.start, self._server.stop

    @exposed
    def notify(self, context: stx_context.RequestContext, event: Event) -> None:
        if event.kind.startswith(self._prefix):
            self._follow(event)
