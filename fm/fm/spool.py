# SPDX-License-Identifier: Apache-2.0
"""Where a host keeps fault reports until fm-manager has stored them.

One SQLite file a host, in WAL mode with full synchronisation: a report that append() has returned for survives the death of the
process and of the machine. Any process of the host's platform user may append. Sequence numbers are never used twice, and the
spool has a name of its own, so that the manager can tell a report that it has seen from a new one.
"""

import contextlib
import logging
import pathlib
import socket
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tenacity

from stx import exception

LOG = logging.getLogger(__name__)

BUSY_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS report (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
"""


class Batch(NamedTuple):
    """Reports that wait.

    :ivar spool: name of the spool that they are in
    :ivar reports: (sequence number, report), ascending
    """

    spool: str
    reports: list[tuple[int, bytes]]


class Spool:
    """A host's spool, as seen by one process. Threads may share it.

    :param directory: holds the file; made when missing, readable by the owner only
    :param limit: reports that may wait; more are refused, so that a dead manager cannot fill the disk
    :param is_courier: for the process that delivers: what it forgets need not be on the disk at once, because the manager knows
        what it has stored; so it never holds up those who append
    """

    def __init__(self, directory: pathlib.Path, limit: int, is_courier: bool = False) -> None:
        self._synchronous = "NORMAL" if is_courier else "FULL"
        self._directory = directory
        self._limit = limit
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._name = ""
        self._file_id: tuple[int, int] | None = None
        self._nudge = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    @property
    def doorbell(self) -> pathlib.Path:
        """The socket on which whoever delivers is told that something is waiting."""
        return self._directory / "fm-spool.sock"

    @property
    def lock_file(self) -> pathlib.Path:
        """Held by whoever delivers: two would disturb the order."""
        return self._directory / "fm-spool.lock"

    def append(self, bodies: Sequence[bytes]) -> None:
        """Keep reports, in this order, all or none.

        :raises exception.Unavailable: when the spool is full or cannot be written
        """
        try:
            with self._transaction() as connection:
                (last,) = connection.execute("SELECT max(sequence) FROM report").fetchone()
                (first,) = connection.execute("SELECT min(sequence) FROM report").fetchone()
                waiting = 0 if last is None else last - first + 1
                if waiting + len(bodies) > self._limit:
                    raise exception.Unavailable(
                        f"{waiting} fault reports wait for fm-manager and the spool takes no more. Check fm-manager."
                    )
                connection.executemany("INSERT INTO report (body) VALUES (?)", [(body,) for body in bodies])
        except (sqlite3.Error, OSError) as error:
            raise exception.Unavailable(f"The fault report could not be kept in {self._directory}: {error}.") from error
        with contextlib.suppress(OSError):
            # Nobody listens: the report is delivered at the next round.
            self._nudge.sendto(b"!", str(self.doorbell))

    def read(self, most: int) -> Batch:
        """The oldest reports, up to so many."""
        with self._lock:
            connection = self._open()
            rows = connection.execute("SELECT sequence, body FROM report ORDER BY sequence LIMIT ?", (most,))
            return Batch(self._name, rows.fetchall())

    def remove(self, spool: str, up_to: int) -> None:
        """Forget reports that are stored, if this is still the spool that they were read from."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM report WHERE sequence <= ? AND ? = (SELECT name FROM spool)", (up_to, spool))

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
        self._nudge.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # SQLite has done so itself where the disk is full, and a complaint about that would hide the reason.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        path = self._directory / "fm-spool.sqlite"
        if self._connection is not None and _file_id(path) != self._file_id:
            LOG.error("%s was removed or replaced; what waited in it is lost, a new one is begun", path)
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file is never opened but by SQLite: closing it by hand would drop the locks of every other connection that this
            # process has to it, and the next process to end would take the log away under them.
            connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            _enter_wal(connection)
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA)
            if connection.execute("SELECT count(*) FROM spool").fetchone()[0] == 0:
                connection.execute("INSERT INTO spool VALUES (?)", (str(uuid.uuid4()),))
            connection.execute("COMMIT")
            (self._name,) = connection.execute("SELECT name FROM spool").fetchone()
            self._file_id = _file_id(path)
            self._connection = connection
        return self._connection


def _file_id(path: pathlib.Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@tenacity.retry(
    retry=tenacity.retry_if_exception(_is_busy),
    wait=tenacity.wait_random(0.001, 0.02),
    stop=tenacity.stop_after_delay(BUSY_S),
    reraise=True,
)
def _enter_wal(connection: sqlite3.Connection) -> None:
    # Where several processes make the spool at the same moment, SQLite fails here at once, whatever the busy timeout.
    connection.execute("PRAGMA journal_mode=WAL")
