# SPDX-License-Identifier: Apache-2.0
"""The rounds that many simulated hosts share."""

import itertools
import threading
import time
from collections.abc import Callable

from oslotest import base

from mtce import client as mtce_client
from stx import context, testing
from stxlab import fleet
from stxlab.fleet import Rounds

# Until something has happened that happens at once, on a machine that is busy.
DEADLINE_S = 60.0
SHORT_S = 0.002
# Within which the next line of a test is carried out.
LONG_S = 3.0
NEVER_S = 3600.0


class Agent:
    """mtce-agent, as far as hosts hear of it."""

    def __init__(self) -> None:
        self.wish = mtce_client.Wish()
        self.reports: list[mtce_client.HostReport] = []

    def report(self, _context: context.RequestContext, report: mtce_client.HostReport) -> mtce_client.Wish:
        self.reports.append(report)
        return self.wish


class HostTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(testing.Platform())
        self.host, self.agent = fleet.Host(1, 1), Agent()
        self.host._mtce = self.agent

    def report(self, **wish: object) -> mtce_client.HostReport:
        """What it says; what it is to do then."""
        self.agent.wish = mtce_client.Wish(**wish)
        self.host.report()
        return self.agent.reports[-1]

    def test_what_is_to_be_run_has_passed_at_the_next_report(self) -> None:
        self.assertEqual({}, self.report(tasks={"goenabled": "1"}).results)
        self.assertEqual({"goenabled": mtce_client.Result("1", True)}, self.report().results)

    def test_it_boots_when_its_boot_is_to_end_and_only_then(self) -> None:
        before = self.report(tasks={"goenabled": "1"}).boot_id
        self.assertEqual(before, self.report(boot_id="another").boot_id)
        self.report(boot_id=before)
        after = self.report()
        self.assertNotEqual(before, after.boot_id)
        self.assertEqual({}, after.results)

    def test_it_reports_as_often_as_is_wished_for(self) -> None:
        self.report(report_s=0.5)
        self.assertEqual(0.5, self.host.report_s)


class RoundsTest(base.BaseTestCase):
    def rounds(self, threads: int = 1) -> Rounds:
        made = Rounds("test", threads)
        self.addCleanup(made.stop)
        return made

    def wait(self, event: threading.Event) -> None:
        self.assertTrue(event.wait(DEADLINE_S))

    def test_a_call_is_made_again_and_again(self) -> None:
        rounds, calls, done = self.rounds(), itertools.count(1), threading.Event()

        def call() -> float:
            if next(calls) == 5:
                done.set()
            return SHORT_S

        rounds.add(call)
        rounds.start()
        self.wait(done)

    def test_a_call_waits_its_time_and_keeps_no_other_waiting(self) -> None:
        rounds, made, done = self.rounds(), [], threading.Event()
        begun = time.monotonic()

        def call(name: str, is_last: bool = False) -> Callable[[], float]:
            def made_now() -> float:
                made.append((name, time.monotonic() - begun))
                if is_last:
                    done.set()
                return NEVER_S

            return made_now

        rounds.add(call("never"), NEVER_S)
        rounds.add(call("late", is_last=True), LONG_S)
        rounds.add(call("soon"))
        rounds.start()
        self.wait(done)
        self.assertEqual(["soon", "late"], [name for name, _ in made])
        self.assertGreaterEqual(made[1][1], LONG_S)

    def test_a_call_that_is_added_later_is_not_kept_waiting_by_one_that_waits(self) -> None:
        rounds, started, done = self.rounds(), threading.Event(), threading.Event()

        def first() -> float:
            started.set()
            return NEVER_S

        rounds.add(first)
        rounds.start()
        self.wait(started)
        rounds.add(lambda: done.set() or NEVER_S)
        self.wait(done)

    def test_as_many_calls_are_made_at_once_as_there_are_threads(self) -> None:
        rounds, together = self.rounds(3), threading.Barrier(3, timeout=DEADLINE_S)
        done = [threading.Event() for _ in range(3)]

        def call(event: threading.Event) -> Callable[[], float]:
            def meet() -> float:
                together.wait()
                event.set()
                return NEVER_S

            return meet

        for event in done:
            rounds.add(call(event))
        rounds.start()
        for event in done:
            self.wait(event)

    def test_a_call_is_never_made_twice_at_once(self) -> None:
        rounds, lock, done, calls = self.rounds(4), threading.Lock(), threading.Event(), itertools.count(1)
        overlaps = []

        def call() -> float:
            if not lock.acquire(blocking=False):
                overlaps.append(1)
                return 0.0
            try:
                if next(calls) == 200:
                    done.set()
            finally:
                lock.release()
            return 0.0

        rounds.add(call)
        rounds.start()
        self.wait(done)
        self.assertEqual([], overlaps)

    def test_stopping_waits_for_the_call_that_is_made_and_for_none_that_waits(self) -> None:
        rounds, begun, go_on = Rounds("test", 1), threading.Event(), threading.Event()
        ended = []

        def call() -> float:
            begun.set()
            self.wait(go_on)
            ended.append(True)
            return 0.0

        rounds.add(call)
        rounds.add(lambda: NEVER_S, NEVER_S)
        rounds.start()
        self.wait(begun)
        stopping = threading.Thread(target=rounds.stop)
        stopping.start()
        self.assertEqual([], ended)
        go_on.set()
        stopping.join(DEADLINE_S)
        self.assertFalse(stopping.is_alive())
        self.assertEqual([True], ended)
        self.assertFalse(rounds.is_healthy())

    def test_a_call_that_fails_is_made_again_and_harms_no_other(self) -> None:
        rounds, calls, done = Rounds("test", 1, retry_s=SHORT_S), itertools.count(1), threading.Event()
        self.addCleanup(rounds.stop)

        def call() -> float:
            if next(calls) < 3:
                raise OSError("no room")
            done.set()
            return NEVER_S

        rounds.add(call)
        rounds.start()
        self.wait(done)
        self.assertTrue(rounds.is_healthy())

    def test_it_is_healthy_while_all_its_threads_live(self) -> None:
        rounds = self.rounds(2)
        rounds.start()
        self.assertTrue(rounds.is_healthy())
