# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{uuid}/install_progress by requests without a token (spec sysinv.md 6.4)."""

import json
import uuid
from typing import Any

import ddt

from stx import testing
from sysinv.tests.unit import base

# What would make somebody an administrator where nobody checks.
FORGED = {
    "X-Identity-Status": "Confirmed",
    "X-Roles": "admin",
    "X-User-Id": "u1",
    "X-Project-Id": "p1",
    "X-Project-Name": "admin",
    "X-Project-Domain-Id": "default",
}


class InstallProgressCase(base.RestTest):
    def prepare(self) -> None:
        self.create(1)

    def setUp(self) -> None:
        super().setUp()
        self.path = f"/v1/ihosts/{self.host('compute-0')['uuid']}/install_progress"

    def send(self, body: Any, path: str | None = None, method: str = "POST", **headers: str) -> testing.Answer:
        return self.rest.request(method, path or self.path, body, token="", headers={**FORGED, **headers})

    def state(self, reference: str = "compute-0") -> tuple[str | None, str | None]:
        host = self.host(reference)
        return host["install_state"], host["install_state_info"]


@ddt.ddt
class TellTest(InstallProgressCase):
    def test_an_installer_tells_json(self) -> None:
        told = {"install_state": "installing", "install_state_info": "7/12"}
        answer = self.send(told)
        self.assertEqual((200, told), (answer.status, answer.json))
        self.assertEqual(("installing", "7/12"), self.state())

    def test_an_installer_tells_a_form(self) -> None:
        form = "application/x-www-form-urlencoded"
        answer = self.send(b"install_state=installing&install_state_info=7%2F12+packages", **{"Content-Type": form})
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual(("installing", "7/12 packages"), self.state())

    def test_info_may_be_left_out_or_null(self) -> None:
        for body in ({"install_state": "preinstall"}, {"install_state": "postinstall", "install_state_info": None}):
            self.assertEqual(200, self.send(body).status)
            self.assertEqual((body["install_state"], None), self.state())

    def test_what_is_told_is_shown(self) -> None:
        self.send({"install_state": "installed"})
        shown = self.rest.get("/v1/ihosts/compute-0").json
        self.assertEqual(("booting", None), (shown["install_state"], shown["install_state_info"]))
        self.assertNotIn("install_silent_minutes", shown)

    def test_a_uuid_in_capitals_and_a_slash_at_the_end_are_the_same(self) -> None:
        host = self.host("compute-0")["uuid"]
        for number, path in enumerate((f"/v1/ihosts/{host.upper()}/install_progress", f"{self.path}/")):
            self.assertEqual(200, self.send({"install_state": "installing", "install_state_info": str(number)}, path).status)
            self.assertEqual(("installing", str(number)), self.state())

    @ddt.data(
        ({}, "Give install_state"),
        ({"install_state": None}, "Give install_state"),
        ({"install_state": 7}, "Give install_state"),
        ({"install_state": "installing", "install_state_info": ["x"]}, "Give install_state"),
        ({"install_state": "completed"}, "install_state must be one of: preinstall, installing"),
        ({"install_state": "installing", "install_state_info": "é"}, "must be printable ASCII"),
        ({"install_state": "installing", "install_state_info": "x" * 256}, "255 characters at the most"),
        ({"install_state": "installing", "administrative": "unlocked"}, "There is no attribute 'administrative'."),
    )
    @ddt.unpack
    def test_what_cannot_be_told_is_refused(self, body: dict[str, Any], text: str) -> None:
        before = self.host("compute-0")
        self.assert_refused(400, text, self.send(body))
        self.assertEqual(before, self.host("compute-0"))

    @ddt.data(
        b"",
        b"nonsense",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"install_state=installing&install_state_info=a&x=b",
        b"colour=red",
        b"install_state=%ff",
        b"=",
        b"{" * 500,
    )
    def test_a_body_that_is_neither_is_refused(self, body: bytes) -> None:
        answer = self.send(body)
        self.assertEqual(400, answer.status, answer.body)
        self.assertNotIn("Traceback", answer.fault)
        self.assertEqual((None, None), self.state())

    def test_a_large_body_is_refused(self) -> None:
        body = json.dumps({"install_state": "installing", "install_state_info": "x" * 5000}).encode()
        self.assert_refused(413, "at most 4096 bytes", self.send(body))
        self.assertEqual((None, None), self.state())

    def test_an_unlocked_host_is_a_conflict(self) -> None:
        before = self.host()
        path = f"/v1/ihosts/{before['uuid']}/install_progress"
        self.assert_refused(409, "It is unlocked, so it is not being installed.", self.send({"install_state": "failed"}, path))
        self.assertEqual(before, self.host())

    def test_a_host_that_is_not_there_is_named(self) -> None:
        missing = str(uuid.uuid4())
        path = f"/v1/ihosts/{missing}/install_progress"
        self.assert_refused(404, f"There is no host {missing}.", self.send({"install_state": "installing"}, path))


class OpenTest(InstallProgressCase):
    """What is open to everybody, and nothing beside it."""

    def test_no_other_method_is_there(self) -> None:
        before = (self.host("compute-0"), self.listed("/v1/ihosts"))
        for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"):
            answer = self.send([{"op": "replace", "path": "/serialid", "value": "7"}], method=method)
            self.assertIn(answer.status, (403, 404, 405), method)
            self.assertNotIn(b"mgmt_mac", answer.body)
        self.assertEqual(before, (self.host("compute-0"), self.listed("/v1/ihosts")))

    def test_a_method_in_the_query_is_not_taken(self) -> None:
        before = self.host("compute-0")
        self.assertEqual(400, self.send({"install_state": "failed"}, f"{self.path}?_method=DELETE").status)
        self.assertEqual(before, self.host("compute-0"))

    def test_who_is_named_otherwise_needs_a_token_and_is_not_found_with_one(self) -> None:
        host = self.host("compute-0")
        for reference in (host["hostname"], host["id"], f"{host['uuid']}/x", "x" * 36):
            path = f"/v1/ihosts/{reference}/install_progress"
            self.assertEqual(401, self.send({"install_state": "failed"}, path).status, path)
            self.assertEqual(404, self.rest.request("POST", path, {"install_state": "failed"}).status, path)
        self.assertEqual((None, None), self.state())

    def test_what_is_below_it_needs_a_token(self) -> None:
        for rest in ("/x", "/post", "/__class__", "//"):
            self.assertEqual(401, self.send({"install_state": "failed"}, self.path + rest).status, rest)
        self.assertEqual((None, None), self.state())

    def test_forged_headers_open_nothing_else(self) -> None:
        for path in ("/v1/ihosts", f"{self.path}/../", "/v1/ihosts/compute-0"):
            self.assertEqual(401, self.send(None, path, "GET").status, path)
