# SPDX-License-Identifier: Apache-2.0
"""What a voter keeps on disk, and the count of its process's starts.

Both are on one page, and there are two of these in a file, written in turn: one that a power cut tore leaves the other. Pages are written
in place, past the kernel's cache: what others have to write, which on a busy disk takes most of a second, is not written first, and a full
disk has room for it.
"""

import concurrent.futures
import errno
import fcntl
import mmap
import os
import pathlib
import time
import zlib

import msgspec

from sm import lease

FILE = "votes"
_PAGE_BYTES = 4096
_PAGES = 2
_CLAIM_PAUSE_S = 0.05
# For a process that was killed, and that a disk keeps.
CLAIM_S = 10.0


class DamagedError(OSError):
    """Neither page can be read; the message says what to do."""


class TakenError(OSError):
    """Another process writes there."""


class _Page(msgspec.Struct, frozen=True):
    """:ivar number: of two pages the one with the greater number is newer"""

    number: int = 0
    start: int = 0
    kept: lease.Kept = lease.Kept()


class Keeper:
    """A file in the state directory of Service Management.

    What is written is on the disk when `keep` returns, whatever happens to the machine then. Whoever writes claims it first: a process
    that was killed may still have a write under way that a disk holds up.

    :raises DamagedError: when there is a file that cannot be read
    """

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / FILE
        self._page = _read(self._path)
        self._claim: int | None = None

    @property
    def kept(self) -> lease.Kept:
        return self._page.kept

    def claim(self, deadline_s: float = 0.0) -> None:
        """Nobody else writes there until this process ends.

        :raises TakenError: when somebody else does still, at the deadline
        """
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    raise TakenError(errno.EBUSY, "Another process of Service Management is at work", str(self._path)) from None
                time.sleep(_CLAIM_PAUSE_S)
            else:
                break
        # What was read before, another one may have changed.
        self._claim, self._page = descriptor, _read(self._path)

    def close(self) -> None:
        """Let others write there."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def keep(self, kept: lease.Kept) -> None:
        """:raises OSError: when it cannot be stored: then nobody may be told so"""
        if kept != self._page.kept:
            self._write(_Page(self._page.number + 1, self._page.start, kept))

    def next_start(self, wall_clock_s: float) -> int:
        """A number greater than at every earlier start.

        :param wall_clock_s: seconds since 1970: where the disk was lost, what others have heard before was almost surely less
        """
        start = max(self._page.start, int(wall_clock_s)) + 1
        self._write(_Page(self._page.number + 1, start, self._page.kept))
        return start

    def _write(self, page: _Page) -> None:
        content = _encoded(page)
        if self._path.exists():
            _overwrite(self._path, content, page.number % _PAGES * _PAGE_BYTES)
        else:
            _make(self._path, content * _PAGES)
        self._page = page


class Background:
    """Has votes stored while something else goes on: whoever asks waits for no disk.

    The thread is made when it is first needed, and has the priority of whoever needs it.

    :ivar descriptor: can be read once what was begun has ended
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._worker = concurrent.futures.ThreadPoolExecutor(1, "keeper")
        self._at_work: concurrent.futures.Future[None] | None = None
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def begin(self, kept: lease.Kept) -> None:
        """Have it stored, unless it is, or something is being stored now."""
        if self._at_work is None and kept != self._keeper.kept:
            self._at_work = self._worker.submit(self._keeper.keep, kept)
            self._at_work.add_done_callback(lambda _: os.eventfd_write(self.descriptor, 1))

    def end(self) -> lease.Kept:
        """What is on the disk now; to be called when the descriptor can be read.

        :raises OSError: when it could not be stored
        """
        os.eventfd_read(self.descriptor)
        if self._at_work is not None:
            ended, self._at_work = self._at_work, None
            ended.result()
        return self._keeper.kept

    def close(self) -> None:
        """What is under way may still come to the disk."""
        self._worker.shutdown(wait=False)
        if self._at_work is None:
            os.close(self.descriptor)


def _read(path: pathlib.Path) -> _Page:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return _Page()
    try:
        pages = [_read_page(descriptor, at) for at in range(0, _PAGES * _PAGE_BYTES, _PAGE_BYTES)]
    finally:
        os.close(descriptor)
    whole = [page for page in pages if page is not None]
    if not whole:
        raise DamagedError(
            errno.EIO,
            "What this host has voted for cannot be read. Where other hosts vote, remove the file while they are up and together: this "
            "host learns from them. Where none does, remove it and make this the first controller again: sm-configure first",
            str(path),
        )
    return max(whole, key=lambda page: page.number)


def _read_page(descriptor: int, at: int) -> _Page | None:
    """None where it was torn, or the disk has lost it."""
    try:
        content = os.pread(descriptor, _PAGE_BYTES, at)
    except OSError:
        return None
    checksum, _, text = content.rstrip(b"\n\0").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        return msgspec.json.decode(text, type=_Page)
    except msgspec.MsgspecError:
        return None


def _encoded(page: _Page) -> bytes:
    text = msgspec.json.encode(page)
    content = b"%08x %s\n" % (zlib.crc32(text), text)
    if len(content) > _PAGE_BYTES:
        raise OSError(errno.EFBIG, f"{len(content)} bytes are more than fit a page of {_PAGE_BYTES}")
    return content.ljust(_PAGE_BYTES, b"\0")


def _overwrite(path: pathlib.Path, content: bytes, at: int) -> None:
    # Past the cache, pages have to begin where memory's do.
    with mmap.mmap(-1, len(content)) as memory:
        memory[:] = content
        try:
            _write_through(path, os.O_DIRECT, memory, at)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # A file system, or a disk, that knows of no such thing.
            _write_through(path, 0, memory, at)


def _write_through(path: pathlib.Path, flags: int, memory: mmap.mmap, at: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_DSYNC | flags)
    try:
        if os.pwrite(descriptor, memory, at) != len(memory):
            raise OSError(errno.EIO, "It was written in part", str(path))
    finally:
        os.close(descriptor)


def _make(path: pathlib.Path, content: bytes) -> None:
    """All of it or nothing."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
