# SPDX-License-Identifier: Apache-2.0
"""Where a lab keeps which faults are in force, so that they outlive commands and the power of hosts."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator

import msgspec

from stxlab.faultbook import Book
from stxlab.layout import Layout


def read(layout: Layout) -> Book:
    """A damaged file counts as none: what it said is in force is still so, but `heal` finds it."""
    try:
        return msgspec.json.decode(layout.faults.read_bytes(), type=Book)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Book()


@contextlib.contextmanager
def changing(layout: Layout) -> Iterator[Callable[[Book], None]]:
    """Change the book; nobody else does meanwhile. Gives what writes it."""
    with layout.faults_lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda book: _write(layout, book)


def _write(layout: Layout, book: Book) -> None:
    new = layout.faults.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(book), indent=1))
    new.replace(layout.faults)
