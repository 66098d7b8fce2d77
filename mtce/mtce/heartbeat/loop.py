# SPDX-License-Identifier: Apache-2.0
"""The loop of the heartbeat's process: it answers pulses of controllers, and sends some itself while mtce-agent wants hosts watched.

It is alone in its process, so that nothing else ever makes it late, and waits for nothing but datagrams, mtce-agent and time.
"""

import contextlib
import functools
import ipaddress
import logging
import pathlib
import random
import selectors
import socket
import time
from collections.abc import Callable

import msgspec

from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Accounts
from stx import sdnotify
from stx.datagrams import Drop
from stx.paths import Paths

LOG = logging.getLogger(__name__)

FACTS_S = 1.0
_IDLE_S = 1.0
# What is dropped is said in the log no more often.
_DROPPED_S = 60.0
_BREATH_S = 0.005
# Pulses in a row in which a host says that its process monitor is silent (mtce-sm.md A3.2).
UNMONITORED = 100
_MOST_BYTES = 1 << 20
_SO_SNDBUFFORCE = 32
_FACTS_BYTES = 4 << 20


class OrderError(Exception):
    """What mtce-agent wants cannot be done; the message says why."""


class Loop:
    """:param link: where mtce-agent says what it wants
    :param is_monitored: whether this host's process monitor has said a moment ago that it is well
    :param end: called when a controller wants this boot to end, again and again until it has
    :param clock: gives monotonic seconds
    """

    def __init__(
        self,
        name: str,
        boot_id: str,
        paths: Paths[wire.Body],
        link: "Link",
        is_monitored: Callable[[], bool],
        end: Callable[[wire.End], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._boot_id = boot_id
        self._paths = paths
        self._link = link
        self._is_monitored = is_monitored
        self._end = end
        self._clock = clock
        # Nobody knows which number is next: a host cannot be made to answer a pulse that is still to come.
        self._random = random.SystemRandom()
        self._order: wire.Order | None = None
        self._accounts: dict[str, Accounts] = {}
        self._is_asked: dict[str, bool] = {}
        self._boots: dict[str, str] = {}
        # By host, the last pulse it answered so, and how many in a row.
        self._unmonitored: dict[str, tuple[int, int]] = {}
        self._pulse_at = self._facts_at = self._look_at = self._say_at = clock()
        self._said: dict[tuple[str, Drop], int] = {}
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        for network, made in paths.sockets:
            self._listen(network, made)
        self._selector.register(link.listener, selectors.EVENT_READ, self._accept)

    def stop(self) -> None:
        """End the loop soon; may be called by a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Until it is told to stop."""
        try:
            while not self._is_stopping:
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        self._selector.close()
        self._link.close()
        self._paths.close()

    def turn(self) -> None:
        """Wait for what comes next, and take it in."""
        ready = self._selector.select(self._wait_s())
        if ready and self._order is not None:
            # More answers come at the same moment; to be woken by each costs more than the answer itself.
            time.sleep(max(0.0, min(_BREATH_S, self._pulse_at - self._clock())))
            ready = self._selector.select(0)
        for key, _ in ready:
            key.data()
        now = self._clock()
        if self._order is not None and now >= self._pulse_at:
            self._pulse(self._order, now)
        if now >= self._look_at:
            self._look_at = now + _IDLE_S
            for network, old, made in self._paths.renew():
                self._selector.unregister(old)
                old.close()
                self._listen(network, made)
            self._say_dropped(now)
            # Not from a thread: that would go on where this hangs.
            sdnotify.alive()

    def _say_dropped(self, now: float) -> None:
        dropped = dict(self._paths.dropped)
        if now < self._say_at or dropped == self._said:
            return
        self._say_at, self._said = now + _DROPPED_S, dropped
        told = ", ".join(f"{count} {reason} on {network}" for (network, reason), count in sorted(dropped.items()))
        LOG.warning("Datagrams that were not taken, so far: %s.", told)

    def _listen(self, network: str, made: socket.socket) -> None:
        self._selector.register(made, selectors.EVENT_READ, functools.partial(self._receive, network))

    def _wait_s(self) -> float:
        until = self._look_at if self._order is None else min(self._look_at, self._pulse_at)
        return max(0.0, until - self._clock())

    # -- pulses of others

    def _receive(self, network: str) -> None:
        def hear(sender: str, body: wire.Body) -> None:
            if isinstance(body, wire.Pulse):
                answer = wire.Answer(self._name, body.number, self._boot_id, self._is_monitored(), network)
                self._paths.send([sender], answer, network=network)
            elif isinstance(body, wire.End):
                if (body.target, body.boot_id) == (self._name, self._boot_id):
                    self._end(body)
            elif body.network == network and network in self._accounts and self._accounts[network].hear(sender, body.number):
                self._note(sender, body)

        self._paths.receive(network, hear)

    def _note(self, host: str, answer: wire.Answer) -> None:
        self._boots[host] = answer.boot_id
        if answer.is_monitored:
            self._unmonitored.pop(host, None)
            return
        last, count = self._unmonitored.get(host, (0, 0))
        if last != answer.number:
            self._unmonitored[host] = answer.number, count + 1

    # -- its own

    def _pulse(self, order: wire.Order, now: float) -> None:
        """The time for answers to the last one is over, and another one goes out."""
        period_s = order.period_ms / 1000
        # One that was held up asks no more often to make up for it.
        self._pulse_at = max(self._pulse_at + period_s, now + period_s / 2)
        number = self._random.getrandbits(62)
        is_news, links = False, self._paths.links()
        for network, accounts in self._accounts.items():
            is_news |= bool(accounts.end())
            pulse = wire.Pulse(self._name, number)
            has_left = links[network] and self._paths.send(accounts.watched, pulse, to_group=True, network=network)
            accounts.begin(number, has_left)
            is_news |= self._is_asked.get(network) != has_left
            self._is_asked[network] = has_left
        if now >= self._facts_at:
            self._say_endings(order)
        if is_news or now >= self._facts_at:
            self._tell(now)

    def _say_endings(self, order: wire.Order) -> None:
        if not self._paths.can_address:
            return
        for host, each in order.endings.items():
            self._paths.send([host], wire.End(self._name, host, each.boot_id, each.is_locked))

    def _tell(self, now: float) -> None:
        self._facts_at = now + FACTS_S
        networks = {
            network: wire.Network(
                self._is_asked[network], {host: (int(level), missed) for host, (level, missed) in accounts.ailing.items()}
            )
            for network, accounts in self._accounts.items()
        }
        unmonitored = sorted(host for host, (_, count) in self._unmonitored.items() if count > UNMONITORED)
        self._link.tell(wire.Facts(networks, self._boots, unmonitored))

    # -- mtce-agent

    def _accept(self) -> None:
        """mtce-agent is there, or there anew: the one before has nothing to say any more."""
        self._leave()
        agent = self._link.accept()
        if agent is not None:
            self._selector.register(agent, selectors.EVENT_READ, self._heed)

    def _heed(self) -> None:
        try:
            order = self._link.hear()
            if order is not None:
                self._watch(order)
        except EOFError:
            self._leave()
        except (msgspec.MsgspecError, UnicodeDecodeError, OrderError) as error:
            LOG.error("What mtce-agent wants is not done, and what it wanted before goes on: %s", error)

    def _leave(self) -> None:
        """Nobody wants hosts watched."""
        if self._link.agent is not None:
            self._selector.unregister(self._link.agent)
            self._link.leave()
        self._order, self._accounts = None, {}
        for each in (self._boots, self._unmonitored, self._is_asked):
            each.clear()

    def _watch(self, order: wire.Order) -> None:
        """:raises OrderError:"""
        known = self._paths.links()
        for network, hosts in order.hosts.items():
            for host, address in hosts.items():
                try:
                    ipaddress.ip_address(address)
                except ValueError:
                    raise OrderError(f"{host} has no address on {network}, but {address!r}.") from None
        if missing := sorted(order.hosts.keys() - known.keys()):
            LOG.error("This host has no network %s, and watches nobody there. It has: %s.", ", ".join(missing), ", ".join(known))
        before, self._accounts = self._accounts, {}
        for network in sorted(order.hosts.keys() & known.keys()):
            accounts = before.get(network) or Accounts(order.thresholds)
            accounts.thresholds = order.thresholds
            accounts.watch(set(order.hosts[network]) - {self._name})
            self._accounts[network] = accounts
            for host, address in order.hosts[network].items():
                self._paths.know(network, host, address)
        # A period that is shorter now begins now.
        self._pulse_at = self._facts_at = self._clock()
        self._order = order
        wanted = {host for hosts in order.hosts.values() for host in hosts}
        for each in (self._boots, self._unmonitored):
            for host in each.keys() - wanted:
                del each[host]


class Link:
    """Where mtce-agent, of which there is one, says what it wants, and hears how it is.

    :param path: of the socket, in a directory that nobody else may write to
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._decoder = msgspec.msgpack.Decoder(wire.Order)
        self.agent: socket.socket | None = None
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.setblocking(False)
        self.listener.bind(str(path))
        path.chmod(0o600)
        self.listener.listen(1)

    def accept(self) -> socket.socket | None:
        try:
            self.agent, _ = self.listener.accept()
        except (BlockingIOError, ConnectionError):
            return None
        self.agent.setblocking(False)
        # Thousands of hosts that are all silent have to fit.
        with contextlib.suppress(PermissionError):
            self.agent.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _FACTS_BYTES)
        return self.agent

    def hear(self) -> wire.Order | None:
        """:raises EOFError: when mtce-agent is gone
        :raises msgspec.MsgspecError: when it said something else
        """
        if self.agent is None:
            raise EOFError
        try:
            heard = self.agent.recv(_MOST_BYTES)
        except BlockingIOError:
            return None
        except ConnectionError:
            heard = b""
        if not heard:
            raise EOFError
        return self._decoder.decode(heard)

    def tell(self, facts: wire.Facts) -> None:
        """Say how it is; one that does not listen now hears it the next time."""
        if self.agent is None:
            return
        try:
            self.agent.send(msgspec.msgpack.encode(facts))
        except (BlockingIOError, ConnectionError):
            pass
        except OSError as error:
            LOG.error("mtce-agent is not told how hosts are: %s", error.strerror)

    def leave(self) -> None:
        if self.agent is not None:
            self.agent.close()
            self.agent = None

    def close(self) -> None:
        self.leave()
        self.listener.close()
