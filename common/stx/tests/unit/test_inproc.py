# SPDX-License-Identifier: Apache-2.0
"""Tests of the in-process driver, through oslo.messaging."""

import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import fixtures
import oslo_messaging

from stx import inproc, rpc, testing

DEADLINE_S = 60.0


class Endpoint:
    """What the servers of these tests do; `calls` are the arguments of each request in the order they were begun."""

    def __init__(self, name: str, calls: queue.Queue[Any] | None = None) -> None:
        self.name = name
        self.calls: queue.Queue[Any] = calls or queue.Queue()
        self.release = threading.Event()
        self.extended: queue.Queue[list[Any]] = queue.Queue()

    def echo(self, _context: dict[str, Any], value: Any) -> Any:
        self.calls.put(value)
        return value

    def whoami(self, _context: dict[str, Any]) -> str:
        return self.name

    def block(self, _context: dict[str, Any], value: Any) -> Any:
        self.calls.put(value)
        self.release.wait(DEADLINE_S)
        return value

    def extend(self, _context: dict[str, Any], value: list[Any]) -> list[Any]:
        value.append("server")
        self.extended.put(value)
        return value

    def context(self, context: dict[str, Any]) -> dict[str, Any]:
        return context

    def taken(self) -> list[Any]:
        return [self.calls.get_nowait() for _ in range(self.calls.qsize())]


class InprocCase(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(testing.Platform())

    def serve(self, *args: Any, **kwargs: Any) -> Endpoint:
        return self.serve_stoppably(*args, **kwargs)[0]

    def serve_stoppably(
        self, topic: str = "work", server: str = "one", workers: int = 4, calls: queue.Queue[Any] | None = None
    ) -> tuple[Endpoint, Callable[[], None]]:
        endpoint = Endpoint(server, calls)
        target = oslo_messaging.Target(topic=topic, server=server)
        served = oslo_messaging.get_rpc_server(rpc.transport(), target, [endpoint])
        # As in rpc.Server: with threads of oslo.messaging's own each server takes a second to stop.
        served._executor_cls = concurrent.futures.ThreadPoolExecutor
        served.start(override_pool_size=workers)

        def stop() -> None:
            served.stop()
            served.wait()

        self.addCleanup(stop)
        self.addCleanup(endpoint.release.set)
        return endpoint, stop

    def client(self, topic: str = "work", timeout: float = DEADLINE_S, **where: Any) -> Any:
        return oslo_messaging.get_rpc_client(rpc.transport(), oslo_messaging.Target(topic=topic, **where), timeout=timeout)

    def in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(function, *args, **kwargs)


class DeliveryTest(InprocCase):
    def test_a_call_is_answered(self) -> None:
        self.serve()

        self.assertEqual(
            {"text": "ü", "list": [1, 2.5, None]}, self.client().call({}, "echo", value={"text": "ü", "list": [1, 2.5, None]})
        )

    def test_the_context_travels_along(self) -> None:
        self.serve()

        self.assertEqual({"user": "u1"}, self.client().call({"user": "u1"}, "context"))

    def test_a_cast_is_carried_out_and_gives_nothing(self) -> None:
        endpoint = self.serve()

        self.assertIsNone(self.client().cast({}, "echo", value=1))
        self.assertEqual(1, endpoint.calls.get(timeout=DEADLINE_S))

    def test_a_fanout_reaches_every_server_of_the_topic_once(self) -> None:
        served = [self.serve_stoppably(server=name) for name in ("one", "two", "three")]
        other = self.serve("other")

        self.client(fanout=True).cast({}, "echo", value="all")

        for endpoint, stop in served:
            self.assertEqual("all", endpoint.calls.get(timeout=DEADLINE_S))
            stop()
        self.assertEqual([[], [], []], [endpoint.taken() for endpoint, _ in served])
        self.assertEqual([], other.taken())

    def test_a_fanout_that_nobody_hears_is_lost_quietly(self) -> None:
        self.client(fanout=True).cast({}, "echo", value="nobody")
        endpoint, stop = self.serve_stoppably()

        self.client().call({}, "echo", value="later")
        stop()

        self.assertEqual(["later"], endpoint.taken())

    def test_a_call_to_a_named_server_is_answered_by_that_one(self) -> None:
        for name in ("one", "two", "three"):
            self.serve(server=name)

        self.assertEqual(["two"] * 6, [self.client(server="two").call({}, "whoami") for _ in range(6)])

    def test_servers_of_one_topic_take_turns(self) -> None:
        for name in ("one", "two"):
            self.serve(server=name)

        self.assertEqual({"one", "two"}, {self.client().call({}, "whoami") for _ in range(4)})

    def test_topics_and_exchanges_are_kept_apart(self) -> None:
        self.serve("work", "one")
        self.serve("play", "two")

        self.assertEqual(("one", "two"), (self.client("work").call({}, "whoami"), self.client("play").call({}, "whoami")))
        self.assertRaises(oslo_messaging.MessagingTimeout, self.client("work", 0.05, exchange="other").call, {}, "whoami")

    def test_many_callers_at_a_time_each_get_their_own_answer(self) -> None:
        self.serve()
        client = self.client()

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: client.call({}, "echo", value=number), range(400)))

        self.assertEqual(list(range(400)), answers)

    def test_a_call_made_before_the_server_exists_is_answered_when_it_appears(self) -> None:
        answer = self.in_thread(self.client().call, {}, "echo", value="early")
        self.assertRaises(concurrent.futures.TimeoutError, answer.result, 0.05)

        self.serve()

        self.assertEqual("early", answer.result(DEADLINE_S))

    def test_a_cast_made_before_the_server_exists_is_carried_out_when_it_appears(self) -> None:
        self.client().cast({}, "echo", value="early")

        self.assertEqual("early", self.serve().calls.get(timeout=DEADLINE_S))

    def test_requests_that_a_stopped_server_has_not_begun_go_to_the_next_one(self) -> None:
        first, stop = self.serve_stoppably(workers=1)
        self.client().cast({}, "block", value="begun")
        first.calls.get(timeout=DEADLINE_S)
        for number in range(5):
            self.client().cast({}, "echo", value=number)

        stopping = self.in_thread(stop)
        self.serve(server="two", calls=first.calls)
        handed_over = [first.calls.get(timeout=DEADLINE_S) for _ in range(4)]
        first.release.set()
        stopping.result(DEADLINE_S)

        self.assertEqual([0, 1, 2, 3, 4], sorted([*handed_over, first.calls.get(timeout=DEADLINE_S)]))

    def test_a_fanout_that_a_stopped_server_has_not_begun_is_not_heard_twice_by_another(self) -> None:
        first, stop = self.serve_stoppably(server="one", workers=1)
        second, stop_second = self.serve_stoppably(server="two")
        self.client(server="one").cast({}, "block", value="begun")
        first.calls.get(timeout=DEADLINE_S)
        for _ in range(3):
            self.client(fanout=True).cast({}, "echo", value="all")
            second.calls.get(timeout=DEADLINE_S)

        stopping = self.in_thread(stop)
        first.release.set()
        stopping.result(DEADLINE_S)
        self.client().call({}, "echo", value="end")
        stop_second()

        self.assertEqual(["end"], second.taken())

    def test_a_request_in_progress_is_answered_when_its_server_stops(self) -> None:
        endpoint, stop = self.serve_stoppably()
        answer = self.in_thread(self.client().call, {}, "block", value="begun")
        endpoint.calls.get(timeout=DEADLINE_S)

        stopping = self.in_thread(stop)
        endpoint.release.set()

        self.assertEqual("begun", answer.result(DEADLINE_S))
        stopping.result(DEADLINE_S)


class DeadlineTest(InprocCase):
    def test_a_call_that_nobody_serves_ends_at_its_deadline(self) -> None:
        begun = time.monotonic()

        self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.1).call, {}, "echo", value=1)
        self.assertTrue(0.1 <= time.monotonic() - begun < DEADLINE_S)

    def test_a_call_to_a_hanging_server_ends_at_its_deadline(self) -> None:
        self.serve()
        begun = time.monotonic()

        self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.1).call, {}, "block", value=1)
        self.assertTrue(0.1 <= time.monotonic() - begun < DEADLINE_S)

    def test_an_answer_that_comes_too_late_does_not_answer_the_next_call(self) -> None:
        endpoint = self.serve()
        self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.05).call, {}, "block", value="late")

        endpoint.release.set()

        self.assertEqual("next", self.client().call({}, "echo", value="next"))

    def test_a_request_whose_caller_gave_up_before_a_server_appeared_is_not_carried_out(self) -> None:
        self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.05).call, {}, "echo", value="given up")

        endpoint, stop = self.serve_stoppably()
        self.client().call({}, "echo", value="wanted")
        stop()

        self.assertEqual(["wanted"], endpoint.taken())

    def test_a_request_whose_caller_gave_up_while_the_server_was_busy_is_not_carried_out(self) -> None:
        endpoint, stop = self.serve_stoppably(workers=1)
        busy = self.in_thread(self.client().call, {}, "block", value="busy")
        self.assertEqual("busy", endpoint.calls.get(timeout=DEADLINE_S))
        for number in range(3):
            self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.05).call, {}, "echo", value=number)

        endpoint.release.set()
        busy.result(DEADLINE_S)
        self.client().call({}, "echo", value="wanted")
        stop()

        self.assertEqual(["wanted"], endpoint.taken())


class SharingTest(InprocCase):
    def test_what_the_server_changes_in_a_message_the_sender_does_not_see(self) -> None:
        self.serve()
        mine = ["client"]

        self.assertEqual(["client", "server"], self.client().call({}, "extend", value=mine))
        self.assertEqual(["client"], mine)

    def test_what_the_caller_changes_in_an_answer_the_server_does_not_see(self) -> None:
        endpoint = self.serve()

        self.client().call({}, "extend", value=[]).append("client")

        self.assertEqual(["server"], endpoint.extended.get(timeout=DEADLINE_S))

    def test_servers_that_hear_one_fanout_do_not_share_it(self) -> None:
        served = [self.serve(server=name) for name in ("one", "two")]

        self.client(fanout=True).cast({}, "extend", value=[])

        self.assertEqual([["server"], ["server"]], [endpoint.extended.get(timeout=DEADLINE_S) for endpoint in served])

    def test_what_cannot_cross_a_broker_is_refused_here_too(self) -> None:
        self.serve()

        self.assertRaises(TypeError, self.client().call, {}, "echo", value=object())


class BoundTest(InprocCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stx.inproc.PENDING_LIMIT", 3))

    def test_a_topic_that_nobody_serves_holds_a_bounded_number_of_messages(self) -> None:
        for number in range(3):
            self.client().cast({}, "echo", value=number)

        error = self.assertRaises(oslo_messaging.MessageDeliveryFailure, self.client().cast, {}, "echo", value=3)

        self.assertIn("3 messages wait already", str(error))
        self.client("play").cast({}, "echo", value="another topic has its own bound")
        endpoint = self.serve(workers=1)
        self.assertEqual([0, 1, 2], [endpoint.calls.get(timeout=DEADLINE_S) for _ in range(3)])

    def test_a_busy_server_holds_a_bounded_number_of_messages(self) -> None:
        endpoint = self.serve(workers=1)
        self.client().cast({}, "block", value="busy")
        endpoint.calls.get(timeout=DEADLINE_S)

        def cast_many() -> None:
            for number in range(10):
                self.client().cast({}, "echo", value=number)

        self.assertRaises(oslo_messaging.MessageDeliveryFailure, cast_many)

    def test_a_busy_server_does_not_keep_others_from_hearing_a_fanout(self) -> None:
        busy, free = self.serve(server="busy", workers=1), self.serve(server="free")
        self.client(server="busy").cast({}, "block", value="busy")
        busy.calls.get(timeout=DEADLINE_S)

        for number in range(10):
            self.client(fanout=True).cast({}, "echo", value=number)
            self.assertEqual(number, free.calls.get(timeout=DEADLINE_S))

    def test_requests_whose_callers_gave_up_make_room(self) -> None:
        for number in range(5):
            self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.01).call, {}, "echo", value=number)

        self.client().cast({}, "echo", value="wanted")

        self.assertEqual("wanted", self.serve().calls.get(timeout=DEADLINE_S))


class IdleTest(InprocCase):
    def test_idle_listeners_cost_no_cpu(self) -> None:
        # Others of this process may be at work.
        others = threading.enumerate()
        for number in range(20):
            self.serve(f"topic-{number}")
            self.client(f"topic-{number}").call({}, "echo", value="it is up")
        clocks = [time.pthread_getcpuclockid(each.ident) for each in threading.enumerate() if each not in others]
        self.assertGreaterEqual(len(clocks), 20)

        begun_s = sum(time.clock_gettime(clock) for clock in clocks)
        threading.Event().wait(0.5)

        self.assertLess(sum(time.clock_gettime(clock) for clock in clocks) - begun_s, 0.1)

    def test_a_reset_bus_knows_nobody_any_more(self) -> None:
        self.serve()
        rpc.reset()
        inproc.reset()

        self.assertRaises(oslo_messaging.MessagingTimeout, self.client(timeout=0.05).call, {}, "echo", value=1)

    def test_notifications_are_refused_because_they_are_not_used(self) -> None:
        transport = rpc.transport()

        self.assertRaises(NotImplementedError, transport._driver.listen_for_notifications, [], None, 1, None)
