# SPDX-License-Identifier: Apache-2.0
"""Resource agents as Debian ships them (package resource-agents), called by an engine."""

import os
import unittest

from sm import actions
from sm.tests.functional import engine_base

AGENT = actions.OCF_ROOT / "resource.d/heartbeat/Dummy"


class AgentTest(engine_base.EngineTestCase):
    services = """
services:
  agent:
    ocf: heartbeat:Dummy
    parameters: {state: DIRECTORY/agent.state}
    actions: {audit-enabled: {interval: 0.2, retries: 0}}
groups: {g: {services: {agent: critical}}}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not os.access(AGENT, os.X_OK):
            raise unittest.SkipTest("the package resource-agents is not installed")

    def begin(self, services: str | None = None) -> None:
        super().begin((services or self.services).replace("DIRECTORY", str(self.directory)))

    def is_running(self) -> bool:
        return (self.directory / "agent.state").exists()

    def test_an_agent_is_started_watched_started_again_and_stopped(self) -> None:
        self.until_state("agent", "disabled")
        self.be_active()
        self.assertTrue(self.is_running())
        (self.directory / "agent.state").unlink()
        self.until("it is started again", self.is_running)
        self.until_state("agent", "enabled-active")
        self.see(holds=False, heard={})
        self.until("it is stopped", lambda: not self.is_running())
