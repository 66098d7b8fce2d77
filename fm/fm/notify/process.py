# SPDX-License-Identifier: Apache-2.0
"""fm-notifier: the process under fm-manager that tells those outside. Its work never takes fm-manager's time.

It reads the database by itself. What it is told over SNMP comes as lines of JSON from fm-manager; when these end, it ends.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

import msgspec
from oslo_config import cfg

from fm import client, conf
from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.notify import outlet, senders, settings
from stx import service

try:
    from fm.notify import agent, traps
except ImportError:
    # Without the extra `snmp` the other receivers are told all the same.
    agent = traps = None  # type: ignore[assignment]

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

_AUDIT_S = 5.0
# So long it may take to end in order; as long as fm-manager waits, which may be no more.
_STOP_S = 1.0


class Notifier:
    """Keeps an outlet for each receiver that there is to be, and the agent.

    :param orders: where fm-manager's lines come from
    :param end: called when they end
    """

    def __init__(self, orders: IO[bytes], end: Callable[[], None]) -> None:
        self._orders = orders
        self._end = end
        self._snmp: settings.Snmp | None = None
        self._running: dict[str, tuple[Any, outlet.Outlet]] = {}
        self._faults = client.FaultReporter()
        self._agents = [agent.Agent(lambda: self._snmp)] if agent else []
        self._worker = service.Worker("fm-outlets", self.step, _AUDIT_S)

    def start(self) -> None:
        for part in (self._worker, *self._agents):
            part.start()
        threading.Thread(target=self._listen, name="fm-orders", daemon=True).start()

    def stop(self) -> None:
        for _, running in list(self._running.values()):
            running.stop_soon()
        for part in (*self._agents, self._worker):
            part.stop()
        for _, running in self._running.values():
            running.stop()
        db_api.database.reset()

    def is_healthy(self) -> bool:
        return all(part.is_healthy() for part in (self._worker, *self._agents))

    def _listen(self) -> None:
        try:
            for line in self._orders:
                self._take(msgspec.json.decode(line, type=settings.Snmp))
        except Exception:
            LOG.exception("fm-notifier cannot read what it is told")
        finally:
            self._end()

    def _take(self, snmp: settings.Snmp) -> None:
        self._snmp = snmp
        LOG.info("There are %d trap destinations and %d communities", len(snmp.destinations), len(snmp.communities))
        if traps is None:
            LOG.error("SNMP is not spoken: the package's extra `snmp` is not installed.")
        for part in (self._worker, *self._agents):
            part.nudge()

    def step(self) -> None:
        """Start and stop outlets, so that those run which there are to be."""
        # It may change meanwhile.
        snmp = self._snmp if traps else None
        wanted = self._wanted(snmp)
        for name, (kind, running) in list(self._running.items()):
            if name not in wanted or wanted[name][0] != kind:
                running.stop()
                del self._running[name]
        for name, (kind, make) in wanted.items():
            if name not in self._running:
                made = outlet.Outlet(name, make(), self._faults)
                made.start()
                self._running[name] = kind, made
        # Before it is told of destinations, nobody knows which of them are no more.
        gone = [name for name in db_outlets.places() if name not in wanted and (snmp or not _is_destination(name))]
        if gone:
            outlet.forget(gone, self._faults)

    def _wanted(self, snmp: settings.Snmp | None) -> dict[str, tuple[Any, Callable[[], outlet.Sender]]]:
        """By name, what an outlet is made of, and what makes its sender."""
        options, wanted = CONF.fm_notify, dict[str, tuple[Any, Callable[[], outlet.Sender]]]()
        if options.webhook_url:
            wanted["webhook"] = None, lambda: senders.Webhook(options.webhook_url, options.webhook_token, self._system_name)
        if options.alertmanager_url:
            wanted["alertmanager"] = (
                None,
                lambda: senders.Alertmanager(options.alertmanager_url, options.alertmanager_token, self._system_name),
            )
        if options.syslog:
            wanted["syslog"] = None, lambda: senders.Syslog(senders.syslog_address(options.syslog))
        for destination in snmp.destinations if snmp else ():
            wanted[_PREFIX + destination.ip_address] = destination, lambda destination=destination: self._sender(destination)
        return wanted

    def _sender(self, destination: settings.TrapDestination) -> outlet.Sender:
        kind = traps.Informs if destination.type == settings.V3_INFORM else traps.Traps
        return kind(destination, self._told)

    def _told(self) -> settings.Snmp:
        return self._snmp

    def _system_name(self) -> str:
        return self._snmp.system_name if self._snmp else ""


_PREFIX = "trap-destination-"


def _is_destination(name: str) -> bool:
    return name.startswith(_PREFIX)


def _end() -> None:
    """End this process, whatever it is at."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_S)
    os._exit(0)


def _make() -> list[service.Service]:
    conf.register()
    # The pages of the process that this one belongs to are fm-manager's.
    CONF.set_override("port", 0, group="metrics")
    CONF.set_override("port", 0, group="pulse")
    return [service.Service("fm-notifier", [Notifier(sys.stdin.buffer.raw, _end)])]


def main() -> None:
    sys.exit(service.live("fm-notifier", _make))


if __name__ == "__main__":
    main()
