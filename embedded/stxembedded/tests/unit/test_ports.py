# SPDX-License-Identifier: Apache-2.0
"""Ports that are free, and ports that are not."""

import os
import socket
from pathlib import Path

from oslotest import base

from stx import exception, testing
from stxembedded import ports
from stxembedded.config import Layout


class PortsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        names = ("keystone", "platform", "faultmanagement")
        self.layout = Layout(Path("/nowhere"), ports={name: testing.free_port() for name in names})

    def test_free_ports_are_accepted(self) -> None:
        ports.check(self.layout)

    def test_ports_in_use_are_told_with_who_wants_them_who_holds_them_and_what_to_do(self) -> None:
        for service in ("keystone", "platform"):
            self.addCleanup(socket.create_server(("127.0.0.1", self.layout.ports[service])).close)
        refused = self.assertRaises(exception.Conflict, ports.check, self.layout)
        first, second = refused.message.splitlines()
        self.assertIn(f"Port {self.layout.ports['keystone']}, which keystone needs", first)
        self.assertIn(f"(pid {os.getpid()})", first)
        self.assertIn("--keystone-port", first)
        self.assertIn("--port-base", first)
        self.assertIn("which platform needs", second)

    def test_listener_on_all_addresses_is_noticed(self) -> None:
        self.addCleanup(socket.create_server(("", self.layout.ports["platform"])).close)
        self.assertRaises(exception.Conflict, ports.check, self.layout)

    def test_port_at_which_a_process_monitor_is_answered_must_be_free_too(self) -> None:
        port = self.layout.ports["platform"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", port))
            refused = self.assertRaises(exception.Conflict, ports.check, self.layout)
        self.assertRegex(refused.message, rf"^Port {port} \(UDP\), which platform needs, is in use by .*\(pid {os.getpid()}\)")

    def test_listener_on_ipv6_is_found(self) -> None:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.addCleanup(listener.close)
        self.assertIn(f"(pid {os.getpid()})", ports.holder(listener.getsockname()[1]))

    def test_address_of_another_machine_is_told(self) -> None:
        layout = Layout(Path("/nowhere"), address="192.0.2.1", ports=self.layout.ports)
        refused = self.assertRaises(exception.Conflict, ports.check, layout)
        self.assertEqual(
            refused.message, "Nothing can listen on 192.0.2.1: Cannot assign requested address. Choose another --address."
        )

    def test_port_without_a_holder_that_can_be_seen_is_told_so(self) -> None:
        self.assertEqual(ports.holder(self.layout.ports["platform"]), "a process of another user")
