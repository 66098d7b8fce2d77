# SPDX-License-Identifier: Apache-2.0
"""Floating addresses as a service, on a device in a network name space of the test's own."""

import json
import os
import subprocess
import threading
import time
import unittest
from collections.abc import Callable

import pyroute2
from oslotest import base

from sm.actions import NOT_RUNNING, THERE, Runner
from sm.addresses import Floating
from sm.controller import Gated
from sm.model import Call
from sm.tests.functional import network

FLOATING = {"wire": Floating("10.9.0.2", 24, "wire0"), "link": Floating("169.254.9.2", 24, "wire0")}


class AddressTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        if reason := network.missing():
            raise unittest.SkipTest(reason)
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.addCleanup(self.holder.wait)
        self.addCleanup(self.holder.kill)
        own = os.readlink("/proc/self/ns/net")
        network.wait_for("a network name space", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own)
        self.ip("link", "add", "wire0", "type", "bridge")
        self.ip("link", "set", "wire0", "up")
        self.ip("address", "add", "169.254.9.3/24", "dev", "wire0", "scope", "link")

    def ip(self, *words: str) -> str:
        argv = ["nsenter", "--target", str(self.holder.pid), "--net", "ip", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout

    def act(self, service: str, *commands: str) -> list[int]:
        """The codes of what is done, one after another, in a thread that goes there."""
        codes: list[int] = []

        def inside() -> None:
            pyroute2.netns.setns(f"/proc/{self.holder.pid}/ns/net")
            watch: Callable[..., None] = lambda *_: None  # noqa: E731
            runner = Runner(lambda: 0.0, watch, watch, FLOATING)
            for command in commands:
                runner.start(service, service, Call("address", "", service, command, 5), {}, lambda code, _: codes.append(code))
            runner.close()

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join(network.DEADLINE_S)
        return codes

    def test_neighbours_learn_where_an_address_is_that_was_on_its_device_before(self) -> None:
        self.ip("address", "add", "10.9.0.2/24", "dev", "wire0")
        far = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.addCleanup(far.wait)
        self.addCleanup(far.kill)
        own = os.readlink("/proc/self/ns/net")
        network.wait_for("a network name space", lambda: os.readlink(f"/proc/{far.pid}/ns/net") != own)
        self.ip("link", "add", "port", "type", "veth", "peer", "name", "far", "netns", str(far.pid))
        self.ip("link", "set", "port", "master", "wire0", "up")

        def there(*words: str) -> str:
            argv = ["nsenter", "--target", str(far.pid), "--net", "ip", *words]
            return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout

        there("link", "set", "far", "up")
        # A bridge hears a moment later that a port has a link, and passes nothing before.
        network.wait_for("a port that works", lambda: "state forwarding" in self.ip("-details", "link", "show", "port"))
        there("address", "add", "10.9.0.9/24", "dev", "far")
        there("neighbour", "replace", "10.9.0.2", "lladdr", "02:00:00:00:00:01", "dev", "far", "nud", "stale")
        own_mac = json.loads(self.ip("-json", "link", "show", "wire0"))[0]["address"]

        def inside() -> None:
            pyroute2.netns.setns(f"/proc/{self.holder.pid}/ns/net")
            gated = Gated([FLOATING["wire"]])
            for _ in range(4):
                gated.renew(time.monotonic() + 1.0)
            gated.lost()

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join(network.DEADLINE_S)
        network.wait_for("the neighbour knows", lambda: own_mac in there("neighbour", "show", "10.9.0.2"))

    def test_an_address_is_put_found_taken_off_and_missed(self) -> None:
        self.assertEqual([NOT_RUNNING, 0, THERE, 0, THERE], self.act("wire", "check", "add", "check", "add", "check"))
        self.assertIn("10.9.0.2/24", self.ip("-brief", "address", "show", "wire0"))
        self.assertEqual([0, NOT_RUNNING, 0], self.act("wire", "remove", "check", "remove"))
        self.assertNotIn("10.9.0.2", self.ip("-brief", "address", "show", "wire0"))

    def test_one_beside_another_one_of_its_link_is_put_too(self) -> None:
        self.assertEqual([0, THERE], self.act("link", "add", "check"))

    def test_one_whose_device_is_gone_is_a_failure(self) -> None:
        self.ip("link", "delete", "wire0")
        self.assertEqual([1, 1], self.act("wire", "add", "check"))
