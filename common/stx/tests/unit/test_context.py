# SPDX-License-Identifier: Apache-2.0
"""Tests of the request context."""

import json

from oslo_context import context as oslo_context

from stx import context, testing


class ContextTest(testing.TestCase):
    def test_a_context_survives_the_wire(self) -> None:
        sent = context.RequestContext(
            user_id="u1", project_id="p1", project_name="admin", roles=["admin", "reader"], request_id="req-1", overwrite=False
        )

        received = context.from_dict(json.loads(json.dumps(sent.to_dict())))

        self.assertEqual(sent.to_dict(), received.to_dict())
        self.assertEqual(["admin", "reader"], received.roles)
        self.assertEqual("req-1", received.request_id)

    def test_a_received_context_is_of_our_class(self) -> None:
        self.assertIsInstance(context.from_dict({}), context.RequestContext)

    def test_unknown_values_of_a_newer_sender_are_no_error(self) -> None:
        self.assertEqual("u1", context.from_dict({"user": "u1", "invented_later": 1}).user_id)

    def test_internal_work_is_done_in_the_name_of_the_service(self) -> None:
        internal = context.internal("fm-manager")

        self.assertEqual(("fm-manager", ["service"]), (internal.user_id, internal.roles))

    def test_internal_work_does_not_change_whose_request_the_thread_logs(self) -> None:
        mine = context.RequestContext(user_id="u1")

        context.internal("fm-manager")

        self.assertIs(mine, oslo_context.get_current())
