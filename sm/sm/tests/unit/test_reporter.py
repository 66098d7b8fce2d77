# SPDX-License-Identifier: Apache-2.0
"""What becomes known of services, groups and controllers: rows, alarms and events."""

import pathlib
from collections.abc import Sequence
from typing import Any

import fixtures
from oslotest import base

from fm import client as fm
from fm.tests.unit.base import catalogued
from sm import configuration
from sm.activity import Activity, Copies, Phase
from sm.daemon import View
from sm.db import Database, DatabaseError
from sm.group import GroupState
from sm.lease import Record
from sm.messages import Hello
from sm.reporter import SETTLE_S, Reporter
from sm.service import Condition, Machine, State, Status
from sm.services import Shown
from stx import exception

OWN, PEER = "controller-0", "controller-1"
SET = """
services: {web: {lsb: web}}
groups: {g: {services: {web: critical}}}
"""
VOTERS = Record(1, 0, frozenset({OWN, PEER, "host"}), frozenset({OWN, PEER}))


class ReporterTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.is_spool_full = False
        self.told: list[fm.Report] = []
        self.database = Database(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "sm.db")
        self.addCleanup(self.database.close)
        self.database.load(configuration.parse({"set": SET}))
        self.reporter = Reporter(OWN, PEER, self.database, self.take, (), lambda: self.now)

    def take(self, reports: Sequence[fm.Report]) -> None:
        if self.is_spool_full:
            raise exception.Unavailable("The spool is full.")
        self.told += catalogued(list(reports))

    def alarms(self) -> dict[tuple[str, str], str | None]:
        """Severity by alarm and entity, as the last report of each says; None for cleared."""
        return {
            (report.alarm_id or "", report.entity_instance_id): report.severity if report.operation == "set" else None
            for report in self.told
            if report.operation in ("set", "clear")
        }

    def alarm(self, alarm_id: str) -> str | None:
        return next((severity for (known, _), severity in self.alarms().items() if known == alarm_id), None)

    def show(self, status: Status, *failing: str) -> None:
        self.reporter.group("g", Shown(State.ACTIVE, GroupState.ACTIVE, status, Condition.NONE, failing))
        self.reporter.settled()

    def see(self, **seen: Any) -> None:
        self.reporter.peers(View(**{"record": VOTERS, "heard": {PEER: Hello(PEER, True, "boot", 1)}, **seen}))
        self.reporter.settled()

    def be_active(self, copies: Copies = Copies.TOGETHER) -> None:
        self.reporter.activity(Activity(OWN, Phase.ACTIVE, copies, PEER), Activity(OWN))
        self.reporter.settled()


class AlarmTest(ReporterTest):
    def test_a_group_is_alarmed_by_how_ill_it_is_and_with_the_services_that_are(self) -> None:
        for status, severity in ((Status.WARN, "minor"), (Status.DEGRADED, "major"), (Status.FAILED, "critical")):
            self.show(status, "web")
            self.assertEqual(severity, self.alarm("400.001"))
        self.assertIn("Service group g failed on controller-0: web.", [report.reason_text for report in self.told])
        self.show(Status.NONE)
        self.assertIsNone(self.alarm("400.001"))

    def test_the_same_is_not_alarmed_again(self) -> None:
        self.show(Status.FAILED, "web")
        self.told.clear()
        self.show(Status.FAILED, "web")
        self.assertEqual({}, self.alarms())

    def test_the_active_controller_tells_what_a_takeover_would_lack(self) -> None:
        self.now += SETTLE_S
        self.see()
        self.be_active()
        self.assertIsNone(self.alarm("400.002"))
        self.see(heard={})
        self.assertEqual("major", self.alarm("400.002"))
        self.see()
        self.assertIsNone(self.alarm("400.002"))
        self.be_active(Copies.ALONE)
        self.assertEqual("major", self.alarm("400.002"))
        self.be_active()
        self.see(record=Record(1, 1, frozenset({OWN}), VOTERS.eligible))
        self.assertIn("Have a host that votes, or boards that answer", self.told[-1].reason_text or "")

    def test_nothing_is_said_to_be_missing_while_a_system_starts(self) -> None:
        self.be_active(Copies.ALONE)
        self.see(heard={})
        self.assertNotIn("400.002", {alarm_id for alarm_id, _ in self.alarms()})

    def test_a_network_on_which_the_peer_is_not_heard_is_alarmed(self) -> None:
        self.see(paths={("mgmt", PEER): False, ("oam", PEER): True, ("mgmt", "host"): False})
        self.assertEqual(
            {("400.005", f"host={OWN}.network=mgmt"): "major", ("400.005", f"host={OWN}.network=oam"): None}, self.alarms()
        )
        roots = {(report.root_alarm_id, report.root_entity_instance_id) for report in self.told if report.operation == "set"}
        self.assertEqual({("200.004", f"host={PEER}")}, roots)

    def test_what_cannot_be_reported_is_reported_later_in_order(self) -> None:
        self.is_spool_full = True
        self.show(Status.FAILED, "web")
        self.show(Status.NONE)
        self.assertEqual([], self.told)
        self.is_spool_full = False
        self.reporter.settled()
        self.assertEqual(["set", "clear"], [report.operation for report in self.told if report.alarm_id == "400.001"])


class RowTest(ReporterTest):
    def test_a_service_and_its_group_are_shown_as_they_are(self) -> None:
        self.reporter.service("web", "g", Machine(State.ACTIVE, State.ACTIVE, failures=1), 5.0)
        self.show(Status.NONE)
        (service,) = self.database.rows("SERVICES", name="web")
        self.assertEqual(("enabled-active", 1, 5.0), (service["state"], service["failures"], service["failed_at"]))
        (group,) = self.database.rows("SERVICE_GROUPS", name="g")
        self.assertEqual(("active", "active"), (group["desired_state"], group["state"]))

    def test_a_controller_that_is_not_heard_has_nothing(self) -> None:
        self.see(heard={PEER: Hello(PEER, True, "boot", 1, is_active=True, groups={"g": ("active", "", "")})})
        self.assertEqual(["active"], [row["state"] for row in self.database.rows("SERVICE_DOMAIN_ASSIGNMENTS", node_name=PEER)])
        self.see(heard={})
        self.assertEqual(["disabled"], [row["state"] for row in self.database.rows("SERVICE_DOMAIN_ASSIGNMENTS", node_name=PEER)])
        self.assertEqual(["unknown"], [row["ready_state"] for row in self.database.rows("NODES", name=PEER)])

    def test_both_controllers_are_nodes_with_their_states(self) -> None:
        self.reporter.node(False, ("locked", "disabled", "online"))
        self.see()
        rows = {row["name"]: (row["administrative_state"], row["ready_state"]) for row in self.database.rows("NODES")}
        self.assertEqual({OWN: ("locked", "disabled"), PEER: ("unlocked", "enabled")}, rows)

    def test_on_a_full_disk_states_are_shown_later(self) -> None:
        change = self.database.change

        def full(changes: Any) -> None:
            raise DatabaseError("sm.db: nothing was changed: database or disk is full.")

        self.useFixture(fixtures.MockPatchObject(self.database, "change", full))
        self.show(Status.FAILED, "web")
        self.assertEqual("critical", self.alarm("400.001"))
        self.useFixture(fixtures.MockPatchObject(self.database, "change", change))
        self.reporter.settled()
        self.assertEqual("failed", self.database.rows("SERVICE_GROUPS", name="g")[0]["status"])


class EventTest(ReporterTest):
    def test_each_change_is_an_event_of_its_kind(self) -> None:
        self.reporter.service("web", "g", Machine(State.ACTIVE, State.ACTIVE), None)
        self.show(Status.NONE)
        self.be_active()
        texts = {report.alarm_id: report.reason_text for report in self.told if report.operation == "log"}
        self.assertEqual(
            {
                "401.006": "Service web is enabled-active.",
                "401.001": "Service group g is active.",
                "401.007": f"{OWN} is active.",
            },
            texts,
        )
