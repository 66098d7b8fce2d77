# SPDX-License-Identifier: Apache-2.0
"""Databases: one per component, on SQLite or PostgreSQL, from the same tables and migrations.

A component makes one `Database` and decorates its short functions::

    database = db.Database("fm")

    @database.writer
    def insert(connection: Connection, row: dict) -> None: ...

Functions work on SQLAlchemy Core connections. Each call is one transaction; it is repeated when the server went away or found a
deadlock, so a writer must be safe to repeat: keys are made before it is called.
"""

import contextlib
import contextvars
import functools
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
import tenacity
from alembic import command as alembic_command
from alembic import config as alembic_config
from alembic.util import CommandError
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import enginefacade, engines
from sqlalchemy.engine import Connection

from stx import ending, exception, turns

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

P = ParamSpec("P")
R = TypeVar("R")

# How long a transaction is tried again while the server is away, and how long one waits for another process that writes to the
# same file. A caller's RPC deadline is longer than both together, so that it hears how its request ended.
RETRY_S = 15.0
SQLITE_BUSY_S = 10.0
# What is committed survives a power cut.
SQLITE_SYNCHRONOUS = "FULL"
# How long PostgreSQL may leave a connection, or what was sent on it, without an answer: its host may have lost its power.
SILENT_S = 5

# What passes when the transaction is tried again. A server that is starting or stopping refuses connections in a way that oslo.db
# leaves as it is.
_PASSING = (db_exception.DBConnectionError, db_exception.DBDeadlock, sa.exc.OperationalError)

# What passes when whoever sets the database up has done so, which may take longer than a request can wait.
_MISSING = (db_exception.DBNonExistentDatabase, db_exception.DBNonExistentTable)

_pool_options: contextvars.ContextVar[dict[str, int]] = contextvars.ContextVar("pool_options")
_immediate: contextvars.ContextVar[bool] = contextvars.ContextVar("immediate", default=False)


def options(component: str) -> list[cfg.Opt]:
    return [
        cfg.StrOpt(
            "connection",
            secret=True,
            default=f"sqlite:////var/lib/starlingx/{component}.sqlite",
            help=f"Where the {component} database is, as an SQLAlchemy URL. SQLite suits one machine; use PostgreSQL "
            "(postgresql+psycopg2://user:password@host/name) where two controllers share it.",
        ),
        cfg.IntOpt(
            "max_pool_size",
            default=8,
            min=1,
            help="Connections that a process keeps open. Raise it when requests wait for a connection under load.",
        ),
        cfg.IntOpt("max_overflow", default=24, min=0, help="Connections beyond max_pool_size that are opened for a moment."),
    ]


@engines._init_connection_args.dispatch_for("sqlite")
def _pool_sqlite_files(url: sa.URL, engine_args: dict[str, Any], kw: dict[str, Any]) -> None:
    """Pool the connections to SQLite files: opening one for each transaction costs three quarters of the throughput.

    oslo.db gives no public way to choose the pool. A unit test notices when this hook stops working.
    """
    if url.database and url.database != ":memory:":
        engine_args.update(poolclass=sa.pool.QueuePool, **_pool_options.get())
        engine_args["connect_args"].update(timeout=SQLITE_BUSY_S, check_same_thread=False)


@enginefacade.transaction_context_provider
class _Transaction:
    """What oslo.db hangs one transaction on."""


class Database:
    """A component's database; opened at first use."""

    def __init__(self, component: str) -> None:
        self.component = component
        self.group = f"{component}_database"
        CONF.register_opts(options(component), group=self.group)
        self._lock = threading.RLock()
        self._write_lock = turns.Turns(f"the {component} database", SQLITE_BUSY_S)
        self._facade: Any = None

    def list_opts(self) -> list[tuple[str, list[cfg.Opt]]]:
        return [(self.group, options(self.component))]

    @property
    def url(self) -> str:
        return CONF[self.group].connection

    @property
    def is_sqlite(self) -> bool:
        return sa.make_url(self.url).get_backend_name() == "sqlite"

    def reset(self) -> None:
        """Close all connections; the next use opens new ones, by the options as they are then."""
        with self._lock:
            if self._facade is not None:
                self._facade.dispose_pool()
            self._facade = None

    def reader(self, function: Callable[Concatenate[Connection, P], R]) -> Callable[P, R]:
        """Make `function(connection, …)` a read transaction that callers call without the connection."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._run(function, False, args, kwargs)

        return call

    def writer(self, function: Callable[Concatenate[Connection, P], R]) -> Callable[P, R]:
        """Make `function(connection, …)` a write transaction that callers call without the connection."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._run(function, True, args, kwargs)

        return call

    def migrate(self) -> None:
        """Bring the schema to the newest version. Quick when it is there already."""
        if self.is_sqlite:
            self._prepare_file()
        try:
            # Of two processes that open a new file of SQLite together one is refused, however long it would wait.
            self._repeat(self._upgrade, True, (), {})
        except (db_exception.DBError, sa.exc.DBAPIError, CommandError) as error:
            LOG.error("The schema of the %s database was not brought to this release: %s", self.component, error)
            reason = str(getattr(error, "orig", None) or getattr(error, "inner_exception", None) or error).split("\n")[0]
            hint = ". It may be that of a newer one." if isinstance(error, CommandError) else ""
            raise exception.Unavailable(
                f"The schema of the {self.component} database cannot be brought to this release: {reason}{hint}"
            ) from error

    def _upgrade(self, connection: Connection) -> None:
        if not self.is_sqlite:
            # Two processes that start together take turns.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": hash_key(self.component)})
        migration = alembic_config.Config()
        migration.set_main_option("script_location", f"{self.component}.db:migrations")
        migration.attributes["connection"] = connection
        alembic_command.upgrade(migration, "head")

    def _run(self, function: Callable[..., R], write: bool, args: Any, kwargs: Any) -> R:
        try:
            return self._repeat(function, write, args, kwargs)
        except _MISSING as error:
            raise exception.Unavailable(
                f"The {self.component} database is not set up yet. Check that the process that does it runs, then try again."
            ) from error
        except _PASSING as error:
            LOG.error("The %s database does not answer: %s", self.component, error)
            raise exception.Unavailable(f"The {self.component} database does not answer. Check it, then try again.") from error

    def _repeat(self, function: Callable[..., R], write: bool, args: Any, kwargs: Any) -> R:
        """Until it succeeds, or what keeps it from that does not pass."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
            # Whoever waits for this process to end would kill it.
            stop=tenacity.stop_after_delay(RETRY_S) | tenacity.stop_when_event_set(ending.TOLD),
            sleep=tenacity.sleep_using_event(ending.TOLD),
            reraise=True,
        )
        for attempt in retrying:
            with attempt, self._begin(write) as connection:
                return function(connection, *args, **kwargs)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _begin(self, write: bool) -> Iterator[Connection]:
        facade = self._open()
        if not write:
            with facade.reader.connection.using(_Transaction()) as connection:
                yield connection
        elif not self.is_sqlite:
            with facade.writer.connection.using(_Transaction()) as connection:
                yield connection
        else:
            # Two SQLite transactions that read before they write lose against each other at once, whatever the busy timeout:
            # a writer takes the file's write lock when it begins, and threads queue here, where waiting is fair and cheap.
            with self._write_lock:
                token = _immediate.set(True)
                try:
                    with facade.writer.connection.using(_Transaction()) as connection:
                        yield connection
                finally:
                    _immediate.reset(token)

    def _open(self) -> Any:
        with self._lock:
            if self._facade is None:
                values = CONF[self.group]
                facade = enginefacade.transaction_context()
                facade.configure(
                    connection=_with_deadlines(values.connection),
                    max_pool_size=values.max_pool_size,
                    max_overflow=values.max_overflow,
                    sqlite_fk=True,
                    # Whoever uses it tries again, and gives up when the process is told to end.
                    max_retries=0,
                )
                _pool_options.set({"pool_size": values.max_pool_size, "max_overflow": values.max_overflow})
                if self.is_sqlite:
                    _tune_sqlite(facade.writer.get_engine())
                self._facade = facade
            return self._facade

    def _prepare_file(self) -> None:
        path = sa.make_url(self.url).database
        if not path or path == ":memory:":
            return
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
            # Only where there is none yet: closing a file that SQLite has open in this process would drop SQLite's locks on it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            where = f"[{self.group}] connection"
            raise exception.ConfigurationError(
                f"The {self.component} database cannot be made in {path}: {error.strerror}. Change {where}."
            ) from error


def _passes(error: BaseException) -> bool:
    """Whether it is worth another try. Of a file's errors one is: that others write to it."""
    if isinstance(error, sa.exc.OperationalError) and isinstance(error.orig, sqlite3.Error):
        return "locked" in str(error.orig)
    return isinstance(error, _PASSING)


def hash_key(component: str) -> int:
    """A number for PostgreSQL's advisory locks that differs by component and is the same in every process."""
    return int.from_bytes(component.encode()[:7].ljust(7, b"\0"), "big")


def _with_deadlines(connection: str) -> str:
    """The same address; PostgreSQL's client then gives up on a server that does not answer, unless the address says when."""
    url = sa.make_url(connection)
    if url.get_backend_name() != "postgresql":
        return connection
    deadlines = {
        "connect_timeout": str(SILENT_S),
        "tcp_user_timeout": str(SILENT_S * 1000),
        # For one that waits for an answer and has nothing to send.
        "keepalives_idle": str(SILENT_S),
        "keepalives_interval": "1",
        "keepalives_count": str(SILENT_S),
    }
    return url.set(query={**deadlines, **url.query}).render_as_string(hide_password=False)


def _tune_sqlite(engine: sa.Engine) -> None:
    def connect(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={SQLITE_SYNCHRONOUS}")

    def rewrite_begin(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        if statement == "BEGIN" and _immediate.get():
            statement = "BEGIN IMMEDIATE"
        return statement, parameters

    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "before_cursor_execute", rewrite_begin, retval=True)
    # oslo.db has tried the engine with a connection that was not tuned yet.
    engine.dispose()


def run_migrations() -> None:
    """The whole of a component's migrations/env.py: run on the connection that `Database.migrate` opened."""
    from alembic import context

    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=context.config.attributes.get("metadata"),
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def records(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """Rows as plain dictionaries; for many rows several times as fast as a dict of each row's mapping."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


def insert(connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, all with the same columns, in their order."""
    _insert(connection, _dialect(connection).insert(table), rows)


def upsert(
    connection: Connection, table: sa.Table, key: list[str], rows: list[dict[str, Any]], keep: tuple[str, ...] = ()
) -> None:
    """Insert rows, or where `key` exists already update it, except the columns in `keep`."""
    if not rows:
        return
    insert = _dialect(connection).insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in key and name not in keep}
    _insert(connection, insert.on_conflict_do_update(index_elements=key, set_=changed), rows)


def _dialect(connection: Connection) -> Any:
    return sa.dialects.postgresql if connection.dialect.name == "postgresql" else sa.dialects.sqlite


def _insert(connection: Connection, insert: Any, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = [insert.table.c[name] for name in rows[0]]
    # None in a structured column is a value there, and would become NULL on this way.
    is_plain = not any(isinstance(column.type, sa.JSON) for column in columns)
    if connection.dialect.name == "postgresql" and len(rows) > 1 and is_plain:
        connection.execute(from_json(insert, columns), {"rows": msgspec.json.encode(rows).decode()})
    else:
        connection.execute(insert, rows)


def from_json(insert: Any, columns: list[sa.Column[Any]]) -> Any:
    """An insert of PostgreSQL that takes all its rows as one parameter, the text `rows`: a list in JSON.

    Where each value stands in the statement, reading it takes the server longer than carrying it out.
    """
    given = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    rows = sa.func.json_to_recordset(given).table_valued(*[sa.column(column.name, column.type) for column in columns])
    return insert.from_select(columns, sa.select(rows.render_derived(with_types=True)), include_defaults=False)
