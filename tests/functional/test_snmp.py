# SPDX-License-Identifier: Apache-2.0
"""SNMP, with the tools of net-snmp: the MIB, traps and informs, the agent's tables."""

import re
import signal
import subprocess
import time

import testtools
from oslotest import base

from fm import client
from fm.db import api as db_api
from fm.db import outlets
from fm.notify import settings
from stx import paging
from tests.functional import receivers
from tests.functional.receivers import COMMUNITY, TRAP_OID, report, wait_for

_ALARM = ".1.3.6.1.4.1.731.1.1.1.1.1.1"
_EVENT = ".1.3.6.1.4.1.731.1.1.1.1.4.1"
_TRAP = ".1.3.6.1.4.1.731.1.1.1.1.0"
_LOCATED = "region=RegionOne.system=edge-1."


def translated(*arguments: str) -> str:
    argv = ["snmptranslate", "-Pw", "-M", receivers.MIBS, "-m", "WRS-ALARM-MIB", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    # Nothing to complain about.
    assert done.stderr == "", done.stderr
    return done.stdout


class SnmpTestCase(base.BaseTestCase):
    def walk(self, oid: str, community: str = COMMUNITY, program: str = "snmpbulkwalk") -> dict[str, str]:
        """What the agent has below an object identifier, by identifier."""
        argv = [program, "-v2c", "-c", community, "-Onqe", "-t", "2", "-r", "3", f"127.0.0.1:{self.faults.agent_port}", oid]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin", "MIBS": ""})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        found = re.findall(r"^(\.[\d.]+) (.*)$", done.stdout, re.MULTILINE)
        return {name: value for name, value in found if not value.startswith(("No more variables", "No Such"))}

    def column(self, table: str, number: int, program: str = "snmpbulkwalk") -> list[str]:
        return [value.strip('"') for value in self.walk(f"{table}.{number}", program=program).values()]


@testtools.skipIf(receivers.missing(), str(receivers.missing()))
class MibTest(SnmpTestCase):
    def test_names_and_numbers_are_those_that_managers_know(self) -> None:
        for name, oid in (
            ("wrsAlarmCritical", f"{_TRAP}.1"),
            ("wrsAlarmMajor", f"{_TRAP}.2"),
            ("wrsAlarmMinor", f"{_TRAP}.3"),
            ("wrsAlarmWarning", f"{_TRAP}.4"),
            ("wrsAlarmMessage", f"{_TRAP}.5"),
            ("wrsAlarmClear", f"{_TRAP}.9"),
            ("wrsAlarmHierarchicalClear", f"{_TRAP}.99"),
            ("wrsAlarmActiveAlarmId", f"{_ALARM}.3"),
            ("wrsAlarmActiveAlarmSeverity", f"{_ALARM}.6"),
            ("wrsAlarmActiveSuppressionAllowed", f"{_ALARM}.12"),
            ("wrsEventState", f"{_EVENT}.4"),
            ("wrsEventSuppressionAllowed", f"{_EVENT}.13"),
            ("wrsTs", ".1.3.6.1.4.1.731.3"),
        ):
            self.assertEqual(oid, translated("-On", f"WRS-ALARM-MIB::{name}").strip())
            self.assertEqual(f"WRS-ALARM-MIB::{name}", translated(oid).strip())

    def test_every_object_is_in_the_tree(self) -> None:
        tree = translated("-Tp", ".1.3.6.1.4.1.731")
        for name in ("wrsAlarmActiveIndex(1)", "wrsEventIndex(1)", "wrsAlarmCompliance(1)", "wrsAlarmNotificationGroup(3)"):
            self.assertIn(name, tree)


@testtools.skipIf(receivers.missing(), str(receivers.missing()))
class TrapsTest(SnmpTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon = self.useFixture(receivers.TrapDaemon())
        self.faults = self.useFixture(receivers.Faults(queue_limit=100))

    def start(self, **destination: str) -> None:
        values = {"community": COMMUNITY, **destination}
        self.faults.start(settings.TrapDestination("127.0.0.1", self.daemon.port, **values))
        # The first thing that a new receiver is told.
        wait_for(self.daemon.received, "coldStart arrives")

    def told(self, number: int) -> list[dict[str, str]]:
        return wait_for(lambda: (found := self.daemon.told())[number - 1 :] and found, f"{number} notifications arrive")

    def check_scenario(self) -> None:
        self.faults.store(report(severity="minor", reason_text="sshd failed: caf\u00e9"))
        self.faults.store(report(severity="critical"), report("log", "host=compute-1.event=add", alarm_id="200.020"))
        self.faults.store(report("set", "host=compute-2.process=ntpd"), report("clear"), report("clear-all", "host=compute-2"))
        told = self.told(6)
        self.assertEqual([f"{_TRAP}.{number}" for number in (3, 1, 5, 2, 9, 9)], [each[TRAP_OID] for each in told])
        minor, critical, message, _, cleared, _ = told
        self.assertEqual("200.006", minor[f"{_ALARM}.3"])
        self.assertEqual(f"{_LOCATED}host=compute-1.process=sshd", minor[f"{_ALARM}.4"])
        self.assertRegex(minor[f"{_ALARM}.5"], r"\A\d{4}-\d\d-\d\d,\d\d:\d\d:\d\d\.0,\+0:0\Z")
        # Severity, type, service affecting, suppression allowed.
        self.assertEqual(["2", "7", "2", "1"], [minor[f"{_ALARM}.{number}"] for number in (6, 8, 11, 12)])
        self.assertEqual(["4", "1"], [critical[f"{_ALARM}.{number}"] for number in (6, 11)])
        self.assertEqual("a process has failed", critical[f"{_ALARM}.7"])
        self.assertIn("log", minor[f"{_ALARM}.10"])
        self.assertEqual(["200.020", "65"], [message[f"{_EVENT}.{number}"] for number in (3, 10)])
        expected = {TRAP_OID, ".1.3.6.1.2.1.1.3.0", *(f"{_ALARM}.{number}" for number in (3, 4, 5, 7))}
        self.assertEqual(expected, set(cleared))

    def test_a_trap_arrives_for_each_set_clear_and_log(self) -> None:
        self.start()
        self.check_scenario()

    def test_an_inform_arrives_for_each_set_clear_and_log(self) -> None:
        self.start(
            type=settings.V3_INFORM, security_name=receivers.USER, auth_password=receivers.AUTH, priv_password=receivers.PRIV
        )
        self.check_scenario()
        self.assertNotIn(receivers.AUTH, self.faults.log)

    def test_informs_that_were_not_acknowledged_arrive_when_the_receiver_is_back(self) -> None:
        self.start(
            type=settings.V3_INFORM, security_name=receivers.USER, auth_password=receivers.AUTH, priv_password=receivers.PRIV
        )
        self.daemon.end()
        self.faults.store(report())
        wait_for(lambda: "cannot be told" in self.faults.log, "the failure is logged")
        self.daemon.begin()
        self.assertEqual(f"{_TRAP}.2", self.told(1)[-1][TRAP_OID])

    def test_a_suppressed_kind_is_not_told_of_and_the_receiver_told_to_look_again(self) -> None:
        self.start()
        kind = next(row for row in db_api.list_types(paging.Page(2000)) if row["alarm_id"] == "200.006")
        db_api.set_suppression(kind["uuid"], "suppressed")
        self.faults.store(report(), report(alarm_id="200.004", entity="host=compute-1"))
        self.assertEqual(["200.004"], [each[f"{_ALARM}.3"] for each in self.told(1)])

    def test_what_a_receiver_misses_is_bounded_counted_and_alarmed_and_slows_nothing(self) -> None:
        self.start()
        self.daemon.end()
        begun = time.monotonic()
        for number in range(300):
            self.faults.store(report("log", "host=compute-1.event=add", alarm_id="200.020", reason_text=f"number {number}"))
        self.assertLess(time.monotonic() - begun, 30)
        wait_for(lambda: outlets.places()["trap-destination-127.0.0.1"].dropped, "events are dropped")
        wait_for(self._is_raised, "the alarm is in the spool")
        self.daemon.begin()
        wait_for(lambda: (found := self.daemon.told()) and found[-1][f"{_EVENT}.8"] == "number 299", "the newest arrives")
        place = wait_for(
            lambda: (found := outlets.places()["trap-destination-127.0.0.1"]).event_id == 300 and found, "all is told"
        )
        self.assertLessEqual(place.dropped, 200)

    def _is_raised(self) -> bool:
        spool = client.open_spool()
        try:
            return any(b"100.130" in body for _, body in spool.read(10).reports)
        finally:
            spool.close()

    def test_a_receiver_that_hangs_keeps_no_other_from_being_told(self) -> None:
        other = self.useFixture(receivers.TrapDaemon())
        hung = settings.TrapDestination(
            "127.0.0.2", self.daemon.port, settings.V3_INFORM, "", receivers.USER, receivers.AUTH, receivers.PRIV
        )
        assert self.daemon.process is not None
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.faults.start(hung, settings.TrapDestination("127.0.0.1", other.port, community=COMMUNITY))
        wait_for(other.received, "coldStart arrives")
        begun = time.monotonic()
        self.faults.store(report())
        wait_for(other.told, "the trap arrives")
        self.assertLess(time.monotonic() - begun, 5)


@testtools.skipIf(receivers.missing(), str(receivers.missing()))
class AgentTest(SnmpTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.faults = self.useFixture(receivers.Faults())

    def start(self) -> None:
        self.faults.start(communities=(COMMUNITY,))
        wait_for(lambda: "listens on port" in self.faults.log, "the agent listens")

    def test_the_tables_are_those_of_the_lists(self) -> None:
        self.faults.store(*(report(entity=f"host=compute-{number}.process=sshd") for number in range(450)))
        self.faults.store(report("clear-all", "host=compute-7"), report("log", "host=compute-1.event=add", alarm_id="200.020"))
        self.start()
        listed = db_api.find_alarms()
        self.assertEqual(449, len(listed))
        for number, name in ((2, "uuid"), (3, "alarm_id"), (7, "reason_text")):
            self.assertEqual([alarm[name] for alarm in listed], self.column(_ALARM, number))
        located = [f"system=edge-1.{alarm['entity_instance_id']}" for alarm in listed]
        self.assertEqual(located, self.column(_ALARM, 4))
        self.assertEqual([f"{_ALARM}.2.{alarm['id']}" for alarm in listed], list(self.walk(f"{_ALARM}.2")))
        events = db_api.list_events(paging.Page(2000))
        self.assertEqual([event["uuid"] for event in events], self.column(_EVENT, 2))
        self.assertEqual(450 * ["1"] + ["0", "3"], self.column(_EVENT, 4))
        self.assertEqual(449 * 11 + 452 * 12, len(self.walk(".1.3.6.1.4.1.731")))

    def test_rows_come_and_go_one_after_another(self) -> None:
        self.start()
        self.assertEqual({}, self.walk(_ALARM))
        self.faults.store(report())
        wait_for(lambda: self.column(_ALARM, 3, "snmpwalk") == ["200.006"], "the alarm is there")
        self.faults.store(report("clear"))
        wait_for(lambda: self.walk(_ALARM) == {}, "the alarm is gone")

    def test_it_says_what_it_is(self) -> None:
        self.start()
        found = self.walk(".1.3.6.1.2.1.1")
        self.assertEqual(".1.3.6.1.4.1.731.3", found[".1.3.6.1.2.1.1.2.0"])
        self.assertEqual('"edge-1"', found[".1.3.6.1.2.1.1.5.0"])

    def test_nobody_else_may_read_and_nobody_write(self) -> None:
        self.faults.store(report())
        self.start()
        where = f"127.0.0.1:{self.faults.agent_port}"
        for argv in (
            ["snmpget", "-v2c", "-c", "another", "-t1", "-r0", where, f"{_ALARM}.3.1"],
            ["snmpset", "-v2c", "-c", COMMUNITY, "-t1", "-r0", where, f"{_ALARM}.7.1", "s", "nothing"],
        ):
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=30, check=False, env={"MIBS": "", "PATH": "/usr/bin"}
            )
            self.assertNotEqual(0, done.returncode, done.stdout)
        self.assertEqual(["a process has failed"], self.column(_ALARM, 7))
        self.assertNotIn(COMMUNITY, self.faults.log)
