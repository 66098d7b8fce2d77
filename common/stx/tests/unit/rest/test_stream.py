# SPDX-License-Identifier: Apache-2.0
"""Who listens to a stream of events, what is told, and what becomes of those who do not read."""

import concurrent.futures
import datetime
import http.client
import itertools
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import fixtures

from stx import exception, testing
from stx.rest import app, stream
from stx.tests.unit.rest import test_app

DEADLINE_S = 60.0


def event(number: int, **facts: Any) -> stream.Event:
    return stream.Event(number, json.dumps({"number": number}).encode(), facts)


def until_silence(listening: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces that come before the first of those that fill silence."""
    return itertools.takewhile(lambda piece: not piece.startswith(b":"), listening)


def parsed(sent: bytes) -> list[dict[str, str]]:
    """The fields of each block, as a browser would read them; comments are left out."""
    blocks = []
    for block in sent.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            blocks.append(fields)
    return blocks


class HubTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.HEARTBEAT_S", 0.01))
        self.now = 1000.0
        self.hub = stream.Hub(lambda: self.now)
        self.hub.open(7)

    def listen(self, limit: int = 10, lasts_s: float = 60.0, wants: Any = lambda facts: True, earlier: Any = lambda _: ()) -> Any:
        return self.hub.listen(limit, lasts_s, wants, earlier)

    def read(self, listener: stream.Listener) -> list[dict[str, str]]:
        """All that is there."""
        return parsed(b"".join(until_silence(listener)))

    def test_a_stream_begins_with_where_it_stands(self) -> None:
        self.assertEqual([{"retry": "2000"}, {"id": "7"}], self.read(self.listen()))

    def test_events_are_told_to_all_in_their_order(self) -> None:
        listeners = [self.listen(), self.listen()]
        self.hub.tell([event(8), event(9)])
        self.hub.tell([event(10)])
        for listener in listeners:
            told = self.read(listener)[2:]
            self.assertEqual(["8", "9", "10"], [each["id"] for each in told])
            self.assertEqual([8, 9, 10], [json.loads(each["data"])["number"] for each in told])

    def test_what_a_listener_does_not_want_is_not_told(self) -> None:
        listener = self.listen(wants=lambda facts: facts["is_loud"])
        self.hub.tell([event(8, is_loud=False), event(9, is_loud=True)])
        self.assertEqual(["9"], [each["id"] for each in self.read(listener)[2:]])

    def test_what_was_missed_comes_before_what_is_new(self) -> None:
        listener = self.listen(earlier=lambda position: [event(number).sent() for number in range(5, position + 1)])
        self.hub.tell([event(8)])
        self.assertEqual(["5", "6", "7", "7", "8"], [each["id"] for each in self.read(listener)[1:]])

    def test_silence_is_filled_with_where_the_stream_stands(self) -> None:
        listener = self.listen(wants=lambda facts: False)
        self.read(listener)
        self.assertEqual(b":\nid: 7\n\n", next(listener))
        self.hub.tell([event(8)])
        self.assertEqual(b":\nid: 8\n\n", next(listener))

    def test_a_new_listener_begins_after_what_was_told(self) -> None:
        self.hub.tell([event(8)])
        self.assertEqual([{"retry": "2000"}, {"id": "8"}], self.read(self.listen()))

    def test_there_are_no_more_listeners_than_may_be(self) -> None:
        first = self.listen(limit=1)
        self.assert_raises_with(exception.Unavailable, "There are 1 listeners already", self.listen, limit=1)
        first.close()
        self.listen(limit=1)

    def test_nobody_listens_before_something_can_be_told(self) -> None:
        self.hub.close()
        self.assert_raises_with(exception.Unavailable, "cannot be followed yet", self.listen)

    def test_a_stream_ends_when_its_time_is_over(self) -> None:
        listener = self.listen(lasts_s=60.0)
        self.hub.tell([event(8)])
        self.now += 60.0
        self.assertEqual([], list(listener))

    def test_a_listener_that_does_not_read_is_dropped_and_slows_nobody(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.QUEUE_LIMIT", 3))
        slow, quick = self.listen(), self.listen()
        for number in range(8, 15):
            self.hub.tell([event(number)])
            self.read(quick)
        self.assertEqual(1, self.hub.count())
        self.assertEqual([], list(slow))
        self.hub.tell([event(15)])
        self.assertEqual(["15"], [each["id"] for each in self.read(quick)])

    def test_a_listener_whose_server_forgot_it_gives_its_place_back(self) -> None:
        self.listen(limit=1, lasts_s=60.0)
        self.now += 60.0
        self.hub.tell([event(8)])
        self.listen(limit=1)

    def test_closing_ends_all_streams(self) -> None:
        listener = self.listen()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            reading = pool.submit(list, listener)
            self.hub.close()
            reading.result(DEADLINE_S)
        self.assertEqual(0, self.hub.count())

    def test_any_number_of_events_comes_whole(self) -> None:
        listener = self.listen()
        self.hub.tell([event(number) for number in range(8, 508)])
        self.assertEqual([f"{number}" for number in range(8, 508)], [each["id"] for each in self.read(listener)[2:]])


class RequestTest(testing.TestCase):
    def test_the_id_to_go_on_from_is_a_number(self) -> None:
        self.assertEqual(12, stream.last_event_id({"Last-Event-ID": "12"}))
        self.assertIsNone(stream.last_event_id({}))
        for wrong in ("x", "-1", "1.5", "٣", "9" * 30):
            self.assert_raises_with(
                exception.Invalid, "is not an id of this stream", stream.last_event_id, {"Last-Event-ID": wrong}
            )

    def test_nobody_listens_longer_than_the_token_is_valid(self) -> None:
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
        environ = {"keystone.token_info": {"token": {"expires_at": soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}}
        self.assertTrue(20 < stream.lasts_s(environ, 300.0) <= 30)
        self.assertEqual(10.0, stream.lasts_s(environ, 10.0))
        self.assertEqual(300.0, stream.lasts_s({}, 300.0))


class ServedTest(testing.TestCase):
    """Streams of a real HTTP server with one thread for requests."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.HEARTBEAT_S", 0.05))
        self.platform = self.useFixture(testing.Platform())
        self.port = test_app.listen_on_a_free_port(self.platform)
        self.platform.conf.config(group="probe_api", threads=1)
        self.platform.conf.conf.register_opts([app.cfg.IntOpt("listeners", default=2)], group="probe_api")
        self.hub = stream.Hub()
        self.hub.open(0)
        self.server = app.Server("probe_api", lambda: self.application, streams="listeners")
        self.server.start()
        self.addCleanup(self.server.stop)
        self.addCleanup(self.hub.close)

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        if environ["PATH_INFO"] == "/":
            return [b"answered"]
        return self.hub.listen(2, 600.0, lambda facts: True, lambda position: ())

    def get(self, path: str) -> http.client.HTTPResponse:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        self.addCleanup(self.connection.close)
        self.connection.request("GET", path)
        return self.connection.getresponse()

    def test_events_arrive_while_the_answer_goes_on(self) -> None:
        answer = self.get("/stream")
        self.hub.tell([event(1)])
        while answer.readline() != b"id: 1\n":
            pass
        self.assertEqual(b'data: {"number": 1}\n', answer.readline())

    def test_streams_take_no_thread_from_requests(self) -> None:
        for _ in range(2):
            self.assertEqual(b"retry: 2000\n", self.get("/stream").readline())
        self.assertEqual(b"answered", self.get("/").read())

    def test_a_reader_that_stands_still_is_dropped_while_others_hear_everything(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.QUEUE_LIMIT", 20))
        still, quick = self.get("/stream"), self.get("/stream")
        still.readline()
        # More than what the kernel keeps for one that does not read.
        for number in range(1, 201):
            self.hub.tell([stream.Event(number, b'"%b"' % (b"x" * 2**17), {})])
            while quick.readline() != b"id: %d\n" % number:
                pass
        self.assertEqual(1, self.hub.count())
        self.assertEqual(b"answered", self.get("/").read())

    def test_a_reader_that_went_away_gives_its_place_back(self) -> None:
        answer = self.get("/stream")
        answer.readline()
        forgotten = threading.Event()
        forget = self.hub.forget
        self.hub.forget = lambda listener: (forget(listener), forgotten.set())  # type: ignore[assignment, func-returns-value]
        answer.close()
        self.connection.close()
        self.assertTrue(forgotten.wait(DEADLINE_S))
        self.assertEqual(0, self.hub.count())

    def test_the_server_stops_while_somebody_listens(self) -> None:
        answer = self.get("/stream")
        answer.readline()
        self.hub.close()
        self.server.stop()
        # It has a proper end, so its reader knows that nothing was cut off.
        answer.read()
        self.assertFalse(self.server.is_healthy())
