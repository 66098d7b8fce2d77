# SPDX-License-Identifier: Apache-2.0
"""A swact is asked for over HTTP; whoever answers here is not Service Management."""

import http.server
import json
import threading
from typing import Any

from mtce import conf, handover
from stx import exception, testing


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        status, answer = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: Any) -> None:
        """It is no news."""


class HandoverTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf.register()
        platform = self.useFixture(testing.Platform())
        self.server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.asked, self.server.answer = [], (200, {"error_code": "0", "error_details": ""})
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        platform.conf.config(group="mtce", sm_url=f"http://127.0.0.1:{self.server.server_port}")
        platform.conf.load_raw_values(group="keystone_authtoken", auth_type="none", endpoint="http://127.0.0.1")

    def test_it_asks_for_a_swact_of_this_controller(self) -> None:
        handover.request("controller-0")
        ((path, body),) = self.server.asked
        self.assertEqual("/v1/servicenode/controller-0", path)
        self.assertEqual(("mtce", "swact"), (body["origin"], body["action"]))

    def test_a_refusal_is_told_with_its_reason(self) -> None:
        for answer in (
            (200, {"error_code": "-1", "error_details": "the other one is not ready"}),
            (403, {"faultstring": "not you"}),
        ):
            self.server.answer = answer
            error = self.assertRaises(exception.Unavailable, handover.request, "controller-0")
            self.assertIn(list(answer[1].values())[-1], error.message)

    def test_one_that_does_not_answer_is_told(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        error = self.assertRaises(exception.Unavailable, handover.request, "controller-0")
        self.assertIn("cannot be asked", error.message)
