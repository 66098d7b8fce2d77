# SPDX-License-Identifier: Apache-2.0
"""Whether the ports that are wanted are free, and if not, who has them."""

import errno
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from stx import exception
from stxembedded.config import Layout

_LISTENING = "0A"


def check(layout: Layout, services: Iterable[str]) -> None:
    """Make sure that each of these services can listen.

    :raises exception.Conflict: naming every port in use, who wants it, who holds it, and how to choose another
    """
    problems = [problem for service in services if (problem := _problem(layout, service))]
    if problems:
        raise exception.Conflict("\n".join(problems))


def _problem(layout: Layout, service: str) -> str:
    port = layout.ports[service]
    try:
        _listen(layout.address, port)
    except OSError as error:
        options = f"choose another port with --{service}-port, or move all of them with --port-base"
        if error.errno == errno.EADDRINUSE:
            return f"Port {port}, which {service} needs, is in use by {holder(port)}. Stop that, or {options}."
        if error.errno == errno.EACCES:
            return f"Port {port}, which {service} needs, is for root only. Please {options}."
        return (
            f"{service} cannot listen on {layout.address} port {port}: {error.strerror}. Choose another --address, or {options}."
        )
    return ""


def _listen(address: str, port: int) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind, protocol) as listener:
        # As the servers do it: connections of an earlier run that linger are no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(1)


def holder(port: int) -> str:
    """The process that listens on a TCP port, in words; processes of other users are not visible to all."""
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(Path("/proc/net", table), port)}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _has_open(entry / "fd", inodes):
            try:
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
            except OSError:
                return f"pid {entry.name}"
    return "a process of another user"


def _listening(table: Path, port: int) -> Iterable[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]


def _has_open(directory: Path, inodes: set[str]) -> bool:
    try:
        return any(os.readlink(entry) in inodes for entry in directory.iterdir())
    except OSError:
        return False
