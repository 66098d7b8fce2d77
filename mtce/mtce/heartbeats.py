# SPDX-License-Identifier: Apache-2.0
"""Whom mtce-agent has watched by pulses, and what it makes of those that do not answer."""

import ipaddress
import logging
import math
from collections.abc import Collection, Mapping
from typing import Any

from oslo_config import cfg

from mtce import client
from mtce.heartbeat import avoidance, wire
from mtce.heartbeat.accounting import Level, Thresholds
from mtce.life.model import FailureAction
from mtce.pulses import Pulses
from mtce.sight import Watch
from mtce.teller import Teller

LOG = logging.getLogger(__name__)
CONF = cfg.CONF


class Heartbeats:
    """:param pulses: None where nothing sends any
    :param options: what says how hosts are watched; by default the group mtce of the configuration
    :ivar networks: by network, the address of each host that is asked there
    :ivar given_up: hosts that were spared for too long, as of the last look
    """

    def __init__(self, pulses: Pulses | None, teller: Teller, options: Any = None) -> None:
        self._options = CONF.mtce if options is None else options
        self._pulses = pulses
        self._teller = teller
        self._avoidance = avoidance.Avoidance()
        self._restore_at = -math.inf
        self._is_silent = False
        self._is_blind = True
        self._blind_since = 0.0
        self._left: frozenset[str] = frozenset()
        self._ailing: dict[str, dict[str, tuple[int, int]]] = {}
        self._action = self._options.heartbeat_failure_action
        self.networks: dict[str, dict[str, str]] = {}
        self.given_up: frozenset[str] = frozenset()

    def is_spared(self, name: str) -> bool:
        """Whether the host is not failed, as many are missing together."""
        return self._avoidance.is_active and name in self._avoidance.pool

    def look(self, in_service: Mapping[str, Mapping[str, Any]], watch: Watch, now: float) -> tuple[wire.Facts | None, set[str]]:
        """What is said of hosts, None while nothing is, and who answers otherwise than at the last look.

        :param in_service: the hosts that are, by name
        """
        seen = self._pulses.facts if self._pulses is not None else None
        was_silent, self._is_silent = self._is_silent, self._pulses is not None and self._pulses.is_silent()
        if self._is_silent and not was_silent:
            self._teller.tell_silence(CONF.host)
        ailing = {network: dict(each.ailing) for network, each in seen.networks.items()} if seen is not None else {}
        before, self._ailing = self._ailing, ailing
        news: set[str] = set()
        for network in before.keys() | ailing.keys():
            old, new = before.get(network, {}), ailing.get(network, {})
            changed = {name for name in old.keys() | new.keys() if old.get(name, (0,))[0] != new.get(name, (0,))[0]}
            news |= changed
            for name in sorted(changed & in_service.keys()):
                if new.get(name, (0,))[0] == Level.LOST:
                    LOG.warning("%s is lost on %s: it has missed %d pulses", name, network, new[name][1])
        missing: dict[str, set[str]] = {"mgmt": self._still_missing(in_service, seen, watch)}
        for network, hosts in ailing.items():
            missing.setdefault(network, set()).update(
                name
                for name, (level, _) in hosts.items()
                if level >= Level.MINOR and name in in_service and _is_missed(name, in_service[name], seen, watch)
            )
        self._avoid(missing, now)
        return seen, news

    def _still_missing(self, in_service: Collection[str], seen: wire.Facts | None, watch: Watch) -> set[str]:
        """Hosts that were spared when the heartbeat's process went away, and were not heard since: one that begins knows of nobody."""
        if seen is None and not self._is_blind:
            self._left, self._blind_since = self._avoidance.pool, watch.listened_s
        self._is_blind = seen is None

        def is_heard(name: str) -> bool:
            said = watch.last(name)
            return (said is not None and said.at > self._blind_since) or (seen is not None and name in seen.boots)

        self._left = frozenset(name for name in self._left if name in in_service and not is_heard(name))
        return set(self._left)

    def order(self, hosts: Collection[Mapping[str, Any]], watch: Watch, wishes: Mapping[str, client.Wish], now: float) -> None:
        """Have all hosts watched that have an address, and those reset that are to be and hear nothing on the network of messages.

        :param wishes: by name, what hosts are to do
        """
        if self._pulses is None:
            return
        networks: dict[str, dict[str, str]] = {"mgmt": {}, "cluster": {}}
        if self._options.heartbeat_failure_action != FailureAction.NONE:
            for host in hosts:
                name = host["hostname"]
                if not name or name == CONF.host:
                    continue
                said = watch.last(name)
                known = said.report.addresses.get("cluster") if said is not None else None
                for network, address in (("mgmt", host["mgmt_ip"]), ("cluster", host["infra_ip"] or known)):
                    # What is wrong with one host must not keep all others from being watched.
                    if address and _is_address(address):
                        networks[network][name] = address
        self.networks = networks
        is_slow = self._avoidance.is_active or now < self._restore_at
        period_ms = self._options.heartbeat_period * (avoidance.BACKOFF if is_slow else 1)
        thresholds = Thresholds(
            degrade=self._options.heartbeat_degrade_threshold, failure=self._options.heartbeat_failure_threshold
        )
        deaf = [name for name, (level, _) in self._ailing.get("mgmt", {}).items() if level == Level.LOST]
        endings = {
            name: wire.Ending(wish.boot_id, bool(wish.is_locked))
            for name in deaf
            if (wish := wishes.get(name)) is not None and wish.boot_id and wish.end is client.End.RESET
        }
        self._pulses.want(wire.Order(networks, period_ms, thresholds, endings))

    def _avoid(self, missing: Mapping[str, Collection[str]], now: float) -> None:
        """See whether so many hosts do not answer that none is to blame.

        :param missing: by network, the hosts that ought to answer and do not
        """
        self.given_up = frozenset()
        self._avoidance.threshold, self._avoidance.timeout_s = self._options.mnfa_threshold, self._options.mnfa_timeout
        before, self._action = self._action, self._options.heartbeat_failure_action
        if self._action != before:
            self._avoidance.cancel()
        if self._action not in (FailureAction.FAIL, FailureAction.DEGRADE):
            self._avoidance.cancel()
            return
        for effect in self._avoidance.step(missing, now):
            if effect.step is avoidance.Step.EXPIRE:
                self.given_up = effect.hosts
            if effect.step in (avoidance.Step.ENTER, avoidance.Step.EXIT, avoidance.Step.EXPIRE):
                self._restore_at = now + avoidance.RESTORE_S
                LOG.warning("Multi-node failure avoidance: %s %s", effect.step, ", ".join(sorted(effect.hosts)) or "nobody")
                self._teller.tell_avoidance(CONF.host, effect.step is avoidance.Step.ENTER, sorted(effect.hosts))


def _is_missed(name: str, host: Mapping[str, Any], seen: wire.Facts | None, watch: Watch) -> bool:
    """Whether the host ought to answer. One that never has may have nothing to answer with, while it reports."""
    return (seen is not None and name in seen.boots) or not watch.is_heard(host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
