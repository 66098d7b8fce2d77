# SPDX-License-Identifier: Apache-2.0

from oslotest import base

from mtce.pmon.conf import Severity
from mtce.pmon.publish import PATCHING_S, RETRY_S, ProcessReport, Publisher
from mtce.tests.unit.pmon.harness import Recorder

MAJOR = ProcessReport(Severity.MAJOR, "x")
CRITICAL = ProcessReport(Severity.CRITICAL, "y")


class Unreliable(Recorder):
    """Fails while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False

    def raise_process_fault(self, process: str, severity: str, text: str) -> None:
        self.check()
        super().raise_process_fault(process, severity, text)

    def clear_process_fault(self, process: str) -> None:
        self.check()
        super().clear_process_fault(process)

    def log_process_event(self, process: str, severity: str, text: str) -> None:
        self.check()
        super().log_process_event(process, severity, text)

    def check(self) -> None:
        if self.is_down:
            raise ConnectionError("the receiver is down")


class PublisherTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink = Unreliable()
        self.is_patching = False
        self.publisher = Publisher(self.sink, self.sink.report, lambda: self.is_patching)

    def test_the_first_report_is_made_even_when_nothing_failed(self) -> None:
        self.publisher.publish(0.0)
        self.assertEqual([{}], self.sink.reports)
        self.publisher.publish(1.0)
        self.assertEqual([{}], self.sink.reports)
        self.assertIsNone(self.publisher.next_deadline)

    def test_an_alarm_is_told_once_and_cleared_once(self) -> None:
        self.publisher.set_alarm("p", Severity.MAJOR, "dead")
        self.publisher.publish(0.0)
        self.publisher.publish(1.0)
        self.publisher.clear_alarm("p")
        self.publisher.publish(2.0)
        self.publisher.publish(3.0)
        self.assertEqual([("raise", "p", "major", "dead"), ("clear", "p")], self.sink.calls)

    def test_an_alarm_of_an_earlier_time_is_cleared_once(self) -> None:
        self.publisher.clear_alarm("old")
        self.assertEqual({"old"}, self.publisher.uncleared)
        self.publisher.publish(0.0)
        self.publisher.publish(1.0)
        self.assertEqual([("clear", "old")], self.sink.calls)
        self.assertEqual(frozenset(), self.publisher.uncleared)

    def test_an_alarm_that_follows_a_clear_nobody_took_is_told(self) -> None:
        self.sink.is_down = True
        self.publisher.clear_alarm("p")
        self.publisher.publish(0.0)
        self.sink.is_down = False
        self.publisher.set_alarm("p", Severity.MAJOR, "dead")
        self.publisher.publish(RETRY_S)
        self.assertEqual([("raise", "p", "major", "dead")], self.sink.calls)

    def test_another_severity_is_told(self) -> None:
        self.publisher.set_alarm("p", Severity.MAJOR, "a")
        self.publisher.publish(0.0)
        self.publisher.set_alarm("p", Severity.CRITICAL, "b")
        self.publisher.publish(1.0)
        self.assertEqual(("raise", "p", "critical", "b"), self.sink.calls[-1])

    def test_what_the_receiver_did_not_take_is_told_again_in_order(self) -> None:
        self.sink.is_down = True
        self.publisher.log("p", Severity.MAJOR, "first")
        self.publisher.log("p", Severity.MAJOR, "second")
        self.publisher.set_alarm("p", Severity.MAJOR, "dead")
        self.publisher.set_failed("p", MAJOR)
        self.publisher.publish(10.0)
        self.assertEqual([], self.sink.calls)
        self.assertEqual([{"p": MAJOR}], self.sink.reports)
        self.assertEqual(10.0 + RETRY_S, self.publisher.next_deadline)
        self.sink.is_down = False
        self.publisher.publish(12.0)
        self.assertEqual([], self.sink.calls)
        self.publisher.publish(15.0)
        self.assertEqual(["first", "second", "dead"], [call[3] for call in self.sink.calls])

    def test_an_alarm_that_ended_before_it_was_told_is_never_raised(self) -> None:
        self.sink.is_down = True
        self.publisher.set_alarm("p", Severity.MAJOR, "dead")
        self.publisher.publish(0.0)
        self.publisher.clear_alarm("p")
        self.sink.is_down = False
        self.publisher.publish(RETRY_S)
        self.assertEqual([("clear", "p")], self.sink.calls)

    def test_the_host_is_not_degraded_while_it_is_patched(self) -> None:
        self.is_patching = True
        self.publisher.set_failed("p", MAJOR)
        self.publisher.set_failed("q", CRITICAL)
        self.publisher.publish(0.0)
        self.assertEqual([{"q": CRITICAL}], self.sink.reports)
        self.assertEqual(PATCHING_S, self.publisher.next_deadline)
        self.is_patching = False
        self.publisher.publish(PATCHING_S)
        self.assertEqual({"p": MAJOR, "q": CRITICAL}, self.sink.reports[-1])
