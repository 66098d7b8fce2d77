# SPDX-License-Identifier: Apache-2.0
"""Whether the ports that are wanted are free, and if not, who has them."""

import errno
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from stx import exception
from stxembedded.config import Layout

_LOOPBACK = "127.0.0.1"
# The kernel's tables of sockets, and the state in them of one that takes what comes.
_TABLES = {
    socket.SOCK_STREAM: ("tcp", "tcp6", "0A"),
    socket.SOCK_DGRAM: ("udp", "udp6", "07"),
}


def check(layout: Layout) -> None:
    """Make sure that each service can listen, and that the processes can answer their monitors at the UDP ports of the same numbers.

    :raises exception.Conflict: naming every port in use, who wants it, who holds it, and how to choose another
    """
    wanted = [(service, layout.address, socket.SOCK_STREAM) for service in layout.ports]
    wanted += [(service, _LOOPBACK, socket.SOCK_DGRAM) for service in layout.ports]
    problems = [problem for what in wanted if (problem := _problem(layout.ports[what[0]], *what))]
    if problems:
        # That of an address is the same for all.
        raise exception.Conflict("\n".join(dict.fromkeys(problems)))


def _problem(port: int, service: str, address: str, kind: socket.SocketKind) -> str:
    try:
        _listen(address, port, kind)
    except OSError as error:
        name = f"Port {port}{' (UDP)' if kind == socket.SOCK_DGRAM else ''}, which {service} needs,"
        options = f"choose another port with --{service}-port, or move all of them with --port-base"
        if error.errno == errno.EADDRINUSE:
            return f"{name} is in use by {holder(port, kind)}. Stop that, or {options}."
        if error.errno == errno.EACCES:
            return f"{name} is for root only. Please {options}."
        return f"Nothing can listen on {address}: {error.strerror}. Choose another --address."
    return ""


def _listen(address: str, port: int, wanted: socket.SocketKind) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=wanted, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind, protocol) as listener:
        if kind == socket.SOCK_STREAM:
            # As the servers do it: connections of an earlier run that linger are no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        if kind == socket.SOCK_STREAM:
            listener.listen(1)


def holder(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> str:
    """The process that has a port, in words; processes of other users are not visible to all."""
    *tables, state = _TABLES[kind]
    inodes = {f"socket:[{inode}]" for table in tables for inode in _bound(Path("/proc/net", table), port, state)}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _has_open(entry / "fd", inodes):
            try:
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
            except OSError:
                return f"pid {entry.name}"
    return "a process of another user"


def _bound(table: Path, port: int, state: str) -> Iterable[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]


def _has_open(directory: Path, inodes: set[str]) -> bool:
    try:
        return any(os.readlink(entry) in inodes for entry in directory.iterdir())
    except OSError:
        return False
