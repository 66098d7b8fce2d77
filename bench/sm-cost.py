# SPDX-License-Identifier: Apache-2.0
"""What Service Management costs at rest: memory and processor of a controller with 40 services, and of 1000 forged messages a second.

It needs root, for the kernel's gate; everything is on loopback.
"""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import yaml

from bench.platform import Progress

ROOT = pathlib.Path(__file__).parents[1]
SERVICES = 40
REST_S = 20.0
FLOOD_S = 10.0
FORGED_PER_S = 1000
PORT = 22222
_HERTZ = os.sysconf("SC_CLK_TCK")
_RUN = "import sys; from {module} import {name}; sys.argv[1:] = {words!r}; sys.exit({name}())"


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    with tempfile.TemporaryDirectory(prefix="stx-sm-cost-") as place, _controller(pathlib.Path(place)) as pids:
        say(f"{SERVICES} services are in service")
        rest = _processor_percent(pids, REST_S)
        say("1000 forged messages a second are sent")
        with _flood():
            flooded = _processor_percent(pids, FLOOD_S)
        return {
            "services": SERVICES,
            "memory_mib": round(sum(_memory_kib(pid) for pid in pids) / 1024, 1),
            "rest_processor_percent": round(rest, 2),
            "forged_processor_percent": round(flooded - rest, 2),
            "load_before": os.getloadavg()[0],
        }


@contextlib.contextmanager
def _controller(place: pathlib.Path) -> Iterator[list[int]]:
    """The processes of a controller whose services are all in service."""
    program = place / "service"
    program.write_text(
        f"#!/bin/sh\nf={place}/$1\ncase $2 in start) touch $f;; stop) rm -f $f;; monitor) [ -e $f ] || exit 7; exit 8;; esac\n"
    )
    program.chmod(0o755)
    services = {f"service-{number}": {"command": f"{program} {number}"} for number in range(SERVICES)}
    content = {
        "node": "controller-0",
        "cluster": "cost",
        "interfaces": {"lo": {"device": "lo", "address": "127.0.0.1", "port": PORT, "key": "k" * 32}},
        "services": services,
        "groups": {"all": {"services": dict.fromkeys(services, "major")}},
    }
    # The shipped set would be there too: it has the meaning of exit codes.
    shipped = yaml.safe_load((ROOT / "sm/sm/services.yaml").read_text())
    (place / "sm.yaml").write_text(yaml.safe_dump({**content, "results": shipped["results"]}))
    (place / "sm.conf").write_text(
        f"[DEFAULT]\nstate_path={place}/state\n[sm]\nstate_path={place}/sm\nrun_path={place}/run\nreboot_command=\n"
    )
    state = ["--state-path", f"{place}/sm"]
    _call("sm.cmd.configure", "main", *state, "load", "--without-shipped", f"{place}/sm.yaml")
    _call("sm.cmd.configure", "main", *state, "first")
    argv = [
        sys.executable,
        "-c",
        _RUN.format(module="sm.cmd.main", name="controller", words=["--config-file", f"{place}/sm.conf"]),
    ]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while sum(1 for number in range(SERVICES) if (place / str(number)).exists()) < SERVICES:
                if time.monotonic() > deadline:
                    raise SystemExit("The services did not start.")
                time.sleep(0.1)
            time.sleep(2)
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield [process.pid, *(int(pid) for pid in children)]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _call(module: str, name: str, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-c", _RUN.format(module=module, name=name, words=list(words))], check=True, capture_output=True
    )


@contextlib.contextmanager
def _flood() -> Iterator[None]:
    """Half of the datagrams are noise, half look right and are signed with another key."""
    pid = os.fork()
    if pid == 0:
        chance = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            due = time.monotonic()
            while True:
                mark = b"SM\x01\x01" if chance.random() < 0.5 else b""
                made.sendto(mark + chance.randbytes(200), ("127.0.0.1", PORT))
                due += 1 / FORGED_PER_S
                time.sleep(max(0.0, due - time.monotonic()))
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _processor_percent(pids: list[int], seconds: float) -> float:
    """Of one core, with that of all that they have started and that has ended."""
    before, begun = sum(map(_ticks, pids)), time.monotonic()
    time.sleep(seconds)
    return 100 * (sum(map(_ticks, pids)) - before) / _HERTZ / (time.monotonic() - begun)


def _ticks(pid: int) -> int:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])


def _memory_kib(pid: int) -> int:
    """What is its own, and its part of what it shares."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
