# SPDX-License-Identifier: Apache-2.0
"""Tells what becomes of services, groups and controllers: rows that tools read, alarms, and the log of events (spec mtce-sm.md B5.4).

None of it is needed to be active: what cannot be told is logged, and told again when the next thing happens.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Sequence

from fm import client as fm
from sm.activity import Activity, Copies, Phase
from sm.configuration import DOMAIN
from sm.daemon import View
from sm.db import Database, DatabaseError, Row
from sm.engine import Observer
from sm.service import Machine, Status
from sm.services import Shown
from stx import exception

LOG = logging.getLogger(__name__)

FAILURE, REDUNDANCY, COMMUNICATION = "400.001", "400.002", "400.005"
GROUP_LOG, SERVICE_LOG, NODE_LOG = "401.001", "401.006", "401.007"
_SEVERITY = {Status.WARN: "minor", Status.DEGRADED: "major", Status.FAILED: "critical"}
_SAID = {Status.WARN: "is not quite well", Status.DEGRADED: "is degraded", Status.FAILED: "failed"}
# For a controller that starts, until what is missing is said to be.
SETTLE_S = 30.0


class Reporter(Observer):
    """:param report: hands fault reports over; raises exception.StxException when it cannot
    :param everywhere: groups that all controllers have at once
    """

    def __init__(
        self,
        name: str,
        peer: str | None,
        database: Database,
        report: Callable[[Sequence[fm.Report]], None],
        everywhere: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._peer = peer
        self._database = database
        self._report = report
        self._everywhere = everywhere
        self._clock = clock
        # What each row was told to have, and those of which that is not stored yet.
        self._known: dict[tuple[str, str], Row] = {}
        self._rows: dict[tuple[str, str], tuple[str, Row, Row]] = {}
        self._reports: list[fm.Report] = []
        # What is alarmed, by id and entity: text and severity. At first nothing is known, so all is cleared.
        self._alarms: dict[tuple[str, str], tuple[str, str] | None] = {}
        self._view = View()
        self._groups_of_peer: set[str] = set()
        self._activity = Activity(name)
        self._begun = clock()

    # -- what the engine tells

    def service(self, name: str, group_name: str, machine: Machine, failed_at: float | None) -> None:
        self._update(
            "SERVICES",
            {"name": name},
            {
                "desired_state": str(machine.desired),
                "state": str(machine.state),
                "status": str(machine.status),
                "condition": str(machine.condition),
                "failures": machine.failures,
                "failed_at": failed_at,
            },
        )
        entity = f"service_domain={DOMAIN}.service_group={group_name}.service={name}.host={self._name}"
        self._log(SERVICE_LOG, entity, f"Service {name} is {_words(machine.state, machine.status, machine.condition)}.")

    def group(self, name: str, shown: Shown) -> None:
        row = {"state": str(shown.state), "status": str(shown.status), "condition": str(shown.condition)}
        self._update("SERVICE_GROUPS", {"name": name}, {"desired_state": str(shown.desired).removeprefix("enabled-"), **row})
        self._assign(self._name, name, str(shown.desired).removeprefix("enabled-"), row)
        entity = f"service_domain={DOMAIN}.service_group={name}.host={self._name}"
        self._log(GROUP_LOG, entity, f"Service group {name} is {_words(shown.state, shown.status, shown.condition)}.")
        wanted: tuple[str, str] | None = None
        if severity := _SEVERITY.get(shown.status):
            failing = f": {', '.join(shown.failing)}" if shown.failing else ""
            wanted = f"Service group {name} {_SAID[shown.status]} on {self._name}{failing}.", severity
        self._alarm(FAILURE, entity, wanted)

    def activity(self, now: Activity, before: Activity) -> None:
        self._activity = now
        if now.phase is not before.phase:
            said = {
                Phase.ACTIVE: "is active",
                Phase.PASSIVE: "is on standby",
                Phase.LEAVING: "hands over",
                Phase.AWAY: "has handed over",
            }
            if now.phase in said:
                self._log(NODE_LOG, f"host={self._name}", f"{self._name} {said[now.phase]}. {now.result}".strip())
        self._redundancy()

    def node(self, is_ready: bool, states: tuple[str, str, str]) -> None:
        self._update("NODES", {"name": self._name}, self._node(states, is_ready))

    def peers(self, view: View) -> None:
        self._view = view
        for name, hello in view.heard.items():
            if not hello.is_controller:
                continue
            self._update("NODES", {"name": name}, self._node(hello.states, hello.is_ready))
            self._update("SERVICE_DOMAIN_NEIGHBORS", {"name": name, "service_domain": DOMAIN}, {"state": "full"})
            for group_name, (state, status, condition) in hello.groups.items():
                desired = "active" if hello.is_active or group_name in self._everywhere else "standby"
                self._groups_of_peer.add(group_name)
                self._assign(name, group_name, desired, {"state": state, "status": status, "condition": condition})
        if self._peer and self._peer not in view.heard:
            self._update("NODES", {"name": self._peer}, {"ready_state": "unknown"})
            self._update("SERVICE_DOMAIN_NEIGHBORS", {"name": self._peer, "service_domain": DOMAIN}, {"state": "down"})
            for group_name in self._groups_of_peer:
                self._assign(self._peer, group_name, "disabled", {"state": "disabled", "status": "", "condition": ""})
        self._update("SERVICE_DOMAINS", {"name": DOMAIN}, {"generation": view.record.term})
        self._communication(view)
        self._redundancy()

    def fencing(self, text: str) -> None:
        self._log(NODE_LOG, f"host={self._peer}", text)

    def settled(self) -> None:
        self._redundancy()
        self._store()
        self._send()

    # -- rows

    def _update(self, table: str, key: Row, changes: Row) -> None:
        place = table, str(sorted(key.items()))
        known = self._known.setdefault(place, {})
        if changes.items() <= known.items():
            return
        if table == "NODES":
            changes = {**changes, "state_uuid": str(uuid.uuid4())}
        known.update(changes)
        self._rows[place] = table, key, known

    def _assign(self, node: str, group_name: str, desired: str, row: Row) -> None:
        key = {"name": DOMAIN, "node_name": node, "service_group_name": group_name}
        known = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{DOMAIN}.{node}.{group_name}"))
        self._update("SERVICE_DOMAIN_ASSIGNMENTS", key, {"uuid": known, "desired_state": desired, **row})

    def _node(self, states: tuple[str, str, str], is_ready: bool) -> Row:
        administrative, operational, availability = states
        return {
            "administrative_state": administrative,
            "operational_state": operational,
            "availability_status": availability,
            "ready_state": "enabled" if is_ready else "disabled",
        }

    def _store(self) -> None:
        if not self._rows:
            return
        try:
            self._database.change(list(self._rows.values()))
            self._rows.clear()
        except DatabaseError as error:
            LOG.error("What is shown is out of date: %s", error)

    # -- alarms and the log of events

    def _log(self, log_id: str, entity: str, text: str) -> None:
        self._reports.append(fm.log(log_id, entity, text))

    def _alarm(self, alarm_id: str, entity: str, wanted: tuple[str, str] | None) -> None:
        place = alarm_id, entity
        if place in self._alarms and self._alarms[place] == wanted:
            return
        self._alarms[place] = wanted
        if wanted is None:
            self._reports.append(fm.clear(alarm_id, entity))
        else:
            # One of those that tell that the other controller is not there follows from its failure.
            root = fm.root_host(self._peer) if self._peer and alarm_id in (COMMUNICATION, REDUNDANCY) else {}
            self._reports.append(fm.set_alarm(alarm_id, entity, wanted[0], wanted[1], **root))

    def _communication(self, view: View) -> None:
        for (path, name), is_heard in view.paths.items():
            if name != self._peer:
                continue
            entity = f"host={self._name}.network={path}"
            text = f"{self._name} does not hear {name} on the network {path}."
            self._alarm(COMMUNICATION, entity, None if is_heard else (text, "major"))

    def _redundancy(self) -> None:
        """The active controller tells what would be missing if it failed now."""
        if self._peer is None or self._activity.phase is not Phase.ACTIVE or self._clock() - self._begun < SETTLE_S:
            return
        entity = f"service_domain={DOMAIN}.service_group=controller-services"
        wanted = None
        if self._peer not in self._view.heard:
            wanted = f"{self._peer} is not heard: there is no standby controller.", "major"
        elif self._view.heard[self._peer].states[0] == "locked":
            wanted = f"{self._peer} is locked: it cannot take over. Unlock it: system host-unlock {self._peer}.", "major"
        elif self._activity.copies is not Copies.TOGETHER:
            wanted = f"{self._peer} does not have all data yet: it cannot take over.", "major"
        elif len(self._view.record.voters) == 1:
            text = (
                f"Nobody but {self._name} votes: {self._peer} cannot take over by itself. Have a host that votes, or boards "
                "that answer: sm-fence."
            )
            wanted = text, "major"
        self._alarm(REDUNDANCY, entity, wanted)

    def _send(self) -> None:
        if not self._reports:
            return
        try:
            self._report(self._reports)
            self._reports.clear()
        except exception.StxException as error:
            LOG.error("%d reports wait: %s", len(self._reports), error)
            del self._reports[:-1000]


def _words(state: object, status: Status, condition: object) -> str:
    more = " ".join(str(word) for word in (status, condition) if word)
    return f"{state}{f' ({more})' if more else ''}"
