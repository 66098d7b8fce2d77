# SPDX-License-Identifier: Apache-2.0
"""The way of a report from a host's spool to the manager's database, over the real bus."""

import contextlib
import stat
from collections.abc import Iterator
from typing import Any

import fixtures
import msgspec

from fm import client, courier, faults, manager
from fm.db import api as db_api
from fm.tests.unit import base
from stx import exception, rpc
from stx.context import RequestContext


class Faltering(manager.Manager):
    """Stores reports, and fails before it can say so, a number of times.

    :ivar deliveries: the sequence numbers of each delivery
    """

    def __init__(self, times: int, error: Exception) -> None:
        self.deliveries: list[list[int]] = []
        self._times = times
        self._error = error

    @rpc.exposed
    def deliver(self, context: RequestContext, sender: str, reports: list[tuple[int, Any]]) -> client.Receipt:
        self.deliveries.append([sequence for sequence, _ in reports])
        stored = super().deliver(context, sender, reports)
        if len(self.deliveries) <= self._times:
            raise self._error
        return stored


class CourierTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.spool = client.open_spool()
        self.addCleanup(self.spool.close)

    @contextlib.contextmanager
    def courier(self) -> Iterator[courier.Courier]:
        running = courier.Courier()
        running.start()
        try:
            yield running
        finally:
            running.stop()

    def start_faltering_manager(self, times: int, error: Exception) -> Faltering:
        faltering = Faltering(times, error)
        server = rpc.Server(faltering)
        server.start()
        self.addCleanup(server.stop)
        return faltering

    def keep(self, *reports: faults.Report) -> None:
        with contextlib.closing(client.open_spool()) as spool:
            spool.append([msgspec.json.encode(report) for report in reports])

    def keep_logs(self, *texts: str) -> None:
        self.keep(*[base.report("log", reason_text=text) for text in texts])

    def wait_until_delivered(self) -> None:
        base.wait_until(lambda: not self.spool.read(1).reports)

    def texts(self) -> list[str]:
        return [event["reason_text"] for event in base.events()]

    def states(self) -> list[str]:
        return [event["state"] for event in base.events()]


class DeliveryTest(CourierTest):
    def test_reports_that_were_made_while_nothing_served_arrive_in_order(self) -> None:
        self.keep(base.report(severity="minor"), base.report(severity="major"), base.report("clear"))
        self.keep_logs("1", "2", "3")
        self.start_manager()
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual(["set", "set", "clear", "log", "log", "log"], self.states())
        self.assertEqual(["1", "2", "3"], self.texts()[3:])

    def test_the_courier_waits_for_a_manager_that_comes_later(self) -> None:
        self.keep_logs("1")
        with self.courier() as running:
            self.keep_logs("2")
            self.assertTrue(running.is_healthy())
            self.start_manager()
            self.wait_until_delivered()
        self.assertEqual(["1", "2"], self.texts())

    def test_a_report_is_delivered_at_once(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.courier.ROUND_S", 3600.0))
        self.start_manager()
        with self.courier():
            for number in range(3):
                self.keep_logs(f"{number}")
                self.wait_until_delivered()
        self.assertEqual(["0", "1", "2"], self.texts())

    def test_more_than_one_batch_arrives_in_order(self) -> None:
        self.platform.conf.config(group="fm", batch=3)
        texts = [f"{number}" for number in range(20)]
        self.keep_logs(*texts)
        manager = self.start_faltering_manager(0, exception.Unavailable("never"))
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual(texts, self.texts())
        self.assertEqual([3, 3, 3, 3, 3, 3, 2], [len(delivery) for delivery in manager.deliveries])

    def test_what_is_delivered_again_counts_once(self) -> None:
        manager = self.start_faltering_manager(2, exception.Unavailable("the answer was lost"))
        self.keep(base.report(), base.report("clear"), base.report(), base.report("log"))
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual([[1, 2, 3, 4]] * 3, manager.deliveries)
        self.assertEqual(["set", "clear", "set", "log"], self.states())
        self.assertEqual(1, len(db_api.find_alarms()))

    def test_an_error_in_the_manager_loses_nothing(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.courier.BACKOFF_S", (0.01,)))
        manager = self.start_faltering_manager(2, RuntimeError("a defect"))
        self.keep_logs("1", "2")
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual(3, len(manager.deliveries))
        self.assertEqual(["1", "2"], self.texts())

    def test_a_courier_goes_on_where_the_one_before_it_ended(self) -> None:
        manager = self.start_faltering_manager(0, exception.Unavailable("never"))
        for text in ("1", "2"):
            with self.courier():
                self.keep_logs(text)
                self.wait_until_delivered()
        self.assertEqual([[1], [2]], manager.deliveries)

    def test_reports_that_cannot_be_understood_hold_up_no_other(self) -> None:
        bad = [
            b"\xff{",
            b"",
            b"null",
            b"[]",
            b'{"operation": "set"}',
            msgspec.json.encode(base.report("log", alarm_id="nonsense")),
            msgspec.json.encode(base.report("log", alarm_id="999.001")),
            msgspec.json.encode(base.report(entity="host=compute-1")),
            msgspec.json.encode(base.report("log", timestamp="yesterday")),
            msgspec.json.encode(base.report("log", uuid="x" * 100)),
            msgspec.json.encode(base.report("log", severity="fatal")),
        ]
        good = [base.report("log", reason_text=f"{number}") for number in range(len(bad) + 1)]
        self.keep(good[0])
        for body, report in zip(bad, good[1:], strict=True):
            self.spool.append([body, msgspec.json.encode(report)])
        self.start_manager()
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual([report.reason_text for report in good], self.texts())

    def test_what_is_refused_is_logged_on_its_host_and_not_sent_again(self) -> None:
        log = self.useFixture(fixtures.FakeLogger("fm.courier"))
        manager = self.start_faltering_manager(0, exception.Unavailable("never"))
        self.keep(base.report(alarm_id="999.001", reason_text="the flux is low"), base.report())
        with self.courier():
            self.wait_until_delivered()
        self.assertEqual([[1, 2]], manager.deliveries)
        self.assertEqual(["200.006"], [alarm["alarm_id"] for alarm in db_api.find_alarms()])
        self.assertIn("A fault report is refused: alarm_id 999.001 is not in the catalogue", log.output)
        self.assertIn("the flux is low", log.output)

    def test_two_hosts_reports_with_equal_numbers_are_both_stored(self) -> None:
        self.start_manager()
        for host in ("compute-0", "compute-1"):
            self.platform.conf.config(state_path=str(self.platform.path / host))
            self.keep_logs(host)
            with self.courier():
                base.wait_until(lambda host=host: host in self.texts())
        self.assertEqual(["compute-0", "compute-1"], self.texts())


class OnlyOneTest(CourierTest):
    def test_a_second_courier_on_one_spool_is_refused(self) -> None:
        self.start_manager()
        with self.courier():
            self.assert_raises_with(
                exception.ConfigurationError,
                f"Another process delivers the fault reports in {self.platform.path}/spool already: run only one on a host.",
                courier.Courier().start,
            )
            self.keep_logs("1")
            self.wait_until_delivered()

    def test_a_courier_starts_after_another_ended(self) -> None:
        self.start_manager()
        with self.courier():
            pass
        with self.courier() as running:
            self.assertTrue(running.is_healthy())
        self.assertFalse(running.is_healthy())

    def test_a_doorbell_left_by_a_dead_courier_is_replaced(self) -> None:
        self.start_manager()
        self.spool.read(1)
        self.spool.doorbell.write_text("left behind")
        with self.courier():
            self.assertTrue(stat.S_ISSOCK(self.spool.doorbell.stat().st_mode))

    def test_only_the_owner_rings_and_locks(self) -> None:
        self.start_manager()
        with base.umask(0), self.courier():
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (self.spool.doorbell, self.spool.lock_file)}
        self.assertEqual({"fm-spool.sock": 0o600, "fm-spool.lock": 0o600}, modes)

    def test_the_service_has_one_courier(self) -> None:
        self.start_manager()
        made = courier.make_service()
        made.start()
        self.addCleanup(made.stop)
        self.keep_logs("1")
        self.wait_until_delivered()
        self.assertTrue(made.is_healthy())
