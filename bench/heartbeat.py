# SPDX-License-Identifier: Apache-2.0
"""What watching hosts by heartbeat costs, up to 2000 of them at ten pulses a second, and whether a verdict comes late on a busy machine.

Datagrams on loopback, signed with a key for each host, one pulse for all. The hosts are simulated, in one process. It needs root, for
priorities.
"""

import contextlib
import json as json_module
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from bench.platform import Progress
from mtce.cmd import heartbeat
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level

ROOT = pathlib.Path(__file__).parents[1]
COUNTS = (100, 500, 1000, 2000)
BUSY = 4
BUSY_HOSTS = 1000
SETTLE_S = 3.0
MEASURE_S = 10.0
DEADLINE_S = 30.0
OWN, OTHERS, GROUP, PORT = "127.0.0.21", "127.0.0.22", "239.1.1.2", 21060
KEY, MASTER = "k" * 32, "m" * 32
_HERTZ = os.sysconf("SC_CLK_TCK")
_RUN = "import sys; from mtce.cmd.heartbeat import main; sys.exit(main())"


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    for count in COUNTS:
        with _watched(count) as (agent, process, _):
            before = _ticks(process.pid)
            figures[f"false_verdicts_{count}_hosts"] = _false(_heard(agent, MEASURE_S))
            figures[f"cpu_percent_{count}_hosts"] = _percent(process.pid, before)
        say(f"{count} hosts: {figures[f'cpu_percent_{count}_hosts']} % of a core")
    say(f"{BUSY} processes compete, and one host falls silent")
    with _busy(BUSY), _watched(BUSY_HOSTS) as (agent, process, hosts):
        before = _ticks(process.pid)
        figures["busy_false_verdicts"] = _false(_heard(agent, MEASURE_S))
        figures["busy_cpu_percent"] = _percent(process.pid, before)
        hosts.send_signal(signal.SIGUSR1)
        assert hosts.stdout is not None
        silent_at = float(hosts.stdout.readline())
        figures["busy_loss_told_s"] = round(_lost_at(agent) - silent_at, 3)
    return figures


@contextlib.contextmanager
def _watched(count: int) -> Iterator[tuple[socket.socket, subprocess.Popen[str], subprocess.Popen[str]]]:
    """mtce-agent's end of the heartbeat's process, that process, and the one with the hosts, all of which answer."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryDirectory(prefix="stx-heartbeat-") as name, contextlib.ExitStack() as stack:
        place = pathlib.Path(name)
        key_files, settings = {"key_file": KEY, "master_key_file": MASTER}, place / "heartbeat.yaml"
        for file, key in key_files.items():
            (place / file).write_text(key)
            (place / file).chmod(0o600)
        network = {"device": "lo", "address": OWN, "group": GROUP, "port": PORT}
        files = {file: str(place / file) for file in key_files}
        about = {"node": "controller-0", "cluster": "ours", "networks": {"mgmt": network}, **files}
        settings.write_text(json_module.dumps(about))
        hosts = stack.enter_context(
            _process(["-m", "bench.heartbeat_hosts", OTHERS, str(PORT), GROUP, KEY, MASTER, str(count)], environment)
        )
        assert hosts.stdout is not None
        hosts.stdout.readline()
        words = [f"--settings={settings}", f"--run-path={place}"]
        process = stack.enter_context(_process(["-c", _RUN, *words], environment))
        agent = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        _connect(agent, place / heartbeat.SOCKET)
        order = wire.Order({"mgmt": {f"host-{number}": OTHERS for number in range(count)}})
        agent.send(msgspec.msgpack.encode(order))
        _heard(agent, SETTLE_S)
        yield agent, process, hosts


@contextlib.contextmanager
def _process(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    made = subprocess.Popen([sys.executable, *words], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield made
    finally:
        made.terminate()
        made.wait(DEADLINE_S)


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(_process(["-c", "while True: pass"], dict(os.environ)))
        yield


def _connect(agent: socket.socket, path: pathlib.Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            agent.connect(str(path))
            return
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def _heard(agent: socket.socket, for_s: float) -> list[wire.Facts]:
    """What is told in this time, and what waits."""
    found, decoder, deadline = [], msgspec.msgpack.Decoder(wire.Facts), time.monotonic() + for_s
    while select.select([agent], [], [], max(0.0, deadline - time.monotonic()))[0]:
        found.append(decoder.decode(agent.recv(4 << 20)))
    return found


def _false(facts: list[wire.Facts]) -> int:
    """How many of them name a host that does not answer."""
    return sum(bool(each.networks["mgmt"].ailing) for each in facts if each.networks)


def _lost_at(agent: socket.socket) -> float:
    """When it is told that a host is lost, by the monotonic clock."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for facts in _heard(agent, 0.01):
            if any(level == Level.LOST for level, _ in facts.networks["mgmt"].ailing.values()):
                return time.monotonic()
    raise SystemExit("No loss was told.")


def _percent(pid: int, before: int) -> float:
    """How much of a core a process has used since it had used so many ticks, which is as long as is measured."""
    return round(100 * (_ticks(pid) - before) / _HERTZ / MEASURE_S, 1)


def _ticks(pid: int) -> int:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
