# SPDX-License-Identifier: Apache-2.0
"""The kernel's watchdog: it resets the machine when nothing is heard of the process that has opened it."""

import contextlib
import fcntl
import logging
import os
import struct

LOG = logging.getLogger(__name__)

_WDIOC_SETTIMEOUT = 0xC0045706


class Device:
    """:param path: of the device; without one, or where there is none, nothing happens"""

    def __init__(self, path: str, timeout_s: int) -> None:
        self._file: int | None = None
        if not path:
            return
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            LOG.info("There is no %s: a watchdog that hangs itself is not noticed", path)
        except OSError as error:
            LOG.error("%s cannot be used: %s", path, error.strerror)
        else:
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._file, _WDIOC_SETTIMEOUT, struct.pack("i", timeout_s))

    def kick(self) -> None:
        """Keep the machine up for another time."""
        if self._file is not None:
            try:
                os.write(self._file, b"\0")
            except OSError as error:
                LOG.error("The kernel's watchdog was not kicked: %s", error.strerror)

    def disarm(self) -> None:
        """Let go of it; nothing happens then."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.write(self._file, b"V")
            os.close(self._file)
            self._file = None
