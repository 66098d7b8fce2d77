# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about LLDP."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class AgentTest(cli.CliTest):
    def test_agents_have_the_published_columns(self) -> None:
        (agent,) = self.done(self.system("host-lldp-agent-list", "1", "-f", "json")).json
        self.assertEqual(
            ["uuid", "local_port", "status", "chassis_id", "port_id", "system_name", "system_description"], list(agent)
        )
        self.assertEqual(("enp0s3", "enp0s3"), (agent["local_port"], agent["port_id"]))

    def test_agent_is_shown(self) -> None:
        shown = self.done(self.system("lldp-agent-show", data.AGENT_UUID, "-f", "json")).json
        self.assertEqual(("rx=enabled,tx=enabled", "120"), (shown["status"], shown["ttl"]))


class NeighborTest(cli.CliTest):
    def test_neighbours_have_the_published_columns(self) -> None:
        (neighbour,) = self.done(self.system("host-lldp-neighbor-list", "1", "-f", "json")).json
        self.assertEqual(
            ["uuid", "local_port", "remote_port", "chassis_id", "system_name", "system_description", "management_address"],
            list(neighbour),
        )
        self.assertEqual(("ge-0/0/1", "10.0.0.1"), (neighbour["remote_port"], neighbour["management_address"]))

    def test_neighbour_is_shown(self) -> None:
        shown = self.done(self.system("lldp-neighbor-show", data.NEIGHBOUR_UUID, "-f", "json")).json
        self.assertEqual(["uuid", "host_uuid", "created_at", "updated_at", "local_port"], list(shown)[:5])
        self.assertEqual(("aa,bb", "switch"), (shown["msap"], shown["system_name"]))
