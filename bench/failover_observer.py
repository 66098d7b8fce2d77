# SPDX-License-Identifier: Apache-2.0
"""Looks at a failover from outside the controllers: `python -m bench.failover_observer holder|writer`, where the network is.

`holder` asks everybody on the network who has the floating address. Each question comes from a hardware address of its own, so that
answers of two hosts to the same one are two holders at one moment, whatever anybody remembers of earlier answers.

`writer` is a client of the database behind the floating address: one connection, a row at a time, each committed by itself. It gives
up early, because its host goes on sending to the one that failed, and only a new connection finds out who has the address now: a
server that cannot be reached is called again every 20 ms.

Both do so every 5 ms. They are told what to do in a line of JSON on standard input, print a line whenever another one answers, and
when their input ends, all that they saw.
"""

import contextlib
import io
import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg2
import psycopg2.extensions

from stx.realtime import prefer
from stxlab.network import bridge
from stxlab.observer import packet

PERIOD_S = 0.005
CALL_S = 0.02
CONNECT_S = 0.3
STATEMENT_S = 0.1
# Making the table, and reading it in the end.
PATIENCE_S = 30.0
_ARP, _REPLY = 0x0806, 2
_EVERYBODY = b"\xff" * 6
_ASKERS = 256
_ASKER = bytes.fromhex("024cabfb00")
_FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_PACKET_IGNORE_OUTGOING, _SOL_PACKET = 23, 263
_INSERT = "INSERT INTO failover VALUES (%s) RETURNING pg_postmaster_start_time()::text"
_MAKE = "DROP TABLE IF EXISTS failover; CREATE TABLE failover (number bigint PRIMARY KEY)"


class SilentError(Exception):
    """The server did not answer in time."""


def _is_over() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _tell(**content: Any) -> None:
    print(json.dumps(content), flush=True)


def answer(frame: bytes, address: bytes) -> tuple[int, str] | None:
    """To which question a frame is the answer, and whose it is; None for all others."""
    if len(frame) < _FRAME.size:
        return None
    _, _, protocol, _, _, _, _, kind, mac, sender, asker, _ = _FRAME.unpack_from(frame)
    if (protocol, kind, sender, asker[:5]) != (_ARP, _REPLY, address, _ASKER):
        return None
    return asker[5], mac.hex(":")


def watch_holder(address: str, network: str) -> None:
    """Ask who has the address until the standard input ends."""
    name, packed = bridge(network), socket.inet_aton(address)
    # Answers go to addresses that are the bridge's own: to others, they would go to all ports.
    commands = [f"fdb replace {(_ASKER + bytes([number])).hex(':')} dev {name} self local" for number in range(_ASKERS)]
    subprocess.run(["bridge", "-batch", "-"], input="\n".join(commands), text=True, check=True, capture_output=True)
    samples: list[tuple[float, list[tuple[str, float]]]] = []
    holder = ""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as port:
        port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        port.bind((name, _ARP))
        port.setblocking(False)
        due = time.monotonic()
        while not _is_over():
            asker = _ASKER + bytes([len(samples) % _ASKERS])
            samples.append((time.monotonic(), []))
            port.send(packet(_EVERYBODY, asker, asker, address))
            due = max(due + PERIOD_S, time.monotonic())
            while (left := due - time.monotonic()) > 0:
                if not select.select([port], [], [], left)[0]:
                    break
                told, at = answer(port.recv(2048), packed), time.monotonic()
                if told is None:
                    continue
                number, mac = told
                # The latest question of that number; one of an observer before this one is nobody's.
                back = (len(samples) - 1 - number) % _ASKERS
                if back < len(samples):
                    samples[-1 - back][1].append((mac, at))
                if mac != holder:
                    holder = mac
                    _tell(changed=mac, at=at)
    _tell(samples=samples)


class Writer:
    """:param login: how the database is reached, in the words of libpq, without its address"""

    def __init__(self, address: str, login: str) -> None:
        self._address = address
        self._login = login
        self._connection: Any = None
        self._rows: list[tuple[int, float, float, str]] = []

    def run(self) -> None:
        """Write rows until the standard input ends."""
        self._patiently(lambda: self._execute(_MAKE, PATIENCE_S))
        number, server = 0, ""
        due = time.monotonic()
        while not _is_over():
            number, begun = number + 1, time.monotonic()
            with contextlib.suppress(SilentError, OSError, psycopg2.Error):
                ((told,),) = self._execute(_INSERT, STATEMENT_S, number)
                self._rows.append((number, begun, time.monotonic(), told))
                if told != server:
                    server = told
                    _tell(changed=server, at=time.monotonic())
            due = max(due + PERIOD_S, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
        present = self._patiently(lambda: self._execute("SELECT number FROM failover", PATIENCE_S))
        _tell(rows=self._rows, present=[number for (number,) in present])

    def _patiently(self, action: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return action()
            except (SilentError, OSError, psycopg2.Error):
                if time.monotonic() > deadline:
                    raise
                time.sleep(PERIOD_S)

    def _execute(self, statement: str, within_s: float, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives. The connection stays only while it works, or when the server has refused in good order."""
        connection = self._connection or self._connect()
        self._connection = None
        try:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            _await(connection, within_s)
        except psycopg2.Error as error:
            if isinstance(error, psycopg2.errors.ReadOnlySqlTransaction):
                self._connection = connection
            else:
                connection.close()
            raise
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return list(cursor.fetchall()) if cursor.description else []

    def _connect(self) -> Any:
        # The library's own wait for an answer is seconds.
        socket.create_connection((self._address, 5432), CALL_S).close()
        connection = psycopg2.connect(f"host={self._address} {self._login}", async_=True)
        try:
            _await(connection, CONNECT_S)
        except BaseException:
            connection.close()
            raise
        return connection


def _await(connection: Any, within_s: float) -> None:
    """:raises SilentError: when the connection is not ready in time"""
    deadline = time.monotonic() + within_s
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        left = deadline - time.monotonic()
        if left <= 0:
            raise SilentError
        readers, writers = ([connection], []) if state == psycopg2.extensions.POLL_READ else ([], [connection])
        select.select(readers, writers, [], left)


def main() -> None:
    # Not more than the line: whether there is more is asked later.
    task = json.loads(io.FileIO(sys.stdin.fileno(), closefd=False).readline())
    # What is measured is how late others are.
    prefer()
    if sys.argv[1] == "holder":
        watch_holder(task["address"], task["network"])
    else:
        Writer(task["address"], task["login"]).run()


if __name__ == "__main__":
    main()
