# SPDX-License-Identifier: Apache-2.0
"""/v1/event_log/stream: events as they happen."""

import datetime
import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import fixtures
import webob

from fm import client
from fm.api import root
from fm.db import api as db_api
from fm.tests.unit import base
from fm.tests.unit.api.v1 import test_alarm, test_event_log
from stx import testing
from stx.tests.unit.rest import test_stream

DEADLINE_S = 60.0


class StreamCase(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.HEARTBEAT_S", 0.01))

    def happen(self, *texts: str) -> list[int]:
        """Have logs written. Gives the events' ids."""
        db_api.store([base.report("log", reason_text=text) for text in texts])
        return [event["id"] for event in base.events()[-len(texts) :]]

    def open(self, query: str = "", last_event_id: str | None = None, roles: tuple[str, ...] = ("reader",)) -> webob.Response:
        """The answer to a request for the stream, of which nothing is read yet."""
        request = webob.Request.blank(f"/v1/event_log/stream{query}")
        request.headers["X-Auth-Token"] = self.rest.token(*roles)
        if last_event_id is not None:
            request.headers["Last-Event-ID"] = last_event_id
        answer = request.get_response(self.rest.application)
        self.addCleanup(answer.app_iter.close)
        return answer

    def listen(self, **asked: Any) -> Iterator[bytes]:
        answer = self.open(**asked)
        self.assertEqual(200, answer.status_int)
        return iter(answer.app_iter)

    def read(self, listening: Iterator[bytes]) -> list[dict[str, str]]:
        """All that is there."""
        return test_stream.parsed(b"".join(test_stream.until_silence(listening)))

    def texts(self, listening: Iterator[bytes]) -> list[str]:
        return [json.loads(block["data"])["reason_text"] for block in self.read(listening) if "data" in block]


class StreamTest(StreamCase):
    def setUp(self) -> None:
        super().setUp()
        self.follow_events()

    def test_an_event_is_told_in_full(self) -> None:
        listening = self.listen()
        (event_id,) = self.happen("it happened")
        self.events.step()
        told = self.read(listening)[-1]
        self.assertEqual(f"{event_id}", told["id"])
        event = json.loads(told["data"])
        self.assertEqual(test_event_log.FULL, set(event))
        self.assertEqual(event, self.rest.get(f"/v1/event_log/{event['uuid']}").json)

    def test_it_is_of_the_type_that_browsers_know_and_no_proxy_keeps_it(self) -> None:
        headers = self.open().headers
        self.assertTrue(headers["Content-Type"].startswith("text/event-stream"))
        self.assertEqual(("no-store", "no"), (headers["Cache-Control"], headers["X-Accel-Buffering"]))
        self.assertNotIn("Content-Length", headers)

    def test_what_happened_before_is_not_told(self) -> None:
        self.happen("before")
        self.events.step()
        self.assertEqual([], self.texts(self.listen()))

    def test_more_than_a_page_is_told_in_order(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower._PAGE", 3))
        listening = self.listen()
        self.happen(*[f"{number}" for number in range(10)])
        self.events.step()
        self.assertEqual([f"{number}" for number in range(10)], self.texts(listening))

    def test_who_comes_back_is_told_what_was_missed_and_then_what_is_new(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower._PAGE", 2))
        ids = self.happen("known", "a", "b", "c")
        self.events.step()
        listening = self.listen(last_event_id=f"{ids[0]}")
        self.happen("d")
        self.events.step()
        self.assertEqual(["a", "b", "c", "d"], self.texts(listening))

    def test_a_reader_that_comes_and_goes_while_events_are_stored_is_told_each_once_and_in_order(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower._PAGE", 7))
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.HEARTBEAT_S", 0.001))
        expected = [f"{writer} {number}" for writer in range(3) for number in range(60)]
        writers = [
            threading.Thread(target=lambda texts=texts: [self.happen(text) for text in texts])
            for texts in (expected[:60], expected[60:120], expected[120:])
        ]
        position = self.read(self.listen())[-1]["id"]
        for writer in writers:
            writer.start()
            self.addCleanup(writer.join, DEADLINE_S)
        told: list[tuple[int, str]] = []
        give_up_at = time.monotonic() + DEADLINE_S
        while len(told) < len(expected) and time.monotonic() < give_up_at:
            answer = self.open(last_event_id=position)
            self.events.step()
            for block in self.read(iter(answer.app_iter)):
                position = block.get("id", position)
                if "data" in block:
                    told.append((int(position), json.loads(block["data"])["reason_text"]))
            answer.app_iter.close()
        self.assertEqual(sorted(expected), sorted(text for _, text in told))
        self.assertEqual(sorted(set(told)), told)

    def test_who_missed_nothing_is_told_nothing(self) -> None:
        ids = self.happen("known")
        self.events.step()
        self.assertEqual([], self.texts(self.listen(last_event_id=f"{ids[-1]}")))

    def test_who_missed_what_is_pruned_is_told_to_begin_anew(self) -> None:
        ids = self.happen("a", "b", "c")
        self.events.step()
        db_api.prune_events(1, 100)
        blocks = self.read(self.listen(last_event_id=f"{ids[0]}"))
        self.assertEqual(["reset"], [block["event"] for block in blocks if "event" in block])
        self.assertEqual(f"{ids[-1]}", blocks[-1]["id"])
        self.assertEqual(["c"], self.texts(self.listen(last_event_id=f"{ids[1]}")))

    def test_an_id_that_is_of_no_event_yet_begins_anew(self) -> None:
        blocks = self.read(self.listen(last_event_id="1000000"))
        self.assertEqual(["reset"], [block["event"] for block in blocks if "event" in block])

    def test_flags_choose_as_in_the_list(self) -> None:
        for query, expected in (
            ("", ["set", "clear", "log"]),
            ("?alarms=true", ["set", "clear"]),
            ("?logs=true", ["log"]),
            ("?alarms=true&logs=true", ["set", "clear", "log"]),
        ):
            listening = self.listen(query=query)
            last = base.events()[-1:]
            db_api.store([base.report(), base.report("clear"), base.report("log")])
            self.events.step()
            told = [json.loads(block["data"])["state"] for block in self.read(listening) if "data" in block]
            self.assertEqual(expected, told, query)
            again = self.listen(query=query, last_event_id=f"{last[0]['id'] if last else 0}")
            self.assertEqual(expected, [json.loads(block["data"])["state"] for block in self.read(again) if "data" in block])

    def test_suppressed_kinds_are_left_out_on_request(self) -> None:
        test_alarm.suppress("200.006")
        with_, without = self.listen(), self.listen(query="?include_suppress=false")
        self.raise_alarm()
        self.events.step()
        self.assertEqual((1, 0), (len(self.texts(with_)), len(self.texts(without))))

    def test_a_query_that_is_not_understood_is_refused(self) -> None:
        for query, text in (
            ("?limit=1", "There is no query parameter 'limit'. Known here: alarms, include_suppress, logs."),
            ("?alarms=perhaps", "The query parameter alarms"),
            ("?q.field=severity&q.value=major", "There is no query parameter 'q.field'."),
        ):
            self.assert_refused(400, text, self.rest.request("GET", f"/v1/event_log/stream{query}"))
        answer = self.rest.request("GET", "/v1/event_log/stream", headers={"Last-Event-ID": "x"})
        self.assert_refused(400, "The header Last-Event-ID 'x' is not an id", answer)
        self.assertEqual(0, self.events.hub.count())

    def test_who_may_not_see_events_is_refused_before_anything_is_held(self) -> None:
        self.assertEqual(403, self.open(roles=("member",)).status_int)
        self.assertEqual(401, self.rest.get("/v1/event_log/stream", token="").status)
        self.assertEqual(0, self.events.hub.count())

    def test_nobody_reads_longer_than_the_token_is_valid_or_the_option_says(self) -> None:
        self.platform.conf.config(group="fm_api", stream_lifetime=100)
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=50)
        who = {"user_id": "u1", "project_name": "admin", "project_id": "p1", "project_domain_id": "default"}
        self.rest._tokens.add_token_data(token_id="short", expires=soon, role_list=["reader"], **who)
        for token, expected in (("short", 50), (self.rest.token("reader"), 100)):
            begun = time.monotonic()
            request = webob.Request.blank("/v1/event_log/stream", headers={"X-Auth-Token": token})
            answer = request.get_response(self.rest.application)
            (listener,) = self.events.hub._listeners
            answer.app_iter.close()
            self.assertAlmostEqual(expected, listener._ends_at - begun, delta=20)

    def test_there_are_no_more_readers_than_the_option_allows(self) -> None:
        self.platform.conf.config(group="fm_api", stream_listeners=2)
        for _ in range(2):
            self.listen()
        self.assert_refused(503, "There are 2 listeners already", self.rest.get("/v1/event_log/stream"))
        self.assertEqual(200, self.rest.get("/v1/event_log").status)

    def test_what_accepts_only_the_type_of_streams_gets_one_and_errors_in_the_one_shape(self) -> None:
        request = webob.Request.blank("/v1/event_log/stream", headers={"Accept": "text/event-stream"})
        self.assertEqual("application/json", request.get_response(self.rest.application).content_type)
        request.headers["X-Auth-Token"] = self.rest.token("reader")
        answer = request.get_response(self.rest.application)
        self.addCleanup(answer.app_iter.close)
        self.assertEqual((200, "text/event-stream"), (answer.status_int, answer.content_type))

    def test_asking_for_the_head_only_holds_nothing(self) -> None:
        self.rest.request("HEAD", "/v1/event_log/stream")
        self.assertEqual(0, self.events.hub.count())

    def test_other_methods_and_what_is_below_are_refused(self) -> None:
        for method, path in (("POST", ""), ("DELETE", ""), ("GET", "/x")):
            answer = self.rest.request(method, f"/v1/event_log/stream{path}", {} if method == "POST" else None)
            self.assertIn(answer.status, (404, 405), (method, path))

    def test_it_is_found_without_version_too(self) -> None:
        request = webob.Request.blank("/event_log/stream", headers={"X-Auth-Token": self.rest.token("reader")})
        answer = request.get_response(self.rest.application)
        self.addCleanup(answer.app_iter.close)
        self.assertEqual(200, answer.status_int)


class OpeningTest(StreamCase):
    def test_it_opens_when_what_was_being_stored_at_the_start_is_stored(self) -> None:
        now = 100.0
        self.events._now = lambda: now
        self.events.step()
        self.assert_refused(503, "Events cannot be followed yet.", self.rest.get("/v1/event_log/stream"))
        now += 5.0
        self.happen("while nobody listened")
        self.events.step()
        self.addCleanup(self.events.hub.close)
        self.assertEqual([], self.texts(self.listen()))


class ServedTest(base.DatabaseTest):
    """The service as it runs, over HTTP."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("fm.following.GRACE_S", 0.0))
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower.PERIOD_S", 600.0))
        self.start_manager()
        self.port = testing.free_port()
        self.platform.conf.config(group="fm_api", bind_port=self.port)
        self.tokens = self.useFixture(testing.Rest(root.make_application))
        self.service = root.make_service()
        self.service.start()
        self.addCleanup(self.service.stop)

    def listen(self) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/event_log/stream", headers={"X-Auth-Token": self.tokens.token("reader")})
        return connection.getresponse()

    def test_what_the_manager_stores_is_told_at_once(self) -> None:
        answers: list[http.client.HTTPResponse] = []
        base.wait_until(lambda: answers.append(self.listen()) or answers[-1].status == 200)
        listening = answers[-1]
        self.assertEqual(b"retry: 2000\n", listening.readline())
        report = base.report()
        client.Manager().store(self.context, report)
        line = next(line for line in iter(listening.readline, b"") if line.startswith(b"data: "))
        self.assertEqual(("set", "200.006"), tuple(json.loads(line[6:])[name] for name in ("state", "event_log_id")))
        self.service.stop()
        self.assertEqual([], [line for line in listening.read().splitlines() if line.startswith(b"data")])

    def test_what_is_stored_is_told_without_the_bus_too(self) -> None:
        self.service.stop()
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower.PERIOD_S", 0.02))
        never = threading.Event()
        self.addCleanup(never.set)
        away = mock.Mock(start=mock.Mock(side_effect=lambda: never.wait(DEADLINE_S)))
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower.rpc.Subscriber", mock.Mock(return_value=away)))
        self.useFixture(fixtures.MonkeyPatch("fm.api.follower._SUBSCRIBE_S", 0.01))
        self.service = root.make_service()
        self.service.start()
        self.addCleanup(self.service.stop)
        answers: list[http.client.HTTPResponse] = []
        base.wait_until(lambda: answers.append(self.listen()) or answers[-1].status == 200)
        db_api.store([base.report("log", reason_text="no nudge")])
        line = next(line for line in iter(answers[-1].readline, b"") if line.startswith(b"data: "))
        self.assertEqual("no nudge", json.loads(line[6:])["reason_text"])
        self.service.stop()
        away.stop.assert_not_called()
