# SPDX-License-Identifier: Apache-2.0
"""Tests of a REST application as a whole, and of the server that it runs in."""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any
from unittest import mock

import fixtures
import webob

from stx import exception, testing
from stx.rest import app, connection, errors, options
from stx.tests.unit.rest import base
from stx.tests.unit.shelf.db import api as db_api

DEADLINE_S = 60.0


class AuthenticationTest(base.RestCase):
    def test_the_versions_can_be_seen_without_a_token(self) -> None:
        for path in ("/", "/v1", "/v1/"):
            self.assertEqual(200, self.rest.request("GET", path, token="").status, path)

    def test_everything_else_needs_a_token(self) -> None:
        for path in ("/v1/books", "/v1/books/", "//v1/books", "/v1//books", "/v1/../v1/books", "/v1/%62ooks", "/v1/caller", "/x"):
            self.assert_refused(401, "X-Auth-Token", self.rest.request("GET", path, token=""))

    def test_who_needs_a_token_is_told_where_to_get_one(self) -> None:
        answer = self.rest.request("GET", "/v1/books", token="")

        self.assertEqual('Keystone uri="http://127.0.0.1/identity"', answer.headers["WWW-Authenticate"])

    def test_the_token_says_who_asks(self) -> None:
        answer = self.rest.request("GET", "/v1/caller", token=self.rest.token("reader", "member", project="services"))

        self.assertEqual({"user": "u1", "project": "services", "roles": ["reader", "member"]}, answer.json)

    def test_nobody_can_claim_to_be_somebody_by_headers(self) -> None:
        claims = {"X-Roles": "admin", "X-User-Id": "root", "X-Project-Name": "admin", "X-Identity-Status": "Confirmed"}

        self.assert_refused(401, "", self.rest.request("GET", "/v1/caller", token="", headers=claims))
        answer = self.rest.request("GET", "/v1/caller", token=self.rest.token("reader", project="demo"), headers=claims)
        self.assertEqual({"user": "u1", "project": "demo", "roles": ["reader"]}, answer.json)

    def test_a_role_that_is_not_enough_changes_nothing(self) -> None:
        book = db_api.add_book("Emma")["uuid"]

        for method, path in (("POST", "/v1/books"), ("PATCH", f"/v1/books/{book}"), ("DELETE", f"/v1/books/{book}")):
            self.assert_refused(403, "Your role", self.rest.request(method, path, {"title": "x"}, roles=("operator",)))
        self.assertEqual(["Emma"], db_api.titles())


class AddressTest(base.RestCase):
    def test_an_item_is_made_read_changed_and_deleted(self) -> None:
        made = self.post({"title": "Emma"}).json
        path = f"/v1/books/{made['uuid']}"

        changed = self.patch(made["uuid"], {"op": "replace", "path": "/pages", "value": 474}).json
        read = self.rest.get(path).json
        deleted = self.rest.request("DELETE", path)

        self.assertEqual({**made, "pages": 474}, changed)
        self.assertEqual(changed, read)
        self.assertEqual((204, b""), (deleted.status, deleted.body))
        self.assertEqual(404, self.rest.get(path).status)

    def test_a_slash_at_the_end_makes_no_difference(self) -> None:
        book = db_api.add_book("Emma")["uuid"]

        for path in ("/v1/books", f"/v1/books/{book}"):
            self.assertEqual((200, 200), (self.rest.get(path).status, self.rest.get(f"{path}/").status))

    def test_names_of_python_are_no_addresses(self) -> None:
        for name in ("__class__", "_custom_actions", "__init__", "authorize", "get_all", "_lookup_child"):
            for path in (f"/v1/{name}", f"/v1/books/{name}", f"/v1/books/1/{name}", f"/v1/{name}/x"):
                self.assertIn(self.rest.get(path).status, (404, 405), path)

    def test_a_get_cannot_be_made_to_change_anything(self) -> None:
        book = db_api.add_book("Emma")["uuid"]

        for method in ("patch", "delete", "post", "custom_action", "unknown_method"):
            self.assert_refused(400, "'_method'", self.rest.get(f"/v1/books/{book}", _method=method))
        self.assertEqual(["Emma"], db_api.titles())

    def test_the_kind_of_body_that_a_client_declares_makes_no_difference(self) -> None:
        for number, kind in enumerate(
            ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; x=y")
        ):
            body = json.dumps({"title": str(number)}).encode()
            answer = self.rest.request("POST", "/v1/books", body, headers={"Content-Type": kind})
            self.assertEqual(200, answer.status, answer.body)

    def test_an_answer_is_json(self) -> None:
        self.assertEqual("application/json", self.rest.get("/v1/books").headers["Content-Type"].split(";")[0])


class MiddlewareTest(base.RestCase):
    def test_every_request_has_an_id_of_its_own(self) -> None:
        ids = {self.rest.get(path).headers["x-openstack-request-id"] for path in ("/v1/books", "/v1/books", "/v1/none", "/")}

        self.assertEqual(4, len(ids))

    def test_the_health_check_needs_no_token(self) -> None:
        self.assertEqual(200, self.rest.request("GET", "/healthcheck", token="").status)

    def test_links_lead_where_the_client_asked(self) -> None:
        book = db_api.add_book("Emma")["uuid"]

        answer = self.rest.get(f"/v1/books/{book}", headers={"Host": "controller:6385"})

        self.assertEqual(f"http://controller:6385/v1/books/{book}", answer.json["links"][0]["href"])

    def test_links_lead_through_a_trusted_proxy(self) -> None:
        db_api.add_books([{"title": "Emma"}, {"title": "Ulysses"}])
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "cloud.example:443"}
        self.platform.conf.config(group="oslo_middleware", enable_proxy_headers_parsing=True)

        answer = self.rest.get("/v1/books", headers=forwarded, limit=1).json

        self.assertTrue(answer["next"].startswith("https://cloud.example"), answer["next"])
        self.assertTrue(answer["books"][0]["links"][0]["href"].startswith("https://cloud.example"), answer)

    def test_a_proxy_that_is_not_trusted_does_not_change_links(self) -> None:
        answer = self.rest.request("GET", "/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})

        self.assertEqual("http://localhost/v1/", answer.json["default_version"]["links"][0]["href"])

    def test_the_versions_and_their_resources_are_listed(self) -> None:
        root, version = self.rest.get("/").json, self.rest.get("/v1").json

        self.assertEqual(["v1"], [each["id"] for each in root["versions"]])
        self.assertEqual("v1", version["id"])
        self.assertEqual("application/vnd.openstack.shelf.v1+json", version["media_types"][0]["type"])
        self.assertEqual("http://localhost/v1/books", version["books"][0]["href"])

    def test_what_a_method_takes_is_looked_up_once(self) -> None:
        self.rest.get("/v1/books")
        # Of which pecan would make a class each time.
        with mock.patch("collections.namedtuple", side_effect=collections.namedtuple) as made:
            self.rest.get("/v1/books")

        made.assert_not_called()


def listen_on_a_free_port(platform: testing.Platform) -> int:
    port = testing.free_port()
    platform.conf.conf.register_opts(options.listening(1), group="probe_api")
    platform.conf.config(group="probe_api", bind_port=port)
    return port


class ServerTest(testing.TestCase):
    """A real HTTP server on loopback."""

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.port = listen_on_a_free_port(self.platform)
        self.begun, self.release = threading.Event(), threading.Event()
        self.addCleanup(self.release.set)

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            self.begun.set()
            self.release.wait(DEADLINE_S)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"answered"]

    def start(self) -> app.Server:
        server = app.Server("probe_api", lambda: self.application)
        server.start()
        self.addCleanup(server.stop)
        return server

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def test_it_serves_until_it_is_stopped(self) -> None:
        server = self.start()
        self.assertEqual((b"answered", True), (self.get("/"), server.is_healthy()))

        server.stop()

        self.assertFalse(server.is_healthy())
        self.assertRaises(ConnectionRefusedError, self.get, "/")

    def test_several_requests_are_answered_at_a_time(self) -> None:
        self.start()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = pool.submit(self.get, "/slow")
            self.assertTrue(self.begun.wait(DEADLINE_S))

            self.assertEqual(b"answered", self.get("/"))
            self.release.set()
            self.assertEqual(b"answered", slow.result(DEADLINE_S))

    def test_a_request_in_progress_is_answered_when_it_stops(self) -> None:
        server = self.start()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            slow = pool.submit(self.get, "/slow")
            self.assertTrue(self.begun.wait(DEADLINE_S))
            stopping = pool.submit(server.stop)
            self.release.set()

            self.assertEqual(b"answered", slow.result(DEADLINE_S))
            stopping.result(DEADLINE_S)

    def test_a_port_in_use_is_told_with_the_option_to_change(self) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", self.port))
            sock.listen()

            self.assert_raises_with(exception.ConfigurationError, "[probe_api] bind_port", self.start)

    def test_a_request_that_arrives_byte_by_byte_holds_its_thread_for_a_while_only(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rest.connection.ARRIVAL_S", 0.5))
        self.start()
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            sock.settimeout(0.05)
            answer = b""
            while not answer and time.monotonic() - began < DEADLINE_S:
                with contextlib.suppress(TimeoutError):
                    answer = sock.recv(4096)
                if not answer:
                    # It may have answered and gone meanwhile.
                    with contextlib.suppress(ConnectionError):
                        sock.sendall(b"x")

        self.assertIn(b"408 Request Timeout", answer)

    def test_an_answer_may_take_longer_than_the_request_that_it_is_to(self) -> None:
        clock = mock.Mock(monotonic=mock.Mock(return_value=1000.0))
        self.useFixture(fixtures.MonkeyPatch("stx.rest.connection.time", clock))
        self.start()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = pool.submit(self.get, "/slow")
            self.assertTrue(self.begun.wait(DEADLINE_S))
            clock.monotonic.return_value += 2 * connection.ARRIVAL_S
            self.release.set()

            self.assertEqual(b"answered", slow.result(DEADLINE_S))

    def test_who_sends_a_body_that_nobody_wants_gets_the_whole_answer(self) -> None:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(2**20))])
            return [b"x" * 2**20]

        server = app.Server("probe_api", lambda: errors.ErrorShape(answer, 2**17))
        server.start()
        self.addCleanup(server.stop)
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as sock:
                sock.sendall(request)
                received = b"".join(iter(lambda sock=sock: sock.recv(65536), b""))

            self.assertTrue(received.endswith(b"x" * 2**20), len(received))

    def test_a_server_that_never_started_is_unhealthy_and_stops(self) -> None:
        server = app.Server("probe_api", lambda: self.application)

        server.stop()

        self.assertFalse(server.is_healthy())


class WholeServerTest(base.RestCase):
    """The shelf's service behind a real HTTP server."""

    def setUp(self) -> None:
        super().setUp()
        self.port = listen_on_a_free_port(self.platform)
        server = app.Server("probe_api", lambda: self.rest.application)
        server.start()
        self.addCleanup(server.stop)
        self.token = self.rest.token("admin")

    def send(self, body: Any, **headers: str) -> testing.Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/books", body, {"X-Auth-Token": self.token, **headers})
        answer = connection.getresponse()
        return testing.Answer(webob.Response(answer.read(), answer.status, list(answer.getheaders())))

    def test_a_body_in_pieces_is_read(self) -> None:
        self.assertEqual("Emma", self.send(iter([b'{"title":', b' "Emma"}'])).json["title"])

    def test_a_large_body_is_refused_in_the_one_shape_also_when_its_length_is_not_told(self) -> None:
        self.assert_refused(413, "114688", self.send(b" " * 2**20))
        self.assert_refused(413, "114688", self.send(iter([b" " * 2**16] * 16)))
        self.assertEqual([], db_api.titles())
