# SPDX-License-Identifier: Apache-2.0
"""Tests of requests, errors and pages, over real sockets."""

import io
import itertools
import logging
import socket
import threading

import fixtures
from keystoneauth1 import session as ksa_session
from oslotest import base

from stxclient import client, exceptions, transport
from stxclient.tests.unit import sessions, wire
from stxclient.tests.unit import wire_data as data

HOSTS = "/v1/ihosts"


def silent_port(test: base.BaseTestCase) -> int:
    """A port of loopback that nobody listens on while the test runs."""
    taken = socket.socket()
    test.addCleanup(taken.close)
    taken.bind(("127.0.0.1", 0))
    return taken.getsockname()[1]


class PagesTest(sessions.LibraryTest):
    def setUp(self) -> None:
        super().setUp()
        self.wire.lists["/v1/event_log"] = [data.event(number) for number in range(1, 8)]

    def numbers(self, **options: int) -> list[int]:
        return [int(event.uuid[-12:]) for event in self.client.events.list(**options)]

    def test_list_goes_through_all_pages(self) -> None:
        self.wire.page_limit = 3
        self.assertEqual([1, 2, 3, 4, 5, 6, 7], self.numbers())
        self.assertEqual(3, len(self.wire.requests))

    def test_last_page_may_be_full(self) -> None:
        self.wire.page_limit = 7
        self.assertEqual(7, len(self.numbers()))

    def test_page_is_asked_for_when_the_one_before_is_used_up(self) -> None:
        self.wire.page_limit = 3
        events = self.client.events.list()
        self.assertEqual(0, len(self.wire.requests))
        list(itertools.islice(events, 3))
        self.assertEqual(1, len(self.wire.requests))
        next(events)
        self.assertEqual(2, len(self.wire.requests))

    def test_page_size_is_bounded(self) -> None:
        self.numbers()
        self.assertEqual(str(transport.PAGE_SIZE), self.wire.requests[0].value("limit"))

    def test_limit_ends_the_list_and_is_sent(self) -> None:
        self.wire.page_limit = 3
        self.assertEqual([1, 2, 3, 4], self.numbers(limit=4))
        self.assertEqual(["4", "1"], [request.value("limit") for request in self.wire.requests])

    def test_limit_holds_against_a_service_that_ignores_it(self) -> None:
        self.wire.answers["GET", "/v1/event_log"] = wire.as_json({"event_log": data.EVENTS})
        self.assertEqual(2, len(self.numbers(limit=2)))

    def test_filters_and_address_stay_ours_on_the_pages_after_the_first(self) -> None:
        self.wire.page_limit = 3
        list(self.client.events.list(logs=True))
        # The stub's `next` names another host and no filter.
        self.assertEqual(["true"] * 3, [request.value("logs") for request in self.wire.requests])

    def test_list_that_never_ends_is_an_error(self) -> None:
        turns = itertools.cycle("abc")

        def endless(request: wire.Request) -> wire.Answer:
            return wire.as_json({"event_log": data.EVENTS, "next": f"http://x/v1/event_log?marker={next(turns)}"})

        self.wire.answers["GET", "/v1/event_log"] = endless
        error = self.assertRaises(exceptions.BadAnswer, self.numbers)
        self.assertIn("never ends", str(error))

    def test_answer_without_the_list_is_an_error(self) -> None:
        for value in ({"alarms": []}, {"event_log": {}}, {"event_log": ["x"]}, [], None):
            self.wire.answers["GET", "/v1/event_log"] = wire.as_json(value)
            self.assertRaises(exceptions.BadAnswer, self.numbers)


class RefusedTest(sessions.LibraryTest):
    def refusal(self, answer: wire.Answer) -> exceptions.HttpError:
        self.wire.answers["GET", f"{HOSTS}/x"] = answer
        return self.assertRaises(exceptions.HttpError, self.client.hosts.get, "x")

    def test_status_gives_the_class_and_the_service_the_sentence(self) -> None:
        expected = {
            400: exceptions.BadRequest,
            401: exceptions.Unauthorized,
            403: exceptions.Forbidden,
            404: exceptions.NotFound,
            406: exceptions.HttpError,
            409: exceptions.Conflict,
            500: exceptions.ServerError,
            503: exceptions.ServerError,
        }
        for status, kind in expected.items():
            error = self.refusal(wire.refused(status, "Because."))
            self.assertIs(kind, type(error))
            self.assertEqual(status, error.status)
            self.assertTrue(str(error).startswith("Because."), error)

    def test_framework_error_is_understood(self) -> None:
        body = {"error_message": {"title": "Not Found", "description": "No such route."}}
        self.assertEqual("No such route.", str(self.refusal(wire.as_json(body, 404))))

    def test_html_of_a_proxy_is_understood(self) -> None:
        page = wire.Answer(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>", "text/html")
        self.assertEqual("503 Service Unavailable", str(self.refusal(page)))

    def test_empty_error_says_which_service_and_status(self) -> None:
        text = str(self.refusal(wire.Answer(502)))
        self.assertIn("platform service", text)
        self.assertIn("502 Bad Gateway", text)

    def test_refused_token_says_what_to_check(self) -> None:
        self.assertIn("OS_*", str(self.refusal(wire.refused(401, "Expired."))))

    def test_further_findings_are_kept(self) -> None:
        body = {"error_message": '{"faultstring": "2 findings", "details": ["a", "b"]}'}
        self.assertEqual(("a", "b"), self.refusal(wire.as_json(body, 400)).details)

    def test_token_is_renewed_once_when_it_has_expired(self) -> None:
        answers = iter([wire.refused(401, "Expired."), wire.as_json(data.CONTROLLER)])
        self.wire.answers["GET", f"{HOSTS}/x"] = lambda request: next(answers)
        self.assertEqual("controller-0", self.client.hosts.get("x").hostname)
        self.assertEqual(2, self.wire.tokens_given)


class BadAnswerTest(sessions.LibraryTest):
    def test_success_without_json_names_the_address_to_check(self) -> None:
        self.wire.answers["GET", f"{HOSTS}/x"] = wire.Answer(200, b"<html>hello</html>", "text/html")
        error = self.assertRaises(exceptions.BadAnswer, self.client.hosts.get, "x")
        self.assertIn(f"{self.wire.url}/v1", str(error))
        self.assertIn("SYSTEM_URL", str(error))

    def test_no_content_is_a_success(self) -> None:
        self.assertIsNone(self.client.hosts.delete("controller-0"))


class DeadlineTest(sessions.LibraryTest):
    def test_service_that_does_not_answer_in_time_is_named(self) -> None:
        self.wire.answers["GET", f"{HOSTS}/x"] = self.wire.silence
        session = self.session()
        # Keystone has its time.
        session.get_token()
        late = client.Client(session, timeout=0.2)
        error = self.assertRaises(exceptions.TimedOut, late.hosts.get, "x")
        self.assertIn("platform service", str(error))
        self.assertIn("0.2 seconds", str(error))

    def test_keystone_that_does_not_answer_in_time_is_named(self) -> None:
        self.wire.answers["POST", "/v3/auth/tokens"] = self.wire.silence
        late = self.connected(timeout=0.2)
        error = self.assertRaises(exceptions.TimedOut, late.hosts.get, "x")
        self.assertIn("Keystone", str(error))

    def test_deadline_of_the_session_is_kept(self) -> None:
        self.wire.answers["GET", f"{HOSTS}/x"] = self.wire.silence
        session = self.session()
        session.timeout = 0.2
        self.assertRaises(exceptions.TimedOut, client.Client(session).hosts.get, "x")


class ConnectionTest(sessions.LibraryTest):
    def test_service_that_is_not_there_is_named_with_what_to_check(self) -> None:
        url = f"http://127.0.0.1:{silent_port(self)}"
        lost = self.connected(platform_url=url)
        error = self.assertRaises(exceptions.CannotConnect, lost.hosts.get, "x")
        for word in (f"platform service at {url}/v1", "./stx up", "OS_AUTH_URL", "SYSTEM_URL"):
            self.assertIn(word, str(error))

    def test_fault_service_has_its_own_name_and_variable(self) -> None:
        lost = self.connected(fm_url=f"http://127.0.0.1:{silent_port(self)}")
        error = self.assertRaises(exceptions.CannotConnect, lost.alarms.get, "x")
        self.assertIn("fault service", str(error))
        self.assertIn("FM_URL", str(error))

    def test_service_that_hangs_up_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(wire.WAIT_S)
            lost = self.connected(platform_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
            self.useFixture(Hanger(listener))
            self.assertRaises(exceptions.CannotConnect, lost.hosts.get, "x")

    def test_keystone_that_is_not_there_is_named_with_what_to_check(self) -> None:
        lost = client.Client(self.session(auth_url=f"http://127.0.0.1:{silent_port(self)}/v3"))
        error = self.assertRaises(exceptions.CannotConnect, lost.hosts.get, "x")
        self.assertIn("Keystone", str(error))
        self.assertIn("OS_AUTH_URL", str(error))

    def test_service_that_does_not_speak_tls_is_not_trusted(self) -> None:
        url = self.wire.url.replace("http:", "https:")
        error = self.assertRaises(exceptions.CannotConnect, self.connected(platform_url=url).hosts.get, "x")
        for word in ("cannot be trusted", "SYSTEM_URL", "OS_CACERT"):
            self.assertIn(word, str(error))

    def test_keystone_that_does_not_speak_tls_is_not_trusted(self) -> None:
        url = self.wire.url.replace("http:", "https:")
        error = self.assertRaises(
            exceptions.AuthenticationFailed, client.Client(self.session(auth_url=f"{url}/v3")).hosts.get, "x"
        )
        self.assertIn("cannot be trusted", str(error))

    def test_address_that_is_none_is_told(self) -> None:
        error = self.assertRaises(exceptions.BadAnswer, self.connected(platform_url="platform").hosts.get, "x")
        self.assertIn("SYSTEM_URL", str(error))

    def test_refused_password_says_which_variables_to_check(self) -> None:
        stranger = client.Client(self.session(password="wrong"))
        error = self.assertRaises(exceptions.AuthenticationFailed, stranger.hosts.get, "x")
        self.assertIn("OS_PASSWORD", str(error))
        self.assertNotIn("wrong", str(error))

    def test_address_without_keystone_is_told(self) -> None:
        self.wire.answers["POST", "/v3/auth/tokens"] = wire.Answer(404)
        error = self.assertRaises(exceptions.AuthenticationFailed, self.client.hosts.get, "x")
        self.assertIn("/v3", str(error))

    def test_failing_keystone_is_told(self) -> None:
        for status, kind in (
            (500, exceptions.CannotConnect),
            (503, exceptions.CannotConnect),
            (400, exceptions.AuthenticationFailed),
        ):
            self.wire.answers["POST", "/v3/auth/tokens"] = wire.Answer(status)
            error = self.assertRaises(kind, self.client.hosts.get, "x")
            self.assertIn("Keystone's log", str(error))


class Hanger(fixtures.Fixture):
    """Accepts one connection and closes it without a word."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def _setUp(self) -> None:
        thread = threading.Thread(target=self._hang_up, daemon=True)
        thread.start()
        self.addCleanup(thread.join, wire.WAIT_S)

    def _hang_up(self) -> None:
        connection, _ = self._listener.accept()
        connection.recv(65536)
        connection.close()


class EndpointTest(sessions.LibraryTest):
    def test_catalogue_says_where_the_services_are(self) -> None:
        self.client.hosts.get("controller-0")
        self.client.alarms.get(data.ALARMS[0]["uuid"])
        paths = [request.path for request in self.wire.requests]
        self.assertEqual([f"{HOSTS}/controller-0", f"/v1/alarms/{data.ALARMS[0]['uuid']}"], paths)

    def test_version_is_added_once_to_a_given_address(self) -> None:
        for url in (self.wire.url, f"{self.wire.url}/", f"{self.wire.url}/v1", f"{self.wire.url}/v1/"):
            self.connected(platform_url=url).hosts.get("controller-0")
        self.assertEqual({f"{HOSTS}/controller-0"}, {request.path for request in self.wire.requests})

    def test_catalogue_without_the_service_is_told(self) -> None:
        self.wire.catalogue = False
        error = self.assertRaises(exceptions.EndpointNotFound, self.client.hosts.get, "x")
        for word in ("public", "platform", "SYSTEM_URL"):
            self.assertIn(word, str(error))

    def test_region_without_the_service_is_named(self) -> None:
        elsewhere = self.connected(region_name="RegionTwo")
        error = self.assertRaises(exceptions.EndpointNotFound, elsewhere.hosts.get, "x")
        self.assertIn("RegionTwo", str(error))

    def test_session_without_credentials_is_refused_by_the_service_only(self) -> None:
        nobody = client.Client(ksa_session.Session(), platform_url=self.wire.url)
        self.assertRaises(exceptions.Unauthorized, nobody.hosts.get, "x")
        self.assertIsNone(self.wire.requests[0].token)


class PathTest(base.BaseTestCase):
    def test_names_are_quoted(self) -> None:
        self.assertEqual("ihosts/a%2F..%2Fb%3Fc", transport.path("ihosts", "a/../b?c"))

    def test_names_that_would_lead_elsewhere_are_refused(self) -> None:
        for name in ("", ".", ".."):
            self.assertRaises(exceptions.UsageError, transport.path, "ihosts", name)


class SecretsTest(sessions.LibraryTest):
    def test_passwords_never_reach_the_log(self) -> None:
        log = io.StringIO()
        handler = logging.StreamHandler(log)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, level)
        self.addCleanup(root.removeHandler, handler)
        self.wire.answers["POST", HOSTS] = wire.as_json(data.COMPUTE)
        self.client.hosts.create(hostname="compute-0", bm_password="hidden-1")
        self.client.hosts.update("compute-0", {"bm_password": "hidden-2"})
        self.client.hosts.update("compute-0", {"serialid": "shown"})
        self.wire.answers["POST", "/v1/itrapdest"] = wire.as_json({})
        self.client.trap_destinations.create(ip_address="192.0.2.9", auth_password="hidden-3", priv_password="hidden-4")
        self.assertIn("shown", log.getvalue())
        for secret in ("hidden", wire.PASSWORD, wire.TOKEN):
            self.assertNotIn(secret, log.getvalue())
