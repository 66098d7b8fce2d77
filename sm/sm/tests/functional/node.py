# SPDX-License-Identifier: Apache-2.0
"""One host of a test: `python -m sm.tests.functional.node NAME DIRECTORY ADDRESSES`, in a network name space of its own.

A controller puts the floating address on and takes it off with the lease, and says so.
"""

import json
import pathlib
import signal
import sys
import time

from sm import addresses, configuration, daemon, gate, keeper, lease, messages
from stx import datagrams, paths, realtime

CONTROLLERS = frozenset({"controller-0", "controller-1"})
FLOATING = "10.201.0.2"
KEYS = datagrams.Keys(b"k" * 32, (b"k" * 32,))


class Address:
    """What a test's controller does with the lease."""

    def __init__(self) -> None:
        self._gate = gate.Gate([FLOATING])
        self._addresses = addresses.Addresses((addresses.Floating(FLOATING, 24, "mgmt"),))
        self._addresses.take_off()
        self._is_on = False

    def renew(self, until: float) -> None:
        if self._gate.open_until(until) and not self._is_on:
            self._addresses.put()
            self._is_on = True
            print("active", flush=True)

    def lost(self) -> None:
        self._gate.shut()
        self._addresses.take_off()
        self._is_on = False
        print("passive", flush=True)


def main() -> None:
    # As the processes do that stand for it: a busy machine is no reason for a lease to end.
    realtime.prefer()
    name, directory, known = sys.argv[1], pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
    kept = keeper.Keeper(directory)
    if kept.kept == lease.Kept():
        kept.keep(lease.Kept(0, None, lease.Record(0, 0, frozenset(known), CONTROLLERS)))
    start = kept.next_start(time.time())
    networks = [
        paths.Path(
            network, own, configuration.PORT, {other: found[network] for other, found in known.items() if other != name}, KEYS
        )
        for network, own in known[name].items()
    ]
    receiver = messages.Receiver("test", {network.name: KEYS for network in networks})
    ways = paths.Paths(messages.Sender("test", name, start), receiver, networks)
    loop = daemon.Loop(name, start, kept, ways, lease.Timing(), Address() if name in CONTROLLERS else None)
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    loop.run()


if __name__ == "__main__":
    main()
