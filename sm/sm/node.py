# SPDX-License-Identifier: Apache-2.0
"""What a host is told of itself: its name, its cluster, the networks over which it speaks, and their keys."""

import pathlib

from sm.db import Database
from sm.parameters import read_parameters
from stx.boards import Kind, Login
from stx.datagrams import Keys
from stx.paths import Path

BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


class NotConfiguredError(Exception):
    """The database lacks something; the message says what to call."""


def boot_id() -> str:
    return BOOT_ID.read_text().strip()


def open_master(state_path: pathlib.Path, is_read_only: bool = False) -> Database:
    """The configured database.

    :raises NotConfiguredError: when there is none
    :raises DatabaseError: when it cannot be used
    """
    path = state_path / "sm.db"
    if not path.exists():
        raise NotConfiguredError(f"{path} is not there. Make it: sm-configure load FILE")
    return Database(path, is_read_only=is_read_only)


def network(database: Database) -> tuple[list[Path], dict[str, Keys]]:
    """The networks, and their keys by name."""
    found, keys = [], {}
    for row in database.rows("SERVICE_DOMAIN_INTERFACES", provisioned="yes"):
        own = row["auth_key"].encode() if row["auth_key"] else None
        old = [key.encode() for key in (row["old_auth_keys"] or "").split(",") if key]
        name = row["interface_name"]
        keys[name] = Keys(own, tuple(filter(None, [own, *old])))
        peers = read_parameters(row["network_peer_address"] or "")
        group = row["network_multicast"] or ""
        found.append(Path(name, row["network_address"], row["network_port"], peers, keys[name], name, group))
    return found, keys


def named(database: Database) -> tuple[str, str]:
    """This host's name, and that of its cluster.

    :raises NotConfiguredError: when they are not there
    """
    node, cluster = database.value("node"), database.value("cluster")
    if not (node and cluster):
        raise NotConfiguredError(f"{database.path} does not name this host and its cluster. Load them: sm-configure load FILE")
    return node, cluster


def board(database: Database, host: str) -> Login:
    """How the board of a controller is reached.

    :raises NotConfiguredError: when nobody has said, or its password cannot be read
    """
    rows = database.rows("BOARDS", name=host)
    if not rows:
        raise NotConfiguredError(f"{database.path} names no board of {host}. Load a file that does: sm-configure load FILE")
    row = rows[0]
    path = pathlib.Path(row["password_file"])
    try:
        if path.stat().st_mode & 0o077:
            raise NotConfiguredError(f"{path} can be read by others than its owner. Change that: chmod 600 {path}")
        password = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfiguredError(f"The password of {host}'s board cannot be read: {error}.") from error
    return Login(Kind(row["type"]), row["address"], row["username"], password, row["system"], row["verify"])
