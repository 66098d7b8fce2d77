# SPDX-License-Identifier: Apache-2.0
"""How hosts are probed from outside, and what is asked of the platform."""

import http.server
import json
import threading
from typing import Any

from oslotest import base

from stxlab import hoststates, observer

TRIE = """Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     +-- 192.168.200.0/24 2 0 2
        |-- 192.168.200.2
           /32 host LOCAL
        |-- 192.168.200.3
           /32 host LOCAL
        |-- 192.168.200.255
           /32 link BROADCAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 10.9.8.7
        /32 host LOCAL
"""
ASKER = bytes.fromhex("024cabfd0005")
HOST = bytes.fromhex("024cab000002")


class ProbeTest(base.BaseTestCase):
    def test_a_question_is_from_nobody(self) -> None:
        asked = observer.packet(HOST, ASKER, ASKER, "192.168.204.12")
        self.assertEqual(HOST + ASKER + b"\x08\x06", asked[:14])
        self.assertEqual(b"\x00\x01", asked[20:22])
        self.assertEqual((bytes(4), bytes([192, 168, 204, 12])), (asked[28:32], asked[38:42]))

    def test_an_answer_tells_whose_it_is_and_to_which_probe(self) -> None:
        self.assertEqual(("192.168.204.12", 5), observer.answer(_reply(ASKER)))

    def test_all_other_frames_are_passed_over(self) -> None:
        for frame in (
            *(b"", _reply(ASKER)[:30], observer.packet(HOST, ASKER, ASKER, "192.168.204.12")),
            *(
                _reply(bytes.fromhex("024cab000001")),
                _reply(ASKER[:5] + b"\xff"),
                _reply(ASKER).replace(b"\x08\x06", b"\x08\x00"),
            ),
        ):
            self.assertIsNone(observer.answer(frame))


class AddressTest(base.BaseTestCase):
    def test_a_floating_address_counts_only_where_there_is_no_other(self) -> None:
        self.assertEqual({"mgmt": "192.168.200.3", "oam": "192.0.2.2"}, observer.addresses(TRIE))

    def test_a_host_without_addresses_has_none(self) -> None:
        self.assertEqual({}, observer.addresses(""))


class Platform(http.server.BaseHTTPRequestHandler):
    """Stands in for Keystone and the platform's interface."""

    hosts: list[dict[str, Any]] = []
    valid = {"token-1"}
    is_cut = False

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = asked["auth"]["identity"]["password"]["user"]
        if (user["name"], user["password"]) != ("admin", "secret"):
            self.send_error(401)
            return
        endpoint = {"interface": "public", "url": f"http://127.0.0.1:{self.server.server_port}/v1"}
        self._answer(
            {"token": {"catalog": [{"type": "platform", "endpoints": [endpoint]}]}}, {"X-Subject-Token": sorted(self.valid)[0]}
        )

    def do_GET(self) -> None:
        if self.headers["X-Auth-Token"] not in self.valid:
            self.send_error(401)
        else:
            self._answer({"ihosts": self.hosts} if self.path == "/v1/ihosts" else {})

    def _answer(self, content: object, headers: dict[str, str] = {}) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.is_cut:
            self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


class ApiTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Platform)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        states = {"administrative": "unlocked", "operational": "enabled", "availability": "available"}
        Platform.hosts = [{"hostname": "a", **states, "task": ""}, {"hostname": None, "uuid": "u", **states, "task": "Booting"}]
        Platform.valid, Platform.is_cut = {"token-1"}, False
        self.api = hoststates.Api(self.credentials())

    def credentials(self, password: str = "secret") -> dict[str, str]:
        return {
            "OS_AUTH_URL": f"http://127.0.0.1:{self.server.server_port}/v3",
            "OS_USERNAME": "admin",
            "OS_PASSWORD": password,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
        }

    def test_states_and_tasks_are_told(self) -> None:
        self.assertEqual({"a": "unlocked-enabled-available", "u": "unlocked-enabled-available, Booting"}, self.api.states())

    def test_a_token_that_is_no_longer_good_is_replaced_at_the_next_call(self) -> None:
        self.api.states()
        Platform.valid = {"token-2"}
        refused = self.assertRaises(hoststates.ApiError, self.api.states)
        self.assertEqual("HTTP 401", str(refused))
        self.assertIn("a", self.api.states())

    def test_an_answer_that_breaks_off_is_told(self) -> None:
        Platform.is_cut = True
        self.assertRaises(hoststates.ApiError, self.api.states)

    def test_wrong_credentials_are_told(self) -> None:
        refused = self.assertRaises(hoststates.ApiError, hoststates.Api(self.credentials("wrong")).states)
        self.assertEqual("HTTP 401", str(refused))


def _reply(asker: bytes) -> bytes:
    body = bytes.fromhex("0001080006040002") + HOST + bytes([192, 168, 204, 12]) + asker + bytes(4)
    return asker + HOST + b"\x08\x06" + body
