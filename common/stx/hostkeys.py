# SPDX-License-Identifier: Apache-2.0
"""Keys by which hosts know each other: each has its own, and controllers derive all of them from one master key.

Whoever takes over a host has that host's key, and can speak for that host alone.
"""

import functools
import hmac
import pathlib
from collections.abc import Callable

# What is said for all controllers is signed with a key of this name, of which no host can be.
CONTROLLERS = "controllers"
_HOST = "host:"
# More than hosts that there can be; whoever makes up names makes others be derived again, which costs microseconds.
_MOST_DERIVED = 8192


def of_host(hostname: str) -> str:
    """The name of a host's own key."""
    return _HOST + hostname


def host_of(name: str) -> str | None:
    """Whose own key has this name; None when it is no host's."""
    return name.removeprefix(_HOST) if name.startswith(_HOST) else None


def derive(master: bytes, name: str) -> bytes:
    """The key of this name, as it is in a file: 64 hexadecimal digits."""
    return hmac.digest(master, name.encode(), "sha256").hex().encode()


def deriver(masters: tuple[bytes, ...]) -> Callable[[str], tuple[bytes, ...]]:
    """Gives the keys of a name, one for each master key; those of late are kept."""

    @functools.lru_cache(_MOST_DERIVED)
    def keys_of(name: str) -> tuple[bytes, ...]:
        return tuple(derive(master, name) for master in masters)

    return keys_of


def read(path: pathlib.Path) -> tuple[bytes, ...]:
    """The keys in a file, one a line. The first one signs, all are taken, so that keys can be changed on one host after the other.

    :raises ValueError: when they cannot be used; the message says what to change
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ValueError(f"{path} can be read by others than its owner. Change that: chmod 600 {path}")
        found = [line.strip().encode() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"The keys in {path} cannot be read: {error}.") from error
    if not found or not all(32 <= len(key) <= 64 for key in found):
        raise ValueError(f"{path}: give a key of 32 to 64 bytes on each line.")
    return tuple(found)
