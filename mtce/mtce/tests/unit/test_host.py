# SPDX-License-Identifier: Apache-2.0
"""mtce-client with real processes, a real agent and a real spool."""

import contextlib
import pathlib
import queue
import stat
import time
from typing import Any

import fixtures
import msgspec

from fm import client as fm_client
from fm.tests.unit.base import catalogued
from mtce import agent, client, host, liveness
from mtce.ending import Commands, Ending
from mtce.heartbeat import told, wire
from mtce.tests.unit.pmon import harness
from mtce.tests.unit.test_ending import Recorder
from stx import exception, rpc, testing
from stx.context import RequestContext


class Listener(agent.Agent):
    """The agent, whose reports can be waited for.

    :ivar wish: what it answers in place of its own
    """

    def __init__(self) -> None:
        super().__init__()
        self.reports: queue.Queue[client.HostReport] = queue.Queue()
        self.wish: client.Wish | None = None

    @rpc.exposed
    def report(self, context: RequestContext, report: client.HostReport) -> client.Wish:
        wish = super().report(context, report)
        self.reports.put(report)
        return self.wish or wish


class ProcessTest(harness.DirectoryTest):
    """A test with processes of its own, described in one directory."""

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.conf_dir = self.directory / "pmon.d"
        self.conf_dir.mkdir()

    def describe(self, name: str, **keys: Any) -> None:
        """A drop-in file for a process that the monitor starts."""
        values = {
            "process": name,
            "pidfile": self.pidfile(name),
            "command": "sleep 1000",
            "severity": "major",
            "restarts": 1,
            "interval": 0.1,
            "debounce": 0.3,
            "startuptime": 0.05,
            **keys,
        }
        lines = [f"{key} = {value}" for key, value in values.items()]
        (self.conf_dir / f"{name}.conf").write_text("\n".join(["[process]", *lines, ""]))

    def pidfile(self, name: str) -> pathlib.Path:
        return self.directory / f"{name}.pid"

    def pid(self, name: str, other_than: int = 0) -> int:
        """The process's id, once it runs."""

        def runs() -> bool:
            with contextlib.suppress(OSError, IndexError):
                found.append(int(self.pidfile(name).read_text().split()[0]))
                return found[-1] != other_than and harness.is_alive(found[-1])
            return False

        found: list[int] = []
        harness.wait_until(runs)
        return found[-1]

    def kill(self, name: str) -> int:
        pid = self.pid(name)
        harness.kill(pid)
        return pid

    def faults(self) -> list[tuple[str, str, str, str | None]]:
        """What Fault Management was told."""
        with contextlib.closing(fm_client.open_spool()) as spool:
            kept = [msgspec.json.decode(body, type=fm_client.Report) for _, body in spool.read(1000).reports]
        return [(each.operation, each.alarm_id, each.entity_instance_id, each.severity) for each in catalogued(kept)]


class HostTest(ProcessTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="pmon", conf_dir=[str(self.conf_dir)], pulse_port=0)
        self.platform.conf.config(group="mtce", report_period=3600)
        self.platform.conf.config(group="mtce_host", goenabled_dir=str(self.directory / "goenabled.d"))
        self.platform.conf.config(group="mtce_resources", enabled=False)
        self.listener = Listener()
        self.runner = Recorder()
        nothing = Commands(reboot=("reboot",), reset=("reset",), wipe=("wipe",), last_resort="die")
        self.useFixture(fixtures.MonkeyPatch("mtce.host.make_ending", lambda: Ending(nothing, self.runner)))

    def listen(self) -> None:
        server = rpc.Server(self.listener)
        server.start()
        self.addCleanup(server.stop)

    def start(self) -> host.Host:
        running = host.Host()
        running.start()
        self.addCleanup(running.stop)
        return running

    def next_report(self) -> client.HostReport:
        return self.listener.reports.get(timeout=60)

    def wait_for_failed(self, **expected: str) -> None:
        """Reports come until one has these failed processes."""
        while self.next_report().failed != expected:
            pass


class ReportTest(HostTest):
    def test_the_host_says_who_and_how_it_is(self) -> None:
        self.listen()
        self.start()
        report = self.next_report()
        self.assertEqual(("controller-0", {}), (report.hostname, report.failed))
        self.assertEqual(pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(), report.boot_id)
        uptime_s = float(pathlib.Path("/proc/uptime").read_text().split()[0])
        self.assertLess(abs(uptime_s - report.uptime_s), 60)

    def test_a_process_that_fails_and_recovers_is_told_at_once(self) -> None:
        self.describe("sleeper")
        self.listen()
        running = self.start()
        self.assertEqual({}, self.next_report().failed)
        entity = "host=controller-0.process=sleeper"
        # An alarm of an earlier time, of which nothing is known.
        harness.wait_until(lambda: [("clear", "200.006", entity, None)] == self.faults())
        # Once it counts as stable it may fail as often again.
        self.describe("sleeper", debounce=600)
        running.reset()
        self.pid("sleeper", other_than=self.kill("sleeper"))
        second = self.kill("sleeper")
        self.wait_for_failed(sleeper="major")
        self.describe("sleeper")
        running.reset()
        self.pid("sleeper", other_than=second)
        self.kill("sleeper")
        self.wait_for_failed()
        harness.wait_until(lambda: ("clear", "200.006", entity, None) in self.faults()[1:])
        self.assertEqual(
            [(each, entity) for each in ("clear", "log", "set", "clear")], [(each[0], each[2]) for each in self.faults()]
        )
        self.assertIn(("set", "200.006", entity, "major"), self.faults())

    def test_a_report_comes_every_period(self) -> None:
        self.platform.conf.config(group="mtce", report_period=0.1)
        self.listen()
        self.start()
        for _ in range(3):
            self.next_report()

    def test_a_report_waits_for_an_agent_that_is_away(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mtce.host._AWAY_S", 0.01))
        impatient = client.Agent(timeout_s=0.1)
        self.useFixture(fixtures.MonkeyPatch("mtce.host.client.Agent", lambda: impatient))
        running = self.start()
        harness.wait_until(lambda: running._is_away)
        self.assertTrue(running.is_healthy())
        self.listen()
        self.assertEqual("controller-0", self.next_report().hostname)
        harness.wait_until(lambda: not running._is_away)

    def test_nothing_is_reported_before_the_monitor_has_looked(self) -> None:
        self.listen()
        self.useFixture(fixtures.MonkeyPatch("mtce.host.ProcessMonitor.start", lambda monitor: None))
        self.useFixture(fixtures.MonkeyPatch("mtce.host.ProcessMonitor.is_alive", lambda monitor: True))
        running = self.start()
        running._report()
        self.assertTrue(self.listener.reports.empty())
        running._changed({})
        self.assertEqual({}, self.next_report().failed)

    def test_a_host_that_nobody_watches_is_silent(self) -> None:
        self.listen()
        running = self.start()
        self.next_report()
        running._worker.stop()
        self.listener.reports = queue.Queue()
        running._monitor.stop()
        running._report()
        self.assertTrue(self.listener.reports.empty())

    def test_a_host_whose_process_monitor_hangs_is_silent_and_not_well(self) -> None:
        self.listen()
        running = self.start()
        self.next_report()
        running._worker.stop()
        self.listener.reports = queue.Queue()
        with fixtures.MonkeyPatch("mtce.pmon.loop.Loop.is_stuck", lambda _loop: True):
            running._report()
            self.assertFalse(running.is_healthy())
        self.assertTrue(self.listener.reports.empty())
        running._report()
        self.assertEqual({}, self.next_report().failed)


class WishTest(HostTest):
    """The answer to a report says what to do, and a later report what came of it."""

    def test_a_task_is_reported_when_it_has_ended(self) -> None:
        self.listener.wish = client.Wish(tasks={client.Task.GOENABLED: "1"})
        self.listen()
        self.start()
        self.assertEqual({}, self.next_report().results)
        self.assertEqual({"goenabled": client.Result("1", True)}, self.next_report().results)

    def test_a_host_that_is_told_to_look_reports_at_once(self) -> None:
        self.listen()
        running = self.start()
        self.next_report()
        self.listener.wish = client.Wish(is_locked=True)
        client.Host().look(running._context, "controller-0")
        self.next_report()
        harness.wait_until((self.platform.path / ".node_locked").exists)

    def test_the_period_is_the_one_that_is_wished_for(self) -> None:
        self.listener.wish = client.Wish(report_s=0.1)
        self.listen()
        running = self.start()
        for _ in range(3):
            self.next_report()
        self.listener.wish = client.Wish()
        harness.wait_until(lambda: running._worker.period_s == 3600)

    def test_the_boot_ends_that_is_to_end(self) -> None:
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.listener.wish = client.Wish(boot_id=boot_id)
        self.listen()
        self.start()
        self.assertTrue(self.next_report().may_reboot)
        harness.wait_until(lambda: self.runner.ran[1:] == ["reboot"])

    def told(self, boot_id: str, seconds_ago: float = 0.0) -> None:
        """mtce-heartbeat was told that a boot is to end, and that the host is to be locked."""
        keeper = told.Keeper(self.platform.path, lambda: time.monotonic() - seconds_ago)
        keeper.keep(wire.End("controller-0", "compute-0", boot_id, is_locked=True))

    def is_locked(self) -> bool:
        return (self.platform.path / ".node_locked").exists()

    def test_the_boot_ends_that_a_controller_could_only_tell_the_heartbeat_of(self) -> None:
        """The host is locked first, where it is to be; mtce-agent is out of reach."""
        running = self.start()
        self.told("an-earlier-boot")
        running._heed()
        self.told(running._boot_id, seconds_ago=told.FRESH_S)
        running._heed()
        self.assertFalse(self.is_locked())
        self.told(running._boot_id)
        harness.wait_until(lambda: running._heed() or self.runner.ran[1:] == ["reset"])
        self.assertTrue(self.is_locked())

    def test_a_host_that_may_not_be_rebooted_is_not_locked_for_it(self) -> None:
        self.platform.conf.config(group="mtce", may_reboot=False)
        running = self.start()
        self.told(running._boot_id)
        running._heed()
        self.assertEqual((False, []), (self.is_locked(), self.runner.ran))

    def test_what_cannot_be_kept_is_said_once(self) -> None:
        keeper = told.Keeper(self.platform.path / "away")
        with fixtures.FakeLogger("mtce.heartbeat.told") as log:
            for _ in range(3):
                keeper.keep(wire.End("controller-0", "compute-0", "boot", is_locked=False))
        self.assertEqual(1, len(log.output.splitlines()), log.output)

    def test_a_host_that_systemd_has_not_started_says_that_it_may_not_be_rebooted(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mtce.host.make_ending", self.make_ending))
        self.listen()
        self.start()
        self.assertFalse(self.next_report().may_reboot)

    make_ending = staticmethod(host.make_ending)

    def test_what_is_used_up_is_reported_as_long_as_it_degrades(self) -> None:
        self.listen()
        running = self.start()
        self.next_report()
        running._resources.degrading = {"host=controller-0.filesystem=/": "critical"}
        running._resources._changed()
        self.assertEqual({"host=controller-0.filesystem=/": "critical"}, self.next_report().resources)

    def test_its_resources_are_watched_from_the_start(self) -> None:
        options = {"enabled": True, "start_delay": 0.0, "audit_period": 0.1, "cpu": [], "file_systems": [], "memory": [0.0]}
        self.platform.conf.config(group="mtce_resources", **options)
        self.listen()
        running = self.start()
        while not (used_up := self.next_report().resources):
            pass
        self.assertEqual({"host=controller-0": "critical"}, used_up)
        self.assertTrue(running.is_healthy())

    def test_a_host_that_is_well_says_so_to_its_heartbeat(self) -> None:
        self.listen()
        self.start()
        harness.wait_until((self.platform.path / liveness.ALIVE).exists)


class MonitorTest(HostTest):
    def test_a_file_that_is_wrong_keeps_no_other_process_back(self) -> None:
        self.describe("sleeper")
        self.describe("broken", severity="fatal")
        self.listen()
        running = self.start()
        self.pid("sleeper")
        self.assertTrue(running.is_healthy())
        self.assertFalse(self.pidfile("broken").exists())

    def test_new_files_are_read_when_told(self) -> None:
        self.listen()
        running = self.start()
        self.describe("sleeper")
        running.reset()
        self.pid("sleeper")

    def test_processes_live_on_when_the_monitor_stops(self) -> None:
        self.describe("sleeper")
        self.listen()
        running = self.start()
        pid = self.pid("sleeper")
        running.stop()
        self.assertFalse(running.is_healthy())
        self.assertTrue(harness.is_alive(pid))

    def test_a_second_one_on_a_host_is_refused(self) -> None:
        self.listen()
        self.start()
        self.assert_refused("Another process monitor uses")

    def test_only_the_owner_sees_its_state(self) -> None:
        self.listen()
        self.start()
        self.assertEqual(0o700, stat.S_IMODE((self.platform.path / "pmon").stat().st_mode))

    def assert_refused(self, text: str) -> None:
        error = self.assertRaises(exception.ConfigurationError, host.Host().start)
        self.assertIn(text, error.message)

    def test_the_service_runs_one(self) -> None:
        self.listen()
        made = host.make_service()
        made.start()
        self.addCleanup(made.stop)
        self.assertEqual("controller-0", self.next_report().hostname)
        self.assertTrue(made.is_healthy())

    def test_the_watchdog_is_told_of_a_process_that_the_host_cannot_do_without(self) -> None:
        self.listen()
        go = self.directory / "go"
        failing = self.script("failing", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\nexit 1\n")
        self.describe("sleeper", command=failing, startuptime=600, quorum=1)
        self.describe("other", command=failing, startuptime=600)
        running = self.start()
        self.assertEqual("", running._complaint())
        go.touch()
        harness.wait_until(lambda: running._failed and len(running._failed) == 2)
        self.assertEqual("sleeper cannot be kept running, and this host cannot do without", running._complaint())


class FaultsTest(ProcessTest):
    def test_each_call_is_a_report_about_a_process_of_this_host(self) -> None:
        told = host.Faults()
        told.raise_process_fault("sshd", "critical", "it failed")
        told.clear_process_fault("sshd")
        told.log_process_event("sshd", "minor", "it was restarted")
        entity = "host=controller-0.process=sshd"
        self.assertEqual(
            [
                ("set", "200.006", entity, "critical"),
                ("clear", "200.006", entity, None),
                ("log", "200.006", entity, "minor"),
            ],
            self.faults(),
        )

    def test_a_text_that_is_too_long_is_cut(self) -> None:
        told = host.Faults()
        told.raise_process_fault("sshd", "major", "x" * 1000)
        told.log_process_event("sshd", "major", "x" * 1000)
        self.assertEqual(2, len(self.faults()))
