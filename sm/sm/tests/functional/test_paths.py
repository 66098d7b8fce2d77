# SPDX-License-Identifier: Apache-2.0
"""Hellos to a group: once on the wire for all who listen."""

import select
import socket
import threading

import pyroute2

from sm import messages, paths
from sm.messages import Body, Hello
from sm.tests.functional import network

# Beside what the hosts themselves use.
PORT = 2333
GROUPS = {4: "239.255.22.22", 6: "ff15::2222"}


class MulticastTest(network.NetworkTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for name in cls.there.hosts:
            cls.there.power_on(name)

    def way(self, name: str, version: int) -> paths.Paths:
        """A process's sockets on one network of a host."""
        number = network.NUMBERS[name]
        own = network.address(name, "mgmt") if version == 4 else f"fd00::{number}"
        # It reaches the others by the group alone: of the peer only the name is right.
        peer = "10.201.0.250" if version == 4 else "fd00::250"
        path = paths.Path("mgmt", own, {"controller-1": peer}, port=PORT, device="mgmt", group=GROUPS[version])
        made: list[paths.Paths] = []
        holder = self.there.hosts[name].holder
        assert holder is not None

        # A thread of its own is taken there; sockets stay where they were made.
        def open_there() -> None:
            pyroute2.netns.setns(f"/proc/{holder.pid}/ns/net")
            if version == 6:
                with pyroute2.IPRoute() as route:
                    index = socket.if_nametoindex("mgmt")
                    # nodad: it may be used at once.
                    route.addr("replace", index=index, address=own, prefixlen=64, IFA_FLAGS=0x02)
            made.append(paths.Paths(messages.Sender("a", name, 1), messages.Receiver("a", {}), [path]))

        thread = threading.Thread(target=open_there)
        thread.start()
        thread.join(network.DEADLINE_S)
        self.addCleanup(made[0].close)
        return made[0]

    def heard(self, way: paths.Paths, deadline_s: float = 0.0) -> list[tuple[str, Body]]:
        """What came until then, or is there already."""
        found: list[tuple[str, Body]] = []
        select.select([made for _, made in way.sockets], [], [], deadline_s)
        way.receive("mgmt", lambda name, body: found.append((name, body)))
        return found

    def assert_all_but_the_speaker_hear(self, version: int) -> None:
        ways = {name: self.way(name, version) for name in self.there.hosts}
        hello = Hello("controller-0", True, "boot", 1)
        ways["controller-0"].send(["controller-1"], hello)
        for name in ("controller-1", "compute-0"):
            self.assertEqual([("controller-0", hello)], self.heard(ways[name], 5.0), name)
        # What comes back to a host is there before others have it.
        self.assertEqual([], self.heard(ways["controller-0"]))
        # Whoever was heard is answered directly.
        answer = Hello("compute-0", False, "boot", 1)
        ways["compute-0"].send(["controller-0"], answer)
        self.assertEqual([("compute-0", answer)], self.heard(ways["controller-0"], 5.0))

    def test_a_hello_to_a_group_of_ipv4_is_heard_by_all_but_who_says_it(self) -> None:
        self.assert_all_but_the_speaker_hear(4)

    def test_a_hello_to_a_group_of_ipv6_is_heard_by_all_but_who_says_it(self) -> None:
        self.assert_all_but_the_speaker_hear(6)
