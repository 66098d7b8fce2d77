# SPDX-License-Identifier: Apache-2.0
"""sysinv-agent: tells the conductor what this machine is made of, and afterwards what changed."""

import logging
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from stx import context, exception, service
from sysinv import client, conf, inventory

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# Until the conductor has taken the first report the agent does not wait for its audit period.
_FIRST_REPORT_RETRY_S = 1.0
# Free memory is told every so many rounds (spec sysinv.md 3.5).
_VOLATILE_ROUNDS = 6


Inventory = dict[str, list[dict[str, Any]]]


class Agent:
    """Looks at a machine and reports kinds of inventory whose digest is not the one that the conductor has.

    :param hostname: what the host is called, as far as it knows
    :param collect: gives what the machine is made of now, by kind
    """

    def __init__(self, hostname: str, collect: Callable[[], Inventory]) -> None:
        self._hostname = hostname
        self._collect = collect
        self._context = context.internal("sysinv-agent")
        self._conductor = client.Conductor()
        self._registration: client.Registration | None = None
        self._rounds = 0

    def audit(self) -> None:
        """One round. It raises what the conductor raises; the next round starts from registration."""
        found = self._collect()
        try:
            if self._registration is None:
                self._registration = self._conductor.register_agent(self._context, _macs(found), self._hostname)
            self._report(self._registration, found)
        except exception.StxException:
            # Whatever went wrong, the conductor may have another view of this host now: begin with asking it.
            self._registration = None
            raise

    def _report(self, registration: client.Registration, found: Inventory) -> None:
        digests = {kind: inventory.digest(_lasting(kind, records)) for kind, records in found.items()}
        if self._rounds % _VOLATILE_ROUNDS == 0 and "memory" in found:
            registration.digests.pop("memory", None)
        self._rounds += 1
        changed = [kind for kind, digest in digests.items() if registration.digests.get(kind) != digest]
        if not changed:
            return
        reports = {kind: client.InventoryReport(digests[kind], found[kind]) for kind in changed}
        self._conductor.report_inventory(self._context, registration.host_uuid, reports)
        registration.digests.update({kind: digests[kind] for kind in changed})
        LOG.info("Reported %s", ", ".join(sorted(changed)))


def _lasting(kind: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without what differs at every look: free memory alone is no change worth telling at once."""
    if kind != "memory":
        return records
    return [{name: value for name, value in record.items() if name != "memavail_mib"} for record in records]


def _macs(found: Inventory) -> list[str]:
    return [port["mac"] for port in found.get("port", []) if port.get("mac")]


class Auditor:
    """Runs the audits; its agent is made at start, when the options are known."""

    def __init__(self, collect: Callable[[], Inventory]) -> None:
        self._collect = collect

    def start(self) -> None:
        self._agent = Agent(CONF.host, self._collect)
        self._worker = service.Worker("sysinv-agent", self._step, CONF.sysinv_agent.audit_period)
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()

    def _step(self) -> None:
        try:
            self._agent.audit()
            self._worker.period_s = CONF.sysinv_agent.audit_period
        except (exception.Unavailable, exception.NotFound, exception.Forbidden) as error:
            self._worker.period_s = _FIRST_REPORT_RETRY_S
            LOG.warning("The inventory was not reported, next try in %s s: %s", _FIRST_REPORT_RETRY_S, error.message)


def make_service(collect: Callable[[], Inventory] = inventory.collect) -> service.Service:
    """:param collect: gives what the machine is made of, by kind"""
    conf.register()
    return service.Service("sysinv-agent", [Auditor(collect)])
