# SPDX-License-Identifier: Apache-2.0
"""Tests of RPC between components, over the in-process bus."""

import concurrent.futures
import datetime
import queue
import threading
import time
from typing import Any
from unittest import mock

import fixtures
import msgspec
import oslo_messaging
import prometheus_client
from kombu import exceptions as kombu_exceptions
from oslo_messaging._drivers import amqpdriver
from oslo_messaging._drivers import common as driver_common
from oslotest import base

from stx import context, exception, hostkeys, inproc, rpc, seals, testing

DEADLINE_S = 60.0


class Host(msgspec.Struct):
    name: str
    cores: int = 1
    seen_at: datetime.datetime | None = None


class Manager:
    target = rpc.target("test.manager", "1.2")

    def __init__(self) -> None:
        self.begun: queue.Queue[str] = queue.Queue()
        self.release = threading.Event()

    @rpc.exposed
    def who(self, context: context.RequestContext) -> tuple[str, list[str], str]:
        return context.user_id, context.roles, context.request_id

    @rpc.exposed
    def add_core(self, context: context.RequestContext, host: Host, count: int = 1) -> Host:
        return msgspec.structs.replace(host, cores=host.cores + count)

    @rpc.exposed
    def names(self, context: context.RequestContext, hosts: list[Host], prefix: str | None = None) -> list[str]:
        return [(prefix or "") + host.name for host in hosts]

    @rpc.exposed
    def hosts(self, context: context.RequestContext) -> list[Host]:
        return [Host("controller-0", 4, datetime.datetime(2026, 1, 2, 3, 4, 5)), Host("compute-0")]

    @rpc.exposed
    def refuse(self, context: context.RequestContext, kind: str, text: str) -> None:
        raise getattr(exception, kind)(text)

    @rpc.exposed
    def break_down(self, context: context.RequestContext, kind: str) -> None:
        raise {"ValueError": ValueError, "KeyError": KeyError, "RuntimeError": RuntimeError}[kind]("of the inside")

    @rpc.exposed
    def give_object(self, context: context.RequestContext) -> Any:
        return object()

    @rpc.exposed
    def block(self, context: context.RequestContext, name: str) -> str:
        self.begun.put(name)
        self.release.wait(DEADLINE_S)
        return name

    @rpc.exposed
    def _private(self, context: context.RequestContext) -> str:
        return "private"

    def unexposed(self, context: context.RequestContext) -> str:
        return "unexposed"


class RpcCase(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.context = context.RequestContext(user_id="u1", roles=["admin"], request_id="req-1", overwrite=False)

    def serve(self, manager: Any = None) -> rpc.Server:
        server = rpc.Server(manager or Manager())
        server.start()
        self.addCleanup(server.stop)
        return server

    def call(self, method: str, **arguments: Any) -> Any:
        return rpc.Client("test.manager", "1.0", DEADLINE_S).call(self.context, method, **arguments)


class CallTest(RpcCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve()

    def test_the_manager_sees_who_asks(self) -> None:
        self.assertEqual(["u1", ["admin"], "req-1"], self.call("who"))

    def test_a_struct_arrives_and_returns_as_a_struct(self) -> None:
        self.assertEqual(Host("compute-0", 5), self.call("add_core", into=Host, host=Host("compute-0", 3), count=2))

    def test_an_argument_with_a_default_may_be_left_out(self) -> None:
        self.assertEqual(Host("compute-0", 2), self.call("add_core", into=Host, host=Host("compute-0")))

    def test_structs_in_lists_arrive_as_structs(self) -> None:
        self.assertEqual(["x-a", "x-b"], self.call("names", hosts=[Host("a"), Host("b")], prefix="x-"))

    def test_a_result_becomes_what_the_caller_asks_for(self) -> None:
        seen_at = datetime.datetime(2026, 1, 2, 3, 4, 5)

        self.assertEqual([Host("controller-0", 4, seen_at), Host("compute-0")], self.call("hosts", into=list[Host]))

    def test_a_result_is_plain_data_when_the_caller_asks_for_nothing(self) -> None:
        self.assertEqual({"name": "compute-0", "cores": 1, "seen_at": None}, self.call("hosts")[1])

    def test_an_argument_of_the_wrong_type_is_refused_and_named(self) -> None:
        self.assert_raises_with(exception.Invalid, "$.cores", self.call, "add_core", host={"name": "a", "cores": "many"})
        self.assert_raises_with(exception.Invalid, "add_core", self.call, "add_core", host=Host("a"), count="many")
        self.assert_raises_with(exception.Invalid, "count", self.call, "add_core", host=Host("a"), count="many")

    def test_an_unknown_argument_is_refused_and_named(self) -> None:
        self.assert_raises_with(exception.Invalid, "colour", self.call, "add_core", host=Host("a"), colour="red")

    def test_a_missing_argument_is_refused_and_named(self) -> None:
        self.assert_raises_with(exception.Invalid, "hosts", self.call, "names")

    def test_only_exposed_methods_can_be_called(self) -> None:
        for method in ("unexposed", "_private", "__init__", "target", "no_such_method"):
            self.assertRaises(exception.StxException, self.call, method)

    def test_a_manager_of_another_major_version_is_not_called(self) -> None:
        client = rpc.Client("test.manager", "2.0", DEADLINE_S)

        self.assertRaises(exception.StxException, client.call, self.context, "who")


class ErrorTest(RpcCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger())
        self.serve()

    def test_our_exceptions_arrive_as_the_same_class_with_the_same_message(self) -> None:
        for kind in ("Invalid", "Forbidden", "NotFound", "Conflict", "Unavailable", "StxException"):
            error = self.assertRaises(exception.StxException, self.call, "refuse", kind=kind, text="Cannot lock: it is active.")

            self.assertIs(getattr(exception, kind), type(error))
            self.assertEqual("Cannot lock: it is active.", error.message)
            self.assertEqual("Cannot lock: it is active.", str(error))

    def test_a_refusal_is_no_error_of_the_manager_s_process(self) -> None:
        self.assertRaises(exception.Conflict, self.call, "refuse", kind="Conflict", text="It is in use.")

        self.assertNotIn("Traceback", self.logged.output)

    def test_an_unexpected_failure_tells_the_caller_nothing_of_the_inside(self) -> None:
        for kind in ("ValueError", "KeyError", "RuntimeError"):
            error = self.assertRaises(exception.StxException, self.call, "break_down", kind=kind)

            self.assertIs(exception.StxException, type(error))
            self.assertEqual("test.manager failed to carry out break_down. Its log has the reason.", str(error))

    def test_nothing_of_an_unexpected_failure_goes_over_the_wire(self) -> None:
        sent: queue.Queue[str] = queue.Queue()
        serialize = driver_common.serialize_remote_exception

        def listen_in(failure: Any) -> str:
            sent.put(serialize(failure))
            return serialize(failure)

        self.useFixture(fixtures.MonkeyPatch("stx.inproc.driver_common.serialize_remote_exception", listen_in))
        self.assertRaises(exception.StxException, self.call, "break_down", kind="ValueError")

        self.assertNotIn("of the inside", sent.get_nowait())

    def test_the_reason_of_an_unexpected_failure_is_logged_where_it_happened(self) -> None:
        self.assertRaises(exception.StxException, self.call, "break_down", kind="ValueError")

        self.assertIn("Traceback", self.logged.output)
        self.assertIn("ValueError", self.logged.output)

    def test_a_result_that_cannot_travel_is_a_failure_at_once_and_not_a_timeout(self) -> None:
        begun = time.monotonic()

        error = self.assertRaises(exception.StxException, self.call, "give_object")

        self.assertIs(exception.StxException, type(error))
        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)


class DeadlineTest(RpcCase):
    def test_nobody_there_is_told_as_unavailable_with_topic_and_method(self) -> None:
        client = rpc.Client("test.manager", "1.0", 0.05)

        self.assert_raises_with(exception.Unavailable, "test.manager did not answer who", client.call, self.context, "who")

    def test_a_stopping_server_answers_what_is_in_progress(self) -> None:
        manager = Manager()
        server = self.serve(manager)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answer = pool.submit(self.call, "block", name="begun")
            manager.begun.get(timeout=DEADLINE_S)
            stopping = pool.submit(server.stop)
            manager.release.set()

            self.assertEqual("begun", answer.result(DEADLINE_S))
            stopping.result(DEADLINE_S)

    def test_an_idle_server_stops_at_once(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("futurist._thread.ThreadWorker.MAX_IDLE_FOR", DEADLINE_S))
        server = self.serve()
        self.assertTrue(self.call("who"))
        begun = time.monotonic()

        server.stop()

        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)

    def test_a_server_answers_several_requests_at_a_time(self) -> None:
        manager = Manager()
        self.serve(manager)
        with concurrent.futures.ThreadPoolExecutor(rpc.WORKERS) as pool:
            answers = [pool.submit(self.call, "block", name=str(number)) for number in range(rpc.WORKERS)]
            begun = {manager.begun.get(timeout=DEADLINE_S) for _ in answers}
            manager.release.set()

            self.assertEqual(begun, {answer.result(DEADLINE_S) for answer in answers})

    def test_a_server_is_stuck_when_all_its_workers_have_been_at_work_for_longer_than_anybody_waits(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.STUCK_S", 0.0))
        manager = Manager()
        self.serve(manager)
        with concurrent.futures.ThreadPoolExecutor(rpc.WORKERS) as pool:
            answers = [pool.submit(self.call, "block", name="first") for _ in range(rpc.WORKERS - 1)]
            for _ in answers:
                manager.begun.get(timeout=DEADLINE_S)
            self.assertTrue(rpc.is_healthy())
            answers.append(pool.submit(self.call, "block", name="last"))
            manager.begun.get(timeout=DEADLINE_S)
            self.assertFalse(rpc.is_healthy())
            with fixtures.MonkeyPatch("stx.rpc.STUCK_S", DEADLINE_S):
                self.assertTrue(rpc.is_healthy())
            manager.release.set()
            concurrent.futures.wait(answers, DEADLINE_S)

        self.assertTrue(rpc.is_healthy())

    def test_a_cast_does_not_wait(self) -> None:
        manager = Manager()
        self.serve(manager)

        rpc.Client("test.manager", "1.0").cast(self.context, "block", name="nudge")

        self.assertEqual("nudge", manager.begun.get(timeout=DEADLINE_S))
        manager.release.set()

    def test_a_bus_that_cannot_be_closed_keeps_no_process_from_its_end(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.CLOSE_S", 0.05))
        ended = threading.Event()
        self.addCleanup(ended.set)
        for cleanup in (ended.wait, mock.Mock(side_effect=ValueError)):
            first = rpc.transport()
            self.useFixture(fixtures.MonkeyPatch("stx.rpc._transport", mock.Mock(cleanup=cleanup)))
            rpc.reset()
            self.assertIsNot(first, rpc.transport())

    def test_the_transport_is_opened_once_and_again_after_a_reset(self) -> None:
        first = rpc.transport()
        self.assertIs(first, rpc.transport())

        rpc.reset()

        self.assertIsNot(first, rpc.transport())


class Told:
    """What a host may be told.

    :ivar calls: what it was told
    """

    target = rpc.target("test.host", "1.0")

    def __init__(self) -> None:
        self.calls: queue.Queue[str] = queue.Queue()

    @rpc.exposed_to(rpc.Callers.OWN_HOST)
    def act(self, context: context.RequestContext, name: str) -> str:
        self.calls.put(name)
        return f"did {name}"

    @rpc.exposed
    def say(self, context: context.RequestContext) -> dict[str, int]:
        return {"a": 1}

    @rpc.exposed_to(rpc.Callers.HOSTS)
    def report(self, context: context.RequestContext, name: str) -> str | None:
        rpc.check_speaks_for(name)
        return rpc.caller()


MASTER = b"m" * 32


class SealedTest(RpcCase):
    """Who is believed where hosts have keys. All are this process, one after another."""

    def setUp(self) -> None:
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger())
        self.become("compute-0")
        self.topic, self.manager = "test.host", Told()
        server = rpc.Server(self.manager, server="compute-0")
        server.start()
        self.addCleanup(server.stop)

    def become(self, name: str) -> None:
        """Have the keys that a host has."""
        own = () if name == "outsider" else (hostkeys.derive(MASTER, hostkeys.of_host(name)),)
        masters = (MASTER,) if name == "controller-0" else ()
        self.useFixture(fixtures.MonkeyPatch("stx.rpc._keyring", seals.Keyring(name, own, masters)))

    def cast(self, method: str = "act", **arguments: str) -> None:
        rpc.Client("test.host", "1.0").cast(self.context, method, server="compute-0", **arguments)

    def serve_other(self) -> None:
        """Have requests go to a server that has the keys of now."""
        self.topic, other = "test.other", Told()
        other.target = rpc.target(self.topic, "1.0")
        self.serve(other)

    def ask(self, method: str, **arguments: str) -> Any:
        return rpc.Client(self.topic, "1.0", DEADLINE_S).call(self.context, method, **arguments)

    def refused(self) -> float:
        return prometheus_client.REGISTRY.get_sample_value("rpc_requests_refused_total", {"topic": self.topic}) or 0.0

    def test_a_host_does_what_controllers_tell_it(self) -> None:
        self.become("controller-0")
        rpc.Client("test.host", "1.0").cast(self.context, "act", server="compute-0", name="it")
        self.assertEqual("it", self.manager.calls.get(timeout=DEADLINE_S))

    def test_nothing_is_done_for_another_host_or_for_who_has_no_key(self) -> None:
        before = self.refused()
        for name, why in (
            ("controller-0", "key 'controllers'"),
            ("compute-1", "key 'host:compute-1'"),
            ("outsider", "it is not sealed."),
        ):
            self.become(name)
            self.assert_raises_with(exception.Unavailable, why, self.ask, "act", name="it")
        self.cast(name="it")
        self.become("compute-1")
        self.cast(name="it")
        deadline = time.monotonic() + DEADLINE_S
        while self.refused() < before + 5:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(0, self.manager.calls.qsize())
        self.assertEqual(1, self.logged.output.count("Requests that were refused so far"))

    def test_a_host_speaks_for_itself_and_a_controller_for_all(self) -> None:
        self.become("controller-0")
        self.serve_other()
        self.assertIsNone(self.ask("report", name="compute-0"))
        self.become("compute-0")
        self.assertEqual("compute-0", self.ask("report", name="compute-0"))
        before = self.refused()
        self.assert_raises_with(exception.Forbidden, "compute-0 speaks for itself alone", self.ask, "report", name="compute-1")
        self.assertEqual(before + 1, self.refused())
        self.assertIn("test.other refuses report: compute-0 speaks for itself alone", self.logged.output)
        self.become("outsider")
        self.assert_raises_with(exception.Unavailable, "it is not sealed.", self.ask, "report", name="compute-0")

    def test_unless_it_says_otherwise_a_method_is_for_controllers(self) -> None:
        self.become("controller-0")
        self.serve_other()
        self.assertEqual({"a": 1}, self.ask("say"))
        for name in ("compute-0", "outsider"):
            self.become(name)
            self.assert_raises_with(exception.Unavailable, "test.other refuses say: ", self.ask, "say")

    def test_events_are_those_of_controllers(self) -> None:
        self.become("controller-0")
        events: queue.Queue[rpc.Event] = queue.Queue()
        for number in range(2):
            follower = rpc.Subscriber(events.put, server=f"follower-{number}")
            follower.start()
            self.addCleanup(follower.stop)
        for name in ("compute-0", "controller-0"):
            self.become(name)
            rpc.publish(self.context, f"by.{name}", {})
        found = [events.get(timeout=DEADLINE_S).kind for _ in range(2)]
        self.assertEqual((["by.controller-0"] * 2, 0), (found, events.qsize()))

    def test_what_was_heard_on_the_bus_is_not_done_again(self) -> None:
        messages: list[Any] = []
        send = inproc.InprocDriver.send

        def overhear(driver: Any, target: Any, ctxt: Any, message: Any, **options: Any) -> Any:
            messages.append((target, ctxt, message, options))
            return send(driver, target, ctxt, message, **options)

        self.useFixture(fixtures.MonkeyPatch("stx.inproc.InprocDriver.send", overhear))
        self.assertEqual("did it", self.ask("act", name="it"))
        # The first one was told what to say.
        (_, (target, ctxt, message, options)) = messages
        for arguments in (message["args"], {**message["args"], "name": "else"}):
            self.assertRaises(
                exception.Unavailable, send, rpc.transport()._driver, target, ctxt, {**message, "args": arguments}, **options
            )
        self.assertEqual(1, self.manager.calls.qsize())

    def test_an_answer_from_whoever_has_another_key_is_none(self) -> None:
        """A host may take requests from the queue of a service that it is not."""
        self.become("controller-0")
        self.serve_other()
        self.assertEqual({"a": 1}, self.ask("say"))
        for answer in ({"a": 1}, {"moment": "", "is_late": False, "content": {"a": 1}, "code": "0" * 64}):
            with fixtures.MockPatch("stx.inproc.InprocDriver.send", return_value=answer):
                self.assert_raises_with(exception.Unavailable, "has another key than this host", self.ask, "say")

    def test_one_who_is_told_again_and_again_that_it_is_late_gives_up(self) -> None:
        self.become("controller-0")
        self.serve_other()
        with fixtures.MockPatch("stx.seals.Keyring.learn"):
            self.assert_raises_with(exception.Unavailable, "too late, again and again", self.ask, "say")
        self.assertEqual({"a": 1}, self.ask("say"))

    def test_to_be_told_that_it_is_late_takes_of_the_same_deadline(self) -> None:
        self.become("controller-0")
        self.serve_other()
        left: list[float] = []
        send = inproc.InprocDriver.send

        def slow(driver: Any, *given: Any, timeout: float | None = None, **options: Any) -> Any:
            left.append(timeout or 0.0)
            clock.return_value += 4.0
            return send(driver, *given, timeout=timeout, **options)

        clock = self.useFixture(fixtures.MockPatch("stx.rpc.time.monotonic", return_value=time.monotonic())).mock
        self.useFixture(fixtures.MonkeyPatch("stx.inproc.InprocDriver.send", slow))
        self.assertEqual({"a": 1}, self.ask("say"))
        self.assertEqual([DEADLINE_S, DEADLINE_S - 4.0], [round(each, 1) for each in left])

    def test_where_there_are_no_keys_all_are_believed(self) -> None:
        self.become("outsider")
        self.serve_other()
        self.assertEqual("did it", self.ask("act", name="it"))

    def test_keys_come_from_files(self) -> None:
        file = self.platform.path / "host.key"
        file.write_text("k" * 32)
        file.chmod(0o600)
        self.platform.conf.config(host_key_file=str(file))
        rpc.reset()
        self.assertEqual((b"k" * 32,), rpc.keyring().keys("host:controller-0"))
        file.chmod(0o644)
        rpc.reset()
        self.assert_raises_with(exception.ConfigurationError, "can be read by others", rpc.keyring)


class BrokerTest(RpcCase):
    """A broker that goes away just when a connection to it is made; oslo.messaging passes on what its library says."""

    def setUp(self) -> None:
        super().setUp()
        self.serve()
        refused = kombu_exceptions.OperationalError("[Errno 111] Connection refused")
        self.useFixture(fixtures.MockPatch("oslo_messaging.transport.Transport._send", side_effect=refused))

    def test_a_caller_is_told_to_try_again(self) -> None:
        error = self.assertRaises(exception.Unavailable, self.call, "refuse", kind="Invalid", text="")
        self.assertIn("Connection refused", error.message)

    def test_what_was_done_is_no_failure_when_its_event_is_lost(self) -> None:
        logged = self.useFixture(fixtures.FakeLogger())
        rpc.publish(self.context, "fm.alarm.set", {})
        self.assertIn("Event fm.alarm.set was not published", logged.output)


class EventTest(RpcCase):
    def follow(self, prefix: str = "", server: str | None = None) -> tuple[rpc.Subscriber, queue.Queue[rpc.Event]]:
        events: queue.Queue[rpc.Event] = queue.Queue()
        subscriber = rpc.Subscriber(events.put, prefix, server)
        subscriber.start()
        self.addCleanup(subscriber.stop)
        return subscriber, events

    def test_a_follower_gets_what_is_published(self) -> None:
        _, events = self.follow()

        rpc.publish(self.context, "fm.alarm.set", {"alarm_id": "100.101", "count": 2})

        self.assertEqual(rpc.Event("fm.alarm.set", {"alarm_id": "100.101", "count": 2}), events.get(timeout=DEADLINE_S))

    def test_every_follower_gets_it(self) -> None:
        followers = [self.follow(), self.follow(), self.follow(server="controller-1")]

        rpc.publish(self.context, "fm.alarm.set", {})

        self.assertEqual(["fm.alarm.set"] * 3, [events.get(timeout=DEADLINE_S).kind for _, events in followers])

    def test_a_follower_of_a_prefix_gets_nothing_else(self) -> None:
        _, everything = self.follow()
        subscriber, events = self.follow("fm.")

        for kind in ("sysinv.host.update", "fm.alarm.set", "mtce.fm.x"):
            rpc.publish(self.context, kind, {})
        for _ in range(3):
            everything.get(timeout=DEADLINE_S)
        self.assertEqual("fm.alarm.set", events.get(timeout=DEADLINE_S).kind)
        subscriber.stop()

        self.assertEqual(0, events.qsize())

    def test_an_event_that_nobody_follows_is_harmless(self) -> None:
        rpc.publish(self.context, "fm.alarm.set", {})
        _, events = self.follow()
        rpc.publish(self.context, "fm.alarm.clear", {})

        self.assertEqual("fm.alarm.clear", events.get(timeout=DEADLINE_S).kind)
        self.assertEqual(0, events.qsize())

    def test_a_follower_that_fails_does_not_disturb_the_publisher_or_the_others(self) -> None:
        self.useFixture(fixtures.FakeLogger())
        failed = threading.Event()

        def fail(event: rpc.Event) -> None:
            failed.set()
            raise RuntimeError(event.kind)

        broken = rpc.Subscriber(fail)
        broken.start()
        self.addCleanup(broken.stop)
        _, events = self.follow()

        rpc.publish(self.context, "fm.alarm.set", {})

        self.assertTrue(failed.wait(DEADLINE_S))
        self.assertEqual("fm.alarm.set", events.get(timeout=DEADLINE_S).kind)

    def test_a_bus_that_refuses_is_logged_and_no_error_of_the_work_that_was_done(self) -> None:
        logged = self.useFixture(fixtures.FakeLogger())

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise oslo_messaging.MessageDeliveryFailure("no broker")

        self.useFixture(fixtures.MonkeyPatch("stx.inproc.InprocDriver.send", refuse))

        rpc.publish(self.context, "fm.alarm.set", {})

        self.assertIn("fm.alarm.set", logged.output)


class LibraryTest(base.BaseTestCase):
    def test_a_consumer_of_the_library_still_looks_as_often_as_it_is_told_whether_to_end(self) -> None:
        """There is no option: `stx.rpc` sets a private name, which may change with any release."""
        waited: list[float] = []
        connection = mock.Mock()

        def consume(timeout: float) -> None:
            waited.append(timeout)
            if len(waited) == 40:
                listener._shutdown.set()
            raise driver_common.Timeout

        connection.consume = consume
        listener = amqpdriver.AMQPListener(mock.Mock(prefetch_size=1), connection)
        listener.poll()
        self.assertEqual(0.5, max(waited))
