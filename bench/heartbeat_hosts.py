# SPDX-License-Identifier: Apache-2.0
"""Many hosts that answer pulses, in one process: `python -m bench.heartbeat_hosts ADDRESS PORT GROUP KEY MASTER COUNT`.

They are not real ones: each answers at once, as a host does, with datagrams of its own that are counted, and signed with its key. At
SIGUSR1 the first one falls silent, and the moment is printed.
"""

import contextlib
import select
import signal
import sys
import time

from mtce.heartbeat import wire
from stx import datagrams, hostkeys
from stx.datagrams import Keys
from stx.paths import Path, Paths
from stx.realtime import prefer

CLUSTER, BOOT_ID = "ours", "8c7ff3c2-9b1f-4f6e-8a57-2f1d3f0f6f52"


def name(number: int) -> str:
    return f"host-{number}"


class Hosts:
    def __init__(self, address: str, port: int, group: str, key: str, master: str, count: int) -> None:
        keys = Keys(key.encode(), (key.encode(),))
        self._first = 0
        self._hosts = [
            (wire.Sender(CLUSTER, host), Keys(own=(hostkeys.derive(master.encode(), hostkeys.of_host(host)),)))
            for host in map(name, range(count))
        ]
        self._receiver = wire.Receiver(CLUSTER, {"mgmt": keys})
        path = Path("mgmt", address, port, {}, keys, "lo", group)
        paths: Paths[wire.Body] = Paths(wire.Sender(CLUSTER, "nobody"), self._receiver, [path])
        self._sockets = [made for _, made in paths.sockets]

    def silence_one(self, *_: object) -> None:
        self._first = 1
        print(time.monotonic(), flush=True)

    def run(self) -> None:
        while True:
            for made in select.select(self._sockets, [], [])[0]:
                with contextlib.suppress(BlockingIOError):
                    datagram, address = made.recvfrom(datagrams.MOST_BYTES + 1)
                    heard = self._receiver.unpack(datagram, "mgmt")
                    if heard is not None and isinstance(heard[1], wire.Pulse):
                        self._answer(heard[1], address)

    def _answer(self, pulse: wire.Pulse, address: tuple[str, int]) -> None:
        for number, (sender, keys) in enumerate(self._hosts[self._first :], self._first):
            answer = wire.Answer(name(number), pulse.number, BOOT_ID, True, "mgmt")
            self._sockets[0].sendto(sender.pack(answer, keys), address)


def main() -> None:
    address, port, group, key, master, count = sys.argv[1:]
    hosts = Hosts(address, int(port), group, key, master, int(count))
    signal.signal(signal.SIGUSR1, hosts.silence_one)
    prefer()
    print("ready", flush=True)
    hosts.run()


if __name__ == "__main__":
    main()
