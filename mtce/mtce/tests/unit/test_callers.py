# SPDX-License-Identifier: Apache-2.0
"""What hosts may call, of all that is served over the message bus."""

import inspect
from typing import Any

from oslotest import base

from fm import manager
from mtce import agent, host
from stx.rpc import Callers
from sysinv import conductor

SERVED: tuple[type[Any], ...] = (agent.Agent, host.Host, conductor.Conductor, manager.Manager)


class CallersTest(base.BaseTestCase):
    def exposed(self, callers: Callers) -> set[str]:
        return {
            f"{served.target.topic} {name}"
            for served in SERVED
            for name, method in inspect.getmembers(served, callable)
            if getattr(method, "_rpc_exposed", None) is callers
        }

    def test_what_all_hosts_may_call_sees_to_it_that_each_speaks_for_itself(self) -> None:
        """Whatever is added here has a test that it does."""
        expected = {
            "fm.manager deliver",
            "mtce.agent report",
            "sysinv.conductor_manager register_agent",
            "sysinv.conductor_manager report_inventory",
        }
        self.assertEqual(expected, self.exposed(Callers.HOSTS))

    def test_a_host_can_be_told_by_controllers_alone(self) -> None:
        self.assertEqual({"mtce.host look"}, self.exposed(Callers.OWN_HOST))

    def test_all_else_is_for_controllers(self) -> None:
        for_controllers = self.exposed(Callers.CONTROLLERS)
        for method in ("get_board_logins", "update_host_states", "request_action", "delete_host", "get_hosts"):
            self.assertIn(f"sysinv.conductor_manager {method}", for_controllers)
