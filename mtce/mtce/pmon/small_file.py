# SPDX-License-Identifier: Apache-2.0
"""Reads files that others write, without waiting and without surprises in size."""

import errno
import os
import stat
from pathlib import Path


def read(path: str | Path, limit: int) -> tuple[bytes, float]:
    """At most `limit` bytes of a regular file, and when it was modified, in seconds since 1970.

    :raises OSError: also when it is no regular file: opening a pipe must not make the monitor wait
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.read(descriptor, limit), status.st_mtime
    finally:
        os.close(descriptor)
