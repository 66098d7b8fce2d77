# SPDX-License-Identifier: Apache-2.0
"""Tests of the one shape of errors."""

import inspect
import json
from collections.abc import Callable, Iterable
from typing import Any

import fixtures
import webob
import webob.exc

from stx import exception, testing
from stx.rest import errors
from stx.tests.unit.rest import base
from stx.tests.unit.shelf.db import api as db_api

_LIMIT = 1000


class ErrorShapeTest(testing.TestCase):
    """The middleware around applications that fail in every way."""

    def setUp(self) -> None:
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger())

    def answer(self, application: Callable[..., Any], path: str = "/v1/books", **environ: Any) -> testing.Answer:
        request = webob.Request.blank(path, environ={"openstack.request_id": "req-1", **environ})
        return testing.Answer(request.get_response(errors.ErrorShape(application, _LIMIT)))

    def raising(self, error: Exception) -> testing.Answer:
        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            raise error

        return self.answer(application)

    def test_each_of_our_exceptions_gives_its_status_and_its_sentence(self) -> None:
        for _, kind in inspect.getmembers(exception, inspect.isclass):
            answer = self.raising(kind("The disk {full} is <full>."))

            self.assertEqual((kind.code, "The disk {full} is <full>."), (answer.status, answer.fault))

    def test_the_text_is_encoded_twice(self) -> None:
        answer = self.raising(exception.NotFound('No host "ü".'))

        fault = {"debuginfo": None, "faultcode": "Client", "faultstring": 'No host "ü".'}
        self.assertEqual({"error_message": json.dumps(fault, ensure_ascii=False, separators=(",", ":"))}, answer.json)
        self.assertEqual("application/json", answer.headers["Content-Type"])

    def test_a_fault_of_the_service_is_told_from_one_of_the_client(self) -> None:
        for error, code in ((exception.Unavailable("Away."), "Server"), (exception.Invalid("Wrong."), "Client")):
            self.assertEqual(code, json.loads(self.raising(error).json["error_message"])["faultcode"])

    def test_a_fault_of_the_service_is_logged_and_one_of_the_client_is_not(self) -> None:
        self.raising(exception.Invalid("It is wrong."))
        self.raising(exception.Unavailable("It is away."))

        self.assertIn("It is away.", self.logged.output)
        self.assertNotIn("It is wrong.", self.logged.output)

    def test_an_unexpected_exception_tells_nothing_but_where_to_look(self) -> None:
        answer = self.raising(RuntimeError("of the inside"))

        self.assertEqual((500, True), (answer.status, "req-1" in answer.fault))
        self.assertNotIn(b"of the inside", answer.body)
        self.assertNotIn(b"Traceback", answer.body)
        self.assertIn("RuntimeError: of the inside", self.logged.output)

    def test_what_a_library_refuses_is_told_in_our_words(self) -> None:
        for status in (400, 401, 403, 404, 405, 406, 413, 415, 500, 502, 503, 418, 451):
            answer = self.answer(webob.Response("<html>no {way}</html>", status=status), "/v1/{books}")

            self.assertEqual(status, answer.status)
            self.assertNotIn("html", answer.fault)
            self.assertTrue(answer.fault)

    def test_a_library_s_exception_is_told_like_its_answer(self) -> None:
        answer = self.raising(webob.exc.HTTPNotFound("no way"))

        self.assertEqual((404, "There is no resource /v1/books."), (answer.status, answer.fault))

    def test_the_limit_of_a_body_is_told(self) -> None:
        self.assertIn(str(_LIMIT), self.answer(webob.Response(status=413)).fault)

    def test_headers_that_a_client_acts_on_are_kept(self) -> None:
        headers = {"WWW-Authenticate": "Keystone", "Allow": "GET", "Retry-After": "3", "X-Other": "x"}

        answer = self.answer(webob.Response(status=401, headerlist=list(headers.items())))

        self.assertEqual(("Keystone", "GET", "3"), tuple(answer.headers[name] for name in list(headers)[:3]))
        self.assertNotIn("X-Other", answer.headers)

    def test_what_is_no_error_passes_unchanged(self) -> None:
        for status in (200, 202, 204, 300, 302, 304):
            answer = self.answer(webob.Response(b"" if status in (204, 304) else b"body", status=status))

            self.assertEqual((status, b"" if status in (204, 304) else b"body"), (answer.status, answer.body))

    def test_an_address_that_is_no_text_is_refused(self) -> None:
        passed = webob.Response(b"passed")
        wrong = [{"PATH_INFO": "/v1/\xff"}, {"QUERY_STRING": "limit=%ff"}, {"QUERY_STRING": "\xff"}, {"PATH_INFO": "/v1/\x00"}]

        for environ in wrong:
            self.assertEqual(400, self.answer(passed, **environ).status, environ)
        self.assertEqual(200, self.answer(passed, PATH_INFO="/v1/ü".encode().decode("latin-1")).status)


class EveryErrorTest(base.RestCase):
    """Every way to fail at a service, through all its middleware."""

    def test_every_kind_of_error_has_the_one_shape_its_status_and_a_sentence(self) -> None:
        book = db_api.add_book("Emma")["uuid"]
        books, one = "/v1/books", f"/v1/books/{book}"
        ask = self.rest.request
        kinds = {
            "no token": (401, "X-Auth-Token", ask("GET", books, token="")),
            "an invalid token": (401, "X-Auth-Token", ask("GET", books, token="made up")),
            "a role that is not enough": (
                403,
                "(shelf:books:modify). You hold: reader",
                ask("POST", books, {"title": "x"}, roles=("reader",)),
            ),
            "a project that gives no right": (
                403,
                "project demo",
                ask("GET", books, token=self.rest.token("admin", project="demo")),
            ),
            "an unknown attribute": (400, "'colour'", ask("POST", books, {"colour": "red"})),
            "a wrong type": (400, "pages cannot be 'many'", ask("POST", books, {"pages": "many"})),
            "a large body": (413, "114688 bytes", ask("POST", books, b" " * 2**20)),
            "no JSON": (400, "not valid JSON", ask("POST", books, b"title=Emma")),
            "deep JSON": (400, "nested too deeply", ask("POST", books, b"[" * 100_000)),
            "an unknown item": (404, "No book has the uuid", ask("GET", f"{books}/4711")),
            "an unknown item to change": (404, "No book", ask("PATCH", f"{books}/1", [{"op": "remove", "path": "/pages"}])),
            "an unknown item to delete": (404, "No book", ask("DELETE", f"{books}/4711")),
            "a wrong marker": (400, "marker", ask("GET", f"{books}?marker=4711")),
            "a wrong limit": (400, "limit", ask("GET", f"{books}?limit=0")),
            "a wrong sort key": (400, "sort by 'colour'", ask("GET", f"{books}?sort_key=colour")),
            "a wrong direction": (400, "sort_dir", ask("GET", f"{books}?sort_dir=up")),
            "an unknown parameter": (400, "'colour'", ask("GET", f"{books}?colour=red")),
            "an address that does not exist": (404, "/v1/cassettes", ask("GET", "/v1/cassettes")),
            "an address below an item": (404, f"{one}/pages/1", ask("GET", f"{one}/pages/1")),
            "another version": (404, "/v2", ask("GET", "/v2/books")),
            "a method that is not there": (405, f"PUT is not possible on {one}", ask("PUT", one, {})),
            "a method that needs an item": (405, "", ask("PATCH", books, [])),
            "a conflict": (409, "There is a book 'Emma' already.", ask("POST", books, {"title": "Emma"})),
            "a service that is away": (503, "A sentence for the operator.", ask("GET", "/v1/failures/Unavailable")),
            "a failure of the service": (500, "its log has the reason under req-", ask("GET", "/v1/failures/unexpected")),
        }
        for status, text, answer in kinds.values():
            self.assert_refused(status, text, answer)
            self.assertTrue(answer.headers["x-openstack-request-id"].startswith("req-"))
        self.assertEqual(["Emma"], db_api.titles())
