# SPDX-License-Identifier: Apache-2.0
"""Which outlets the notifier keeps, by its options and by what fm-manager tells it."""

import io
import subprocess
import sys
import threading

import msgspec

from fm import client
from fm.db import outlets as db_outlets
from fm.notify import process
from fm.notify.course import Place
from fm.tests.unit import base

HERE = "trap-destination-127.0.0.1"


class NotifierTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.ended = threading.Event()
        self.platform.conf.config(group="fm_notify", agent_bind_host="127.0.0.1", timeout=0.5)

    def start(self, *orders: client.Snmp) -> process.Notifier:
        lines = b"".join(msgspec.json.encode(order) + b"\n" for order in orders)
        notifier = process.Notifier(io.BytesIO(lines), self.ended.set)
        notifier.start()
        self.addCleanup(notifier.stop)
        return notifier

    def snmp(self, *addresses: str) -> client.Snmp:
        # Nobody listens there.
        return client.Snmp("edge-1", "RegionOne", (), tuple(client.TrapDestination(name, 9, community="c") for name in addresses))

    def test_it_ends_when_fm_manager_does(self) -> None:
        self.start()
        self.assertTrue(self.ended.wait(60))

    def test_it_ends_whatever_it_is_at(self) -> None:
        program = (
            "import signal, time; from fm.notify import process; signal.signal(signal.SIGTERM, signal.SIG_IGN); process._end()"
        )
        self.assertEqual(0, subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False, timeout=60).returncode)

    def test_all_are_told_to_stop_before_one_is_waited_for(self) -> None:
        self.platform.conf.config(group="fm_notify", webhook_url="http://127.0.0.1:9/", syslog="127.0.0.1:9")
        notifier = process.Notifier(io.BytesIO(), self.ended.set)
        notifier.step()
        self.assertEqual(2, len(notifier._running))
        stopping: list[bool] = []
        for _, running in notifier._running.values():
            self.addCleanup(running.stop)
            running.stop = lambda: stopping.extend(each._stopping.is_set() for _, each in notifier._running.values())
        notifier.stop()
        self.assertEqual(4 * [True], stopping)

    def test_there_is_an_outlet_for_each_receiver(self) -> None:
        self.platform.conf.config(group="fm_notify", webhook_url="http://127.0.0.1:9/", syslog="127.0.0.1:9")
        self.platform.conf.config(group="fm_notify", alertmanager_url="http://127.0.0.1:9/")
        self.start(self.snmp("127.0.0.1"))
        wanted = {"alertmanager", "syslog", HERE, "webhook"}
        base.wait_until(lambda: db_outlets.places().keys() == wanted)

    def test_one_that_is_no_more_is_forgotten(self) -> None:
        db_outlets.move("trap-destination-192.0.2.1", Place(0))
        db_outlets.move("webhook", Place(0))
        self.start(self.snmp("127.0.0.1"))
        base.wait_until(lambda: db_outlets.places().keys() == {HERE})

    def test_destinations_are_kept_until_it_is_told_which_there_are(self) -> None:
        db_outlets.move(HERE, Place(0))
        db_outlets.move("webhook", Place(0))
        self.start()
        base.wait_until(lambda: db_outlets.places().keys() == {HERE})

    def test_one_that_changes_goes_on_where_it_was(self) -> None:
        db_outlets.move(HERE, Place(7, 3))
        notifier = self.start(self.snmp("127.0.0.1"))
        base.wait_until(lambda: HERE in notifier._running)
        before = notifier._running[HERE][1]
        notifier._snmp = client.Snmp("edge-1", "RegionOne", (), (client.TrapDestination("127.0.0.1", 9, community="d"),))
        notifier.step()
        self.assertIsNot(before, notifier._running[HERE][1])
        self.assertEqual(3, db_outlets.places()[HERE].dropped)
