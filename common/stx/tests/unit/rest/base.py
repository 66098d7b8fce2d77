# SPDX-License-Identifier: Apache-2.0
"""What the tests of REST services share: the shelf's service, asked through all its middleware."""

import json
from typing import Any

from stx import testing
from stx.tests.unit.shelf import api
from stx.tests.unit.shelf.db import api as db_api


class RestCase(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform(db_api.database))
        self.rest = self.useFixture(testing.Rest(api.make_application))

    def assert_refused(self, status: int, text: str, answer: testing.Answer) -> None:
        """Assert that the answer is an error in the one shape, with `text` in its sentence."""
        self.assertEqual(status, answer.status, answer.body)
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"), answer.headers)
        self.assertEqual({"error_message"}, set(answer.json))
        fault = json.loads(answer.json["error_message"])
        self.assertEqual({"debuginfo", "faultcode", "faultstring"}, set(fault))
        self.assertEqual((None, "Client" if status < 500 else "Server"), (fault["debuginfo"], fault["faultcode"]))
        self.assertIn(text, fault["faultstring"])
        self.assertNotIn("Traceback", fault["faultstring"])
        self.assertNotIn("<", fault["faultstring"])

    def post(self, body: Any) -> testing.Answer:
        return self.rest.request("POST", "/v1/books", body)

    def patch(self, book_uuid: str, *operations: Any) -> testing.Answer:
        return self.rest.request("PATCH", f"/v1/books/{book_uuid}", list(operations))
