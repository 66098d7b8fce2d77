# SPDX-License-Identifier: Apache-2.0
"""What a product has to offer so that its failover can be measured, and the measuring of one fault."""

import abc
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import failover
from stxlab import enter, power, topology
from stxlab.errors import LabError
from stxlab.lab import Lab
from stxlab.machine import Machine

ROOT = Path(__file__).parents[1]
FAILOVER_DEADLINE_S = 60.0
READY_DEADLINE_S = 180.0
# How long all is well before a fault, seen by the observers.
LEAD_S = 1.0
END_DEADLINE_S = 60.0
_POLL_S = 0.2


class FailoverError(Exception):
    """It could not be measured."""


class Product(abc.ABC):
    """Keeps an address and the database behind it available on the two controllers of a lab.

    :cvar name: of its figures
    :ivar lab: its lab; it is there from `bring_up` on
    :ivar login: how the database is reached, in the words of libpq, without its address; it may make a table
    """

    name: str
    lab: Lab
    login: str
    network = "mgmt"
    address = topology.floating_address("mgmt")

    @abc.abstractmethod
    def bring_up(self) -> None:
        """Have a lab with the product at work on it."""

    @abc.abstractmethod
    def take_down(self) -> None:
        """Leave nothing of it, whatever state it is in."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether each of the two controllers could lose its power now, and nothing be lost."""

    @abc.abstractmethod
    def bring_back(self, machine: Machine) -> None:
        """Do what an operator does with a controller that failed and has booted again, if there is anything to do."""

    def controllers(self) -> list[Machine]:
        return [machine for machine in self.lab.machines() if machine.host.personality == topology.CONTROLLER]

    def client(self) -> int:
        """A process on the host that uses the database."""
        leader = self.lab.machines()[-1].leader
        if leader is None:
            raise FailoverError("The host that uses the database is off.")
        return leader.pid

    def active(self) -> Machine:
        """The controller that has the address.

        :raises FailoverError: when it is not exactly one
        """
        command = ["ip", "-4", "-oneline", "address", "show", "to", self.address]
        found = [machine for machine in self.controllers() if machine.is_on and machine.run(command).strip()]
        if len(found) != 1:
            raise FailoverError(f"{self.address} is on {len(found)} controllers.")
        return found[0]

    def await_ready(self) -> None:
        wait_for(f"{self.name} is ready", self.is_ready, READY_DEADLINE_S)


def wait_for(what: str, is_done: Callable[[], bool], deadline_s: float) -> None:
    """Wait until something holds; a host that cannot tell yet is asked again.

    :raises FailoverError: when it does not come to be
    """
    deadline = time.monotonic() + deadline_s
    last = ""
    while True:
        try:
            if is_done():
                return
        except (LabError, FailoverError) as error:
            last = f" ({error})"
        if time.monotonic() > deadline:
            raise FailoverError(f"{what}: not within {deadline_s:g} s{last}.")
        time.sleep(_POLL_S)


class Observer:
    """One of the processes of failover_observer."""

    def __init__(self, what: str, pid: int, **task: Any) -> None:
        """:param pid: a process in whose network it is"""
        environment = power.environment()
        environment["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
        argv = [*enter.into(pid, "net"), sys.executable, "-P", "-m", "bench.failover_observer", what]
        self._what = what
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self._told: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(task)}\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(json.loads(line))
        self._told.put(None)

    def await_change(self, deadline_s: float) -> bool:
        """Wait until another one answers; false when none does."""
        try:
            told = self._told.get(timeout=deadline_s)
        except queue.Empty:
            return False
        if told is None:
            raise FailoverError(f"The {self._what} of the observation ended early.")
        return True

    def finish(self) -> dict[str, Any]:
        """All that it saw."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        deadline = time.monotonic() + END_DEADLINE_S
        try:
            while (told := self._told.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
                if "changed" not in told:
                    return told
        except queue.Empty:
            pass
        raise FailoverError(f"The {self._what} of the observation did not tell what it saw.")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def observers(product: Product) -> Iterator[tuple[Observer, Observer]]:
    switch = product.lab.switch.pid
    if switch is None:
        raise FailoverError("The lab's networks are not there.")
    with contextlib.ExitStack() as stack:
        holder = Observer("holder", switch, address=product.address, network=product.network)
        stack.callback(holder.end)
        writer = Observer("writer", product.client(), address=product.address, login=product.login)
        stack.callback(writer.end)
        yield holder, writer


def measure(product: Product) -> failover.Outcome:
    """Cut the power of the active controller, see what happens, and have it back as the standby."""
    product.await_ready()
    failed = product.active()
    with observers(product) as (holder, writer):
        for observer in (holder, writer):
            if not observer.await_change(FAILOVER_DEADLINE_S):
                raise FailoverError(f"{product.name}: nobody answers before the fault.")
        time.sleep(LEAD_S)
        fault = time.monotonic()
        failed.power_off()
        for observer in (writer, holder):
            observer.await_change(max(0.0, fault + FAILOVER_DEADLINE_S - time.monotonic()))
        # It may fight for the address when it is back.
        failed.power_on(product.lab.layout.layers())
        product.lab.await_running(failed)
        product.bring_back(failed)
        product.await_ready()
        samples, written = holder.finish()["samples"], writer.finish()
    return failover.evaluate(
        [failover.Sample(sent, tuple((mac, at) for mac, at in answers)) for sent, answers in samples],
        [failover.Row(*row) for row in written["rows"]],
        written["present"],
        fault,
        failed.host.mac(product.network),
    )
