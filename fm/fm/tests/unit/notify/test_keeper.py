# SPDX-License-Identifier: Apache-2.0
"""fm-manager's side of the notifier, with a process that only writes down what it is told."""

import os
import signal
import sys
import textwrap
import time

import fixtures
import prometheus_client

from fm import client
from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.notify import keeper
from fm.notify.course import Place
from fm.tests.unit import base

_PROGRAM = textwrap.dedent(
    """
    import os, sys
    with open(sys.argv[1], "a", buffering=1) as file:
        print("begins", os.getpid(), *sys.argv[2:], os.environ.get("NOTIFY_SOCKET", ""), file=file)
        for line in sys.stdin:
            print(line.strip(), file=file)
    """
)
NOTHING = client.Snmp("edge-1", "RegionOne")
SOMEBODY = client.Snmp("edge-1", "RegionOne", ("public",), (client.TrapDestination("192.0.2.1", community="public"),))


class KeeperTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.platform.path / "told"
        self.keeper = keeper.Keeper((sys.executable, "-I", "-c", _PROGRAM, str(self.file)))
        self.addCleanup(self.keeper.stop)

    def told(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def begun(self) -> list[int]:
        return [int(line.split()[1]) for line in self.told() if line.startswith("begins")]

    def wait_told(self, number: int) -> list[str]:
        base.wait_until(lambda: len(self.told()) >= number)
        return self.told()

    def test_nothing_runs_where_nobody_is_to_be_told(self) -> None:
        self.keeper.step()
        self.keeper.configure(NOTHING)
        self.keeper.step()
        self.assertIsNone(self.keeper._process)

    def test_it_runs_when_there_is_somebody_and_is_told_what_changes_once(self) -> None:
        self.keeper.configure(SOMEBODY)
        self.keeper.step()
        self.keeper.step()
        self.keeper.configure(client.msgspec.convert(client.msgspec.to_builtins(SOMEBODY), client.Snmp))
        self.keeper.step()
        self.keeper.configure(NOTHING)
        self.keeper.step()
        told = self.wait_told(3)
        self.assertEqual([SOMEBODY, NOTHING], [client.msgspec.json.decode(line, type=client.Snmp) for line in told[1:]])

    def test_an_option_is_enough(self) -> None:
        self.platform.conf.config(group="fm_notify", syslog="/dev/log")
        self.keeper.step()
        self.wait_told(1)

    def test_one_who_is_told_no_more_has_to_be_forgotten(self) -> None:
        db_outlets.move("trap-destination-192.0.2.1", Place(0))
        self.keeper.configure(NOTHING)
        self.keeper.step()
        self.wait_told(2)

    def test_a_receiver_that_leaves_the_options_has_to_be_forgotten(self) -> None:
        self.keeper.configure(NOTHING)
        self.keeper.step()
        db_outlets.move("webhook", Place(0))
        self.keeper.reset()
        self.keeper.step()
        self.wait_told(2)

    def test_one_that_dies_is_started_again_after_a_pause_and_told_again(self) -> None:
        self.keeper.configure(SOMEBODY)
        self.keeper.step()
        self.wait_told(2)
        assert self.keeper._process is not None
        os.kill(self.keeper._process.pid, signal.SIGKILL)
        base.wait_until(lambda: self.keeper._process is not None and self.keeper._process.poll() is not None)
        self.keeper.step()
        self.assertIsNone(self.keeper._process)
        self.keeper._restart_at = 0.0
        self.keeper.step()
        self.wait_told(4)
        self.assertEqual(2, len(set(self.begun())))

    def test_one_that_was_asked_to_end_has_not_failed(self) -> None:
        for code, level in ((0, "INFO"), (3, "ERROR")):
            log = self.useFixture(fixtures.FakeLogger(format="%(levelname)s %(message)s"))
            self.keeper = keeper.Keeper((sys.executable, "-I", "-c", f"raise SystemExit({code})"))
            self.addCleanup(self.keeper.stop)
            self.keeper.configure(SOMEBODY)
            self.keeper.step()
            assert self.keeper._process is not None
            self.keeper._process.wait(60)
            self.keeper.step()
            self.assertIn(f"{level} fm-notifier has ended with {code}", log.output)

    def test_one_that_takes_nothing_in_is_killed_and_waited_for_by_nobody(self) -> None:
        self.keeper = keeper.Keeper((sys.executable, "-I", "-c", "import time; time.sleep(600)"))
        self.addCleanup(self.keeper.stop)
        for number in range(2000):
            self.keeper.configure(client.Snmp(f"edge-{number}", "RegionOne", ("public",)))
            self.keeper.step()
            if self.keeper._process is None or self.keeper._process.poll() is not None:
                return
        self.fail("it takes in more than it reads")

    def test_it_takes_over_changed_options_by_a_new_start(self) -> None:
        self.keeper.configure(SOMEBODY)
        self.keeper.step()
        self.wait_told(2)
        self.keeper.reset()
        self.keeper.step()
        self.wait_told(4)
        self.assertEqual(2, len(set(self.begun())))

    def test_it_ends_with_its_keeper(self) -> None:
        self.keeper.configure(SOMEBODY)
        self.keeper.start()
        self.wait_told(2)
        self.keeper.stop()
        (pid,) = self.begun()
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    def test_one_that_does_not_end_holds_nobody_up(self) -> None:
        program = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begins', flush=True); time.sleep(600)"
        )
        output = self.platform.path / "told"
        self.keeper = keeper.Keeper(("/bin/sh", "-c", f'exec "$0" -I -c "$1" > {output}', sys.executable, program))
        self.addCleanup(self.keeper.stop)
        self.keeper.configure(SOMEBODY)
        self.keeper.step()
        base.wait_until(lambda: self.told() != [])
        process, begun = self.keeper._process, time.monotonic()
        self.keeper.stop()
        self.assertLess(time.monotonic() - begun, 60)
        assert process is not None
        self.assertEqual(-signal.SIGKILL, process.returncode)

    def test_no_secret_is_in_what_is_shown_of_a_destination(self) -> None:
        destination = client.TrapDestination("192.0.2.1", community="secret", auth_password="secret", priv_password="secret")
        snmp = client.Snmp("edge-1", "RegionOne", ("secret",), (destination,))
        self.assertNotIn("secret", f"{snmp!r} {snmp} {destination!r}")

    def test_fm_manager_passes_on_what_it_is_told(self) -> None:
        told: list[client.Snmp] = []
        server = base.rpc.Server(base.manager.Manager(told.append))
        server.start()
        self.addCleanup(server.stop)
        client.Manager().configure_snmp(self.context, SOMEBODY)
        self.assertEqual([SOMEBODY], told)


class FiguresTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        figures = keeper.Figures()
        figures.start()
        self.addCleanup(figures.stop)

    def test_active_alarms_are_counted_by_severity(self) -> None:
        db_api.store([base.report(), base.report(entity="host=compute-2.process=sshd", severity="critical")])
        text = prometheus_client.generate_latest().decode()
        for severity, count in (("critical", 1), ("major", 1), ("minor", 0), ("warning", 0)):
            self.assertIn(f'fm_active_alarms{{severity="{severity}"}} {count}.0', text)

    def test_how_far_each_outlet_is_is_told(self) -> None:
        db_api.store([base.report("log") for _ in range(5)])
        db_outlets.move("webhook", Place(2, 7))
        text = prometheus_client.generate_latest().decode()
        self.assertIn('fm_outlet_waiting_events{outlet="webhook"} 3.0', text)
        self.assertIn('fm_outlet_dropped_events_total{outlet="webhook"} 7.0', text)

    def test_the_page_is_there_without_the_database(self) -> None:
        db_api.database.reset()
        self.platform.conf.config(group="fm_database", connection=f"sqlite:///{self.platform.path}/empty.sqlite")
        self.assertIn("python_info", prometheus_client.generate_latest().decode())
