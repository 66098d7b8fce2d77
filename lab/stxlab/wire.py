# SPDX-License-Identifier: Apache-2.0
"""A slow cable: holds frames back between a host's port and the bridge of its network.

`python wire.py PORT TAP SETTINGS` runs in the name space of the switch. It takes frames from the port, which is on no bridge then,
and gives them to a device of its own, which is on the bridge, and back. SETTINGS is a file {"delay_ms": …, "jitter_ms": …}, read
again on SIGHUP. It ends when the port is gone.

The kernels of many machines have no netem. This file needs the standard library only, so that it starts at once.
"""

import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# What a cable of 1 Gbit/s holds in a quarter of a second.
MOST_BYTES = 32 * 2**20
MOST_FRAMES = 50_000

# Of linux/if_tun.h and linux/if_packet.h.
_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_TAP, _NO_PACKET_INFO, _VNET_HDR = 0x0002, 0x1000, 0x4000
_CHECKSUMS, _SEGMENTS_4, _SEGMENTS_6 = 0x01, 0x02, 0x04
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 263, 15, 23
_SO_RCVBUFFORCE = 33
_ALL_PROTOCOLS = 0x0003
# Segments of TCP travel together, as one frame; the header before each says how they are to be parted.
_LONGEST_FRAME = 65536 + 4096
_LONGEST_WAIT_S = 1.0
_AT_ONCE = 64


class Queue:
    """Frames on their way, by the moment at which they arrive. Where it is full, frames are lost, as in a switch.

    :ivar lost: how many frames found no room
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_frames: int = MOST_FRAMES) -> None:
        self._most_bytes = most_bytes
        self._most_frames = most_frames
        self._heap: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self.held_bytes = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, frame: bytes, target: int, arrives: float) -> bool:
        """:param target: where it goes, as `due` tells
        :return: whether there was room
        """
        if len(self._heap) >= self._most_frames or self.held_bytes + len(frame) > self._most_bytes:
            self.lost += 1
            return False
        # The count keeps frames of one moment in their order.
        self._count += 1
        heapq.heappush(self._heap, (arrives, self._count, target, frame))
        self.held_bytes += len(frame)
        return True

    def due(self, now: float) -> Iterator[tuple[int, bytes]]:
        """Take out what has arrived: target and frame, the first first."""
        while self._heap and self._heap[0][0] <= now:
            _, _, target, frame = heapq.heappop(self._heap)
            self.held_bytes -= len(frame)
            yield target, frame

    @property
    def next_arrival(self) -> float | None:
        return self._heap[0][0] if self._heap else None


class Delay:
    """How long a frame is on its way; even around a mean, never below 0.

    :param pick: gives a number from 0 to 1
    """

    def __init__(self, delay_ms: float, jitter_ms: float, pick: Callable[[], float] = random.random) -> None:
        self._delay_s = delay_ms / 1000
        self._jitter_s = jitter_ms / 1000
        self._pick = pick

    def seconds(self) -> float:
        if not self._jitter_s:
            return self._delay_s
        return max(0.0, self._delay_s + self._jitter_s * (2 * self._pick() - 1))


def _read(settings: Path) -> Delay:
    content = json.loads(settings.read_text())
    return Delay(content["delay_ms"], content["jitter_ms"])


def _open_port(name: str) -> int:
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    # Without it, frames whose checksum the sender left to its card would arrive damaged.
    port.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    with contextlib.suppress(OSError):
        port.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, MOST_BYTES)
    port.bind((name, _ALL_PROTOCOLS))
    port.setblocking(False)
    return port.detach()


def _open_tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP | _NO_PACKET_INFO | _VNET_HDR))
    fcntl.ioctl(tap, _TUNSETOFFLOAD, _CHECKSUMS | _SEGMENTS_4 | _SEGMENTS_6)
    return tap


class Wire:
    def __init__(self, port: str, tap: str, settings: Path) -> None:
        self._name = port
        self._index = socket.if_nametoindex(port)
        self._settings = settings
        self._delay = _read(settings)
        self._queue = Queue()
        self._is_in_doubt = False
        # Who sees the tap may send signals, so it comes last, when all else is ready.
        signal.signal(signal.SIGHUP, lambda *_: self._read_again())
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._port = _open_port(port)
        self._tap = _open_tap(tap)
        self._other = {self._port: self._tap, self._tap: self._port}

    def _read_again(self) -> None:
        self._delay = _read(self._settings)

    def run(self) -> None:
        while self._has_port():
            arrival = self._queue.next_arrival
            wait_s = _LONGEST_WAIT_S if arrival is None else max(0.0, min(arrival - time.monotonic(), _LONGEST_WAIT_S))
            ready, _, _ = select.select([self._port, self._tap], [], [], wait_s)
            for source in ready:
                self._take(source)
            for target, frame in self._queue.due(time.monotonic()):
                # A device that is down or full loses frames.
                with contextlib.suppress(OSError):
                    os.write(target, frame)

    def _take(self, source: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                frame = os.read(source, _LONGEST_FRAME)
            except BlockingIOError:
                return
            except OSError:
                # The port is down, or gone.
                self._is_in_doubt = True
                return
            self._queue.put(frame, self._other[source], time.monotonic() + self._delay.seconds())

    def _has_port(self) -> bool:
        if not self._is_in_doubt:
            return True
        self._is_in_doubt = False
        try:
            # A host that was reset has another port of the same name.
            return socket.if_nametoindex(self._name) == self._index
        except OSError:
            return False


def main() -> None:
    port, tap, settings = sys.argv[1:]
    with contextlib.suppress(OSError):
        # Frames that wait for the processor would be later than they shall be.
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    Wire(port, tap, Path(settings)).run()


if __name__ == "__main__":
    main()
