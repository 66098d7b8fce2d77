# SPDX-License-Identifier: Apache-2.0
"""Tests of `openstack stx …`, with the real `openstack` command."""

import importlib.metadata

import stevedore
from openstackclient import shell
from osc_lib import clientmanager

from stxclient.osc import plugin
from stxclient.tests.unit import cli, test_shell, test_transport
from stxclient.tests.unit import wire_data as data

GROUP = "openstack.stx.v1"


class PluginTest(cli.CliTest):
    def setUp(self) -> None:
        super().setUp()
        # osc-lib keeps a client for the life of the process.
        clientmanager.ClientManager.stx = clientmanager.ClientCache(plugin.make_client)

    def openstack(self, *argv: str) -> cli.Outcome:
        return cli.captured(lambda: shell.main(["stx", *argv]))

    def test_hosts_are_listed(self) -> None:
        found = self.done(self.openstack("host", "list", "-f", "json")).json
        self.assertEqual(["controller-0", "compute-0", "storage-0"], [host["hostname"] for host in found])

    def test_other_examples_work(self) -> None:
        self.assertIn("edge-12", self.done(self.openstack("system", "show")).out)
        self.assertEqual(4, len(self.done(self.openstack("host", "cpu", "list", "controller-0")).rows))
        self.assertEqual(4, len(self.done(self.openstack("alarm", "list", "--query", "severity=major")).rows))
        self.assertEqual(4, len(self.done(self.openstack("event", "list")).rows))
        self.done(self.openstack("event", "unsuppress", "all"))
        self.done(self.openstack("event", "unsuppress", "--alarm_id", "100.102"))

    def test_failures_are_one_sentence(self) -> None:
        self.fails(self.openstack("host", "show", "nobody"), 1, "nobody could not be found.")
        self.fails(self.openstack("system", "set"), 2, "Nothing to change")

    def test_given_addresses_go_before_the_catalogue(self) -> None:
        nowhere = f"http://127.0.0.1:{test_transport.silent_port(self)}"
        self.setenv("SYSTEM_URL", nowhere)
        self.fails(self.openstack("host", "list"), 1, nowhere)
        self.done(self.openstack("alarm", "show", data.ALARMS[0]["uuid"]))

    def test_every_command_is_also_one_of_openstack(self) -> None:
        def bound(group: str) -> list[str]:
            found = stevedore.NamedExtensionManager(group, names=[]).list_entry_points()
            return sorted(entry_point.value for entry_point in found)

        self.assertEqual(sorted(bound("stxclient.system") + bound("stxclient.fm")), bound(GROUP))

    def test_no_command_of_another_plugin_is_taken(self) -> None:
        for name in test_shell.names(GROUP):
            self.assertTrue(name.startswith("stx_"), name)
        application = shell.OpenStackShell()
        groups = {group for group in _groups() if group.startswith("openstack.") and group != GROUP}
        others = {name for group in groups for name in test_shell.names(group) if name.startswith("stx_")}
        self.assertEqual(set(), others)
        self.assertFalse([name for name in application.command_manager.commands if name.startswith("stx ")])

    def test_every_command_explains_itself_with_an_example(self) -> None:
        outcome = self.done(self.openstack("host", "cpu", "show", "--help"))
        self.assertRegex(outcome.out, r"example:\n  \S+ stx host cpu show controller-0 3")


def _groups() -> set[str]:
    return set(importlib.metadata.entry_points().groups)
