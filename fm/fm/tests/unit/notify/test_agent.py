# SPDX-License-Identifier: Apache-2.0
"""When the SNMP agent listens."""

import socket

import testtools

from fm import client
from fm.tests.unit import base
from stx import testing

try:
    from fm.notify import agent
except ImportError:
    agent = None  # type: ignore[assignment]


@testtools.skipIf(agent is None, "the extra `snmp` is not installed (pysnmp)")
class AgentTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        port = testing.free_port(socket.SOCK_DGRAM)
        self.platform.conf.config(group="fm_notify", agent_bind_host="127.0.0.1", agent_port=port)
        self.agent = agent.Agent(lambda: client.Snmp("edge-1", "RegionOne", ("public",)))
        self.addCleanup(self.agent.stop)

    def test_it_listens_again_where_it_has_ended(self) -> None:
        self.agent.step()
        first = self.agent._serving
        self.agent.step()
        self.assertIs(first, self.agent._serving)
        # As when it has failed.
        first._loop.call_soon_threadsafe(first._ending.set)
        first._thread.join(60)
        self.assertFalse(first.is_alive())
        self.agent.step()
        self.assertTrue(self.agent._serving.is_alive())
