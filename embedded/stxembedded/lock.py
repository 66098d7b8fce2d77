# SPDX-License-Identifier: Apache-2.0
"""One command at a time changes what runs in a data directory."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from stx import exception


@contextlib.contextmanager
def exclusive(path: Path, command: str) -> Iterator[None]:
    """Hold the lock file for a while. It is free again when the process ends, however it ends.

    :raises exception.Conflict: naming the command and the process that hold it
    :raises exception.ConfigurationError: when there can be no such file
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise exception.ConfigurationError(f"{path} cannot be made: {error.strerror}. Choose another --data-dir.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(descriptor, 100).decode().strip() or "it has just begun"
            raise exception.Conflict(
                f"Another command is at work in {path.parent.parent}: {other}. "
                "Wait until it has ended, or give another --data-dir."
            ) from None
        _note(descriptor, f"stx {command} (pid {os.getpid()})\n")
        yield
        _note(descriptor, "")
    finally:
        os.close(descriptor)


def _note(descriptor: int, text: str) -> None:
    # On a full disk the lock is held all the same: what runs there must be stoppable.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
