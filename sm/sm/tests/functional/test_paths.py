# SPDX-License-Identifier: Apache-2.0
"""Hellos to a group: once on the wire for all who listen."""

import select
import socket
import threading
from collections.abc import Callable

import pyroute2

from sm import messages
from sm.messages import Body, Hello
from sm.tests.functional import network
from stx import paths

# Beside what the hosts themselves use.
PORT = 2333
GROUPS = {4: "239.255.22.22", 6: "ff15::2222"}


class MulticastTest(network.NetworkTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for name in cls.there.hosts:
            cls.there.power_on(name)

    def way(self, name: str, version: int) -> paths.Paths[Body]:
        """A process's sockets on one network of a host."""
        number = network.NUMBERS[name]
        own = network.address(name, "mgmt") if version == 4 else f"fd00::{number}"
        # It reaches the others by the group alone: of the peer only the name is right.
        peer = "10.201.0.250" if version == 4 else "fd00::250"
        path = paths.Path("mgmt", own, PORT, {"controller-1": peer}, device="mgmt", group=GROUPS[version])
        made: list[paths.Paths[Body]] = []

        def open_there() -> None:
            if version == 6:
                with pyroute2.IPRoute() as route:
                    index = socket.if_nametoindex("mgmt")
                    # nodad: it may be used at once.
                    route.addr("replace", index=index, address=own, prefixlen=64, IFA_FLAGS=0x02)
            made.append(paths.Paths(messages.Sender("a", name, 1), messages.Receiver("a", {}), [path]))

        self.on(name, open_there)
        self.addCleanup(made[0].close)
        return made[0]

    def on(self, name: str, do: Callable[[], None]) -> None:
        """Have something done on a host."""
        holder = self.there.hosts[name].holder
        assert holder is not None

        # A thread of its own is taken there; sockets stay where they were made.
        def go() -> None:
            pyroute2.netns.setns(f"/proc/{holder.pid}/ns/net")
            do()

        thread = threading.Thread(target=go)
        thread.start()
        thread.join(network.DEADLINE_S)

    def heard(self, way: paths.Paths[Body], deadline_s: float = 0.0) -> list[tuple[str, Body]]:
        """What came until then, or is there already."""
        found: list[tuple[str, Body]] = []
        select.select([made for _, made in way.sockets], [], [], deadline_s)
        way.receive("mgmt", lambda name, body: found.append((name, body)))
        return found

    def assert_all_but_the_speaker_hear(self, version: int) -> None:
        ways = {name: self.way(name, version) for name in self.there.hosts}
        hello = Hello("controller-0", True, "boot", 1)
        ways["controller-0"].send(["controller-1"], hello, to_group=True)
        for name in ("controller-1", "compute-0"):
            self.assertEqual([("controller-0", hello)], self.heard(ways[name], network.DEADLINE_S), name)
        # What comes back to a host is there before others have it.
        self.assertEqual([], self.heard(ways["controller-0"]))
        # Whoever was heard is answered directly.
        answer = Hello("compute-0", False, "boot", 1)
        ways["compute-0"].send(["controller-0"], answer)
        self.assertEqual([("compute-0", answer)], self.heard(ways["controller-0"], network.DEADLINE_S))

    def test_a_hello_to_a_group_of_ipv4_is_heard_by_all_but_who_says_it(self) -> None:
        self.assert_all_but_the_speaker_hear(4)

    def test_a_device_that_was_made_anew_is_used_again(self) -> None:
        ways = {name: self.way(name, 4) for name in ("controller-0", "compute-0")}
        self.there.replug("compute-0", "mgmt")
        hello = Hello("controller-0", True, "boot", 1)
        ways["controller-0"].send(["controller-1"], hello, to_group=True)
        self.assertEqual([], self.heard(ways["compute-0"], 0.5))
        renewed: list[tuple[str, socket.socket, socket.socket]] = []
        self.on("compute-0", lambda: renewed.extend(ways["compute-0"].renew()))
        # One for what is for this host alone, one for what is for all.
        self.assertEqual(["mgmt", "mgmt"], [name for name, _, _ in renewed])
        for _, old, _ in renewed:
            old.close()
        ways["controller-0"].send(["controller-1"], hello, to_group=True)
        self.assertEqual([("controller-0", hello)], self.heard(ways["compute-0"], network.DEADLINE_S))
        self.on("compute-0", lambda: self.assertEqual([], ways["compute-0"].renew()))

    def test_a_hello_to_a_group_of_ipv6_is_heard_by_all_but_who_says_it(self) -> None:
        self.assert_all_but_the_speaker_hear(6)
