# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts: many that are one process, for scale, not for truth about failure.

Each is the platform's own agent with made-up hardware, behind the real protocols: it registers and reports over the message bus. The
process runs where the lab's networks are, outside all hosts. What it has done so far is in a file, for whoever waits for it.
"""

import heapq
import json
import logging
import os
import pathlib
import sys
import threading
import time
import uuid
from collections.abc import Callable

from oslo_config import cfg

from mtce import client as mtce_client
from mtce import conf as mtce_conf
from stx import context, exception, service
from stxlab import hardware
from stxlab.topology import Simulated
from sysinv import agent
from sysinv import conf as sysinv_conf

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

fleet_opts = [
    cfg.IntOpt("hosts", min=1, required=True, help="How many hosts there are."),
    cfg.IntOpt("seed", default=1, help="What their hardware is made up from."),
    cfg.StrOpt("told", required=True, help="File that says what they have done, written once a second."),
]
# They wait for answers nearly all the time.
THREADS = 8
_RETRY_S = 5.0
_TELL_S = 1.0


class Host:
    """One simulated host."""

    def __init__(self, number: int, seed: int) -> None:
        self.place = Simulated(number)
        self._seed = seed * 10_000 + number
        self._agent = agent.Agent(self.place.name, self._collect)
        self._mtce = mtce_client.Agent()
        self.report_s = 0.0
        self._boot()

    def _boot(self) -> None:
        self._boot_id, self._booted = str(uuid.uuid4()), time.monotonic()
        self._results: dict[str, mtce_client.Result] = {}

    def _collect(self) -> agent.Inventory:
        return hardware.server(self._seed, self.place.mac)

    def audit(self) -> None:
        """:raises exception.StxException: what the conductor raises"""
        self._agent.audit()

    def report(self) -> None:
        """Say how it is, and do what the answer says: whatever is to be run passes at once, and a boot takes no time.

        :raises exception.Unavailable: when mtce-agent is away
        """
        uptime_s = round(time.monotonic() - self._booted)
        report = mtce_client.HostReport(self.place.name, self._boot_id, uptime_s, {}, results=dict(self._results))
        wish = self._mtce.report(context.internal("mtce-client"), report)
        self.report_s = wish.report_s
        if wish.boot_id == self._boot_id:
            self._boot()
            return
        self._results.update({task: mtce_client.Result(token, True) for task, token in wish.tasks.items()})


class Rounds:
    """Calls that are made again and again, each at its time, by a few threads.

    :param retry_s: after which a call that failed is made again
    """

    def __init__(self, name: str, threads: int, retry_s: float = _RETRY_S) -> None:
        self._retry_s = retry_s
        self._waiting: list[tuple[float, int, Callable[[], float]]] = []
        self._changed = threading.Condition()
        self._is_stopping = False
        self._count = 0
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)]

    def add(self, call: Callable[[], float], after_s: float = 0.0) -> None:
        """:param call: gives the seconds after which it is to be made again"""
        with self._changed:
            self._count += 1
            heapq.heappush(self._waiting, (time.monotonic() + after_s, self._count, call))
            self._changed.notify()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(service.STOP_DEADLINE_S)

    def is_healthy(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                after_s = call()
            except Exception:
                LOG.exception("It is tried again in %s s", self._retry_s)
                after_s = self._retry_s
            self.add(call, after_s)

    def _next(self) -> Callable[[], float] | None:
        """The next call, when its time has come; None at the end."""
        with self._changed:
            while not self._is_stopping:
                wait_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait_s)
        return None


class Fleet:
    """All simulated hosts: an audit a period each, and, once the platform knows the host, its reports."""

    def start(self) -> None:
        self._hosts = [Host(number, CONF.fleet.seed) for number in range(CONF.fleet.hosts)]
        self._registered: set[str] = set()
        self._refusals, self._refusal = 0, ""
        self._rounds = Rounds("fleet", THREADS)
        for host in self._hosts:
            self._rounds.add(self._auditing(host))
        self._rounds.start()
        self._teller = service.Worker("fleet-teller", self._tell, _TELL_S)
        self._teller.start()

    def stop(self) -> None:
        self._teller.stop()
        self._rounds.stop()

    def is_healthy(self) -> bool:
        return self._rounds.is_healthy()

    def _auditing(self, host: Host) -> Callable[[], float]:
        def audit() -> float:
            if not self._is_done(host.audit):
                return _RETRY_S
            if host.place.name not in self._registered:
                self._registered.add(host.place.name)
                self._rounds.add(self._reporting(host))
            return float(CONF.sysinv_agent.audit_period)

        return audit

    def _reporting(self, host: Host) -> Callable[[], float]:
        def report() -> float:
            self._is_done(host.report)
            return float(host.report_s or CONF.mtce.report_period)

        return report

    def _is_done(self, call: Callable[[], None]) -> bool:
        try:
            call()
        except exception.StxException as error:
            self._refused(error.message)
            return False
        except Exception as error:
            LOG.exception("A simulated host failed; it tries again")
            self._refused(str(error))
            return False
        return True

    def _refused(self, reason: str) -> None:
        LOG.debug("A simulated host tries again: %s", reason)
        self._refusals, self._refusal = self._refusals + 1, reason

    def _tell(self) -> None:
        path = pathlib.Path(CONF.fleet.told)
        new = path.with_suffix(".new")
        told = {
            "hosts": len(self._hosts),
            "registered": len(self._registered),
            "refusals": self._refusals,
            "last_refusal": self._refusal,
        }
        new.write_text(json.dumps(told))
        os.replace(new, path)


def make_service() -> service.Service:
    sysinv_conf.register()
    mtce_conf.register()
    CONF.register_opts(fleet_opts, group="fleet")
    return service.Service("fleet", [Fleet()])


def main() -> None:
    CONF.register_opts(fleet_opts, group="fleet")
    sys.exit(service.live("stx-fleet", lambda: [make_service()]))


if __name__ == "__main__":
    main()
