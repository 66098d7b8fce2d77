# SPDX-License-Identifier: Apache-2.0
"""What a voter keeps on disk, and the count of its process's starts."""

import os
import pathlib
from typing import TypeVar

import msgspec

from sm import lease

T = TypeVar("T")


class Keeper:
    """Files in one directory, which nobody else writes.

    What is written is on the disk when `keep` returns, whatever happens to the machine then.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._kept = self._read("lease.json", lease.Kept) or lease.Kept()

    @property
    def kept(self) -> lease.Kept:
        return self._kept

    def keep(self, kept: lease.Kept) -> None:
        """:raises OSError: when it cannot be stored: then nothing may be answered that follows from it"""
        if kept != self._kept:
            self._write("lease.json", kept)
            self._kept = kept

    def next_start(self, wall_clock_s: float) -> int:
        """A number greater than at every earlier start.

        :param wall_clock_s: seconds since 1970: where the disk was lost, what others have heard before was almost surely less
        """
        start = max(self._read("start.json", int) or 0, int(wall_clock_s)) + 1
        self._write("start.json", start)
        return start

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode((self._directory / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: object) -> None:
        new = self._directory / f".{name}.new"
        descriptor = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._directory / name)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
