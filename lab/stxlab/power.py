# SPDX-License-Identifier: Apache-2.0
"""Changes the power of hosts, for commands and for boards.

Boards and Redfish leave orders with a service, `python -m stxlab.power LAB`, and go on, as a real board answers before the power
has changed. It takes orders from a pipe, a line each, and carries them out in a process of its own for each, those of one host one
after another. That is quick, as nothing has to be loaded, and a host is nobody's child.
"""

import collections
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import stx
import stxembedded
import stxlab
from stxembedded import process
from stxlab.errors import LabError
from stxlab.layout import Layout
from stxlab.machine import AlreadyError, Machine, PowerError
from stxlab.network import Switch
from stxlab.topology import Host

_READ_BYTES = 65536


def _restart(machine: Machine, layers: Sequence[Path]) -> None:
    machine.shut_down()
    machine.power_on(layers)


VERBS: Mapping[str, Callable[[Machine, Sequence[Path]], None]] = {
    "on": lambda machine, layers: machine.power_on(layers),
    "off": lambda machine, _: machine.power_off(),
    "reset": lambda machine, layers: machine.reset(layers),
    "shutdown": lambda machine, _: machine.shut_down(),
    "restart": _restart,
}
# These wait for the host; meanwhile its power can be cut.
_PATIENT = ("shutdown", "restart")


def change(layout: Layout, machine: Machine, verb: str) -> None:
    """Change the power of a host, and return when it has changed.

    :raises AlreadyError: when it is in that state
    :raises PowerError: when it does not get there
    """
    VERBS[verb](machine, layout.layers())


def order(layout: Layout, host: Host, verb: str) -> None:
    """Leave an order with the service.

    :raises PowerError: when the service does not run
    """
    if process.read_pid_file(layout.power_pid) is None:
        raise PowerError("The power service of the lab does not run. Start it: stx lab up")
    # Opened for reading too, it never waits for a reader.
    with os.fdopen(os.open(layout.power_orders, os.O_RDWR), "w") as orders:
        orders.write(f"{host.name} {verb}\n")


def environment() -> dict[str, str]:
    """In which Python finds the lab's modules, installed or not."""
    places = dict.fromkeys(str(Path(str(module.__file__)).parents[1]) for module in (stxlab, stxembedded, stx))
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(places)}


def argv(layout: Layout) -> list[str]:
    """The command line of the service."""
    return [sys.executable, "-P", "-m", "stxlab.power", str(layout.directory)]


class Orders:
    """What is to be done, and in which order."""

    def __init__(self) -> None:
        self._waiting: dict[str, collections.deque[str]] = {}
        self._busy: set[str] = set()

    def add(self, host: str, verb: str) -> None:
        self._waiting.setdefault(host, collections.deque()).append(verb)

    def take(self) -> Iterator[tuple[str, str, bool]]:
        """Those that can begin now: host, verb, and whether the next order of the host waits until it is done."""
        for host, verbs in self._waiting.items():
            while verbs and host not in self._busy:
                verb = verbs.popleft()
                is_exclusive = verb not in _PATIENT
                if is_exclusive:
                    self._busy.add(host)
                yield host, verb, is_exclusive

    def done(self, host: str) -> None:
        self._busy.discard(host)


class Service:
    """Carries orders out."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._orders = Orders()
        # Of each process at work, by the descriptor that tells its end: the host that waits for it.
        self._working: dict[int, str | None] = {}
        self._rest = b""

    def run(self) -> None:
        # Also for writing, so that it is not at its end when no writer is there.
        pipe = os.open(self._layout.power_orders, os.O_RDWR)
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == pipe:
                    self._hear(os.read(pipe, _READ_BYTES))
                    continue
                poll.unregister(descriptor)
                os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
                os.close(descriptor)
                if (host := self._working.pop(descriptor)) is not None:
                    self._orders.done(host)
            for host, verb, is_exclusive in self._orders.take():
                worker = os.pidfd_open(self._fork(host, verb))
                self._working[worker] = host if is_exclusive else None
                poll.register(worker, select.POLLIN)

    def _hear(self, heard: bytes) -> None:
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            host, _, verb = line.decode(errors="replace").partition(" ")
            if verb in VERBS:
                self._orders.add(host, verb)
            else:
                print(f"There is no order {line!r}.", file=sys.stderr)

    def _fork(self, host: str, verb: str) -> int:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = self._carry_out(host, verb)
            finally:
                sys.stderr.flush()
                os._exit(code)
        return pid

    def _carry_out(self, name: str, verb: str) -> int:
        layout = self._layout
        try:
            change(layout, Machine(layout, layout.load().host(name), Switch(layout)), verb)
        except AlreadyError:
            return 0
        except (LabError, OSError) as error:
            print(f"{name}, {verb}: {error}", file=sys.stderr)
            return 1
        return 0


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Service(Layout(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
