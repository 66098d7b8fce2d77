# SPDX-License-Identifier: Apache-2.0
"""Tests of databases, on real SQLite files."""

import concurrent.futures
import os
import pathlib
import stat
import threading
import time
from collections.abc import Callable
from typing import Any

import fixtures
import sqlalchemy as sa
from oslo_db import exception as db_exception
from sqlalchemy.engine import Connection

from stx import db, ending, exception, testing
from stx.tests.unit.shelf.db import api, models

DEADLINE_S = 60.0


class DatabaseCase(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # Nobody is turned away because the machine is busy.
        self.useFixture(fixtures.MonkeyPatch("stx.db.SQLITE_BUSY_S", DEADLINE_S))
        self.useFixture(fixtures.MonkeyPatch("stx.tests.unit.shelf.db.api.database._write_lock._deadline_s", DEADLINE_S))
        self.platform = self.useFixture(testing.Platform(api.database))
        self.file = self.platform.path / f"{api.database.component}.sqlite"

    busy_s, synchronous = db.SQLITE_BUSY_S, db.SQLITE_SYNCHRONOUS

    def second_opener(self) -> db.Database:
        """The same file, as another process opens it: without our locks and connections."""
        database = db.Database(api.database.component)
        self.addCleanup(database.reset)
        return database

    def pragma(self, name: str) -> Any:
        @api.database.writer
        def read(connection: Connection) -> Any:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

        return read()


class ConnectionTest(DatabaseCase):
    def test_connections_to_files_are_pooled(self) -> None:
        """It fails when oslo.db no longer lets stx.db choose the pool."""
        self.platform.conf.config(group=api.database.group, max_pool_size=3, max_overflow=5)
        api.database.reset()
        pool = api.database._open().writer.get_engine().pool

        self.assertIs(sa.pool.QueuePool, type(pool))
        self.assertEqual((3, 5), (pool.size(), pool._max_overflow))

    def test_a_connection_is_used_again(self) -> None:
        @api.database.reader
        def identify(connection: Connection) -> int:
            return id(connection.connection.dbapi_connection)

        self.assertEqual(1, len({identify() for _ in range(5)}))

    def test_a_committed_transaction_survives_a_power_cut(self) -> None:
        full = 2
        self.useFixture(fixtures.MonkeyPatch("stx.db.SQLITE_SYNCHRONOUS", self.synchronous))
        api.database.reset()

        self.assertEqual(("wal", full), (self.pragma("journal_mode"), self.pragma("synchronous")))

    def test_foreign_keys_are_kept(self) -> None:
        @api.database.writer
        def orphan(connection: Connection) -> None:
            connection.execute(sa.insert(models.page), {"book_id": 4711, "number": 1})

        self.assertRaises(db_exception.DBReferenceError, orphan)

    def test_only_its_own_user_may_read_the_files(self) -> None:
        api.add_book("Emma")
        files = sorted(self.platform.path.glob("*.sqlite*"))

        self.assertEqual(["", "-shm", "-wal"], [path.name.removeprefix(self.file.name) for path in files])
        self.assertEqual({0o600}, {stat.S_IMODE(path.stat().st_mode) for path in files})

    def test_a_missing_directory_is_made_for_its_own_user_only(self) -> None:
        path = self.platform.path / "new" / "shelf.sqlite"
        self.platform.conf.config(group=api.database.group, connection=f"sqlite:///{path}")
        api.database.reset()

        api.database.migrate()

        self.assertEqual(0o700, stat.S_IMODE(path.parent.stat().st_mode))

    def test_a_file_in_the_working_directory_can_be_named_without_a_directory(self) -> None:
        self.addCleanup(os.chdir, pathlib.Path.cwd())
        os.chdir(self.platform.path)
        self.platform.conf.config(group=api.database.group, connection="sqlite:///here.sqlite")
        api.database.reset()

        api.database.migrate()

        self.assertTrue(self.platform.path.joinpath("here.sqlite").exists())

    def test_a_database_in_memory_works_too(self) -> None:
        self.platform.conf.config(group=api.database.group, connection="sqlite://")
        api.database.reset()
        api.database.migrate()

        api.add_book("Emma")

        self.assertEqual(["Emma"], api.titles())

    def test_options_say_where_the_database_is(self) -> None:
        ((group, options),) = api.database.list_opts()

        self.assertEqual(api.database.group, group)
        self.assertEqual({"connection", "max_pool_size", "max_overflow"}, {option.name for option in options})
        self.assertTrue(next(option for option in options if option.name == "connection").secret)

    def test_lock_keys_differ_by_component_and_fit_postgresql(self) -> None:
        keys = {db.hash_key(name) for name in ("fm", "sysinv", "mtce", "patching")}

        self.assertEqual(4, len(keys))
        self.assertEqual([], [key for key in keys if not 0 < key < 2**63])


class TransactionTest(DatabaseCase):
    def test_what_a_writer_writes_a_reader_reads(self) -> None:
        book = api.add_book("Emma", pages=474)

        self.assertEqual(book, api.get_book(book["uuid"]))

    def test_a_writer_that_fails_leaves_nothing(self) -> None:
        @api.database.writer
        def fail(connection: Connection) -> None:
            connection.execute(sa.insert(models.book), {"uuid": "1", "title": "Emma"})
            raise exception.Conflict("Somebody reads it.")

        self.assertRaises(exception.Conflict, fail)
        self.assertEqual([], api.titles())

    def test_a_reader_does_not_wait_for_a_writer(self) -> None:
        writing, release = threading.Event(), threading.Event()

        @api.database.writer
        def write(connection: Connection) -> None:
            connection.execute(sa.insert(models.book), {"uuid": "1", "title": "Emma"})
            writing.set()
            release.wait(DEADLINE_S)

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            written = pool.submit(write)
            self.assertTrue(writing.wait(DEADLINE_S))
            before = api.titles()
            release.set()
            written.result(DEADLINE_S)

        self.assertEqual(([], ["Emma"]), (before, api.titles()))

    def test_arguments_and_names_are_passed_on(self) -> None:
        self.assertEqual("add_book", api.add_book.__name__)
        self.assertEqual(3, api.add_book(title="Emma", pages=3)["pages"])

    def count_up(self, adders: list[Callable[[], None]], times: int) -> None:
        """Let every adder count in a thread of its own. Nothing is tried a second time."""
        self.useFixture(fixtures.MonkeyPatch("stx.db.RETRY_S", 0))
        with concurrent.futures.ThreadPoolExecutor(len(adders)) as pool:
            together = threading.Barrier(len(adders))

            def run(add: Callable[[], None]) -> None:
                together.wait(DEADLINE_S)
                for _ in range(times):
                    add()

            for done in [pool.submit(run, add) for add in adders]:
                done.result(DEADLINE_S)

    def adder(self, database: db.Database, book_uuid: str) -> Callable[[], None]:
        """Counts pages up by a transaction that reads before it writes."""

        @database.writer
        def add_page(connection: Connection) -> None:
            book = connection.execute(sa.select(models.book).where(models.book.c.uuid == book_uuid)).mappings().one()
            connection.execute(sa.insert(models.page), {"book_id": book["id"], "number": book["pages"] + 1})
            connection.execute(sa.update(models.book).where(models.book.c.id == book["id"]), {"pages": book["pages"] + 1})

        return add_page

    def test_threads_that_read_and_then_write_lose_nothing_and_never_fail(self) -> None:
        book = api.add_book("Emma", pages=0)

        self.count_up([self.adder(api.database, book["uuid"])] * 8, 12)

        self.assertEqual(96, api.get_book(book["uuid"])["pages"])

    def test_processes_that_read_and_then_write_lose_nothing_and_never_fail(self) -> None:
        book = api.add_book("Emma", pages=0)

        self.count_up([self.adder(self.second_opener(), book["uuid"]) for _ in range(4)], 10)

        self.assertEqual(40, api.get_book(book["uuid"])["pages"])


class DeadlineTest(testing.TestCase):
    def test_a_server_that_does_not_answer_is_given_up_unless_its_address_says_when(self) -> None:
        address = "postgresql+psycopg2://stx:se%40cret@host/fm"
        probes = "keepalives_count=5&keepalives_idle=5&keepalives_interval=1"
        given = f"{address}?connect_timeout=5&{probes}&tcp_user_timeout=5000"
        self.assertEqual(given, db._with_deadlines(address))
        patient = given.replace("connect_timeout=5&", "connect_timeout=60&")
        self.assertEqual(patient, db._with_deadlines(f"{address}?connect_timeout=60"))
        self.assertEqual("sqlite:////var/lib/fm.sqlite", db._with_deadlines("sqlite:////var/lib/fm.sqlite"))


class RetryTest(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.attempts = 0

    def writer(self, error: Exception, failures: float) -> Callable[[], str]:
        """A writer that fails after its writing, the first `failures` times."""

        @api.database.writer
        def write(connection: Connection) -> str:
            self.attempts += 1
            connection.execute(sa.insert(models.book), {"uuid": "1", "title": "Emma"})
            if self.attempts <= failures:
                raise error
            return "written"

        return write

    def test_a_transaction_is_repeated_as_a_whole_after_a_deadlock_or_a_lost_connection(self) -> None:
        for error in (db_exception.DBDeadlock(), db_exception.DBConnectionError()):
            self.attempts = 0

            self.assertEqual("written", self.writer(error, 3)())

            self.assertEqual((4, ["Emma"]), (self.attempts, api.titles()))
            api.delete_book("1")

    def test_what_does_not_heal_ends_as_unavailable_within_the_deadline(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.db.RETRY_S", 2.0))
        for error in (db_exception.DBDeadlock(), db_exception.DBConnectionError()):
            self.attempts = 0
            begun = time.monotonic()

            self.assert_raises_with(exception.Unavailable, "try again", self.writer(error, float("inf")))

            self.assertTrue(2.0 <= time.monotonic() - begun < DEADLINE_S)
            self.assertGreater(self.attempts, 2)
        self.assertEqual([], api.titles())

    def test_a_process_that_is_told_to_end_tries_nothing_again(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.db.RETRY_S", 2 * DEADLINE_S))
        self.addCleanup(ending.TOLD.clear)
        timer = threading.Timer(0.3, ending.TOLD.set)
        timer.start()
        self.addCleanup(timer.join)
        begun = time.monotonic()

        self.assert_raises_with(exception.Unavailable, "try again", self.writer(db_exception.DBConnectionError(), float("inf")))

        self.assertLess(time.monotonic() - begun, DEADLINE_S)
        self.attempts = 0
        self.assertEqual("written", self.writer(db_exception.DBConnectionError(), 0)())

    def test_a_database_that_is_not_set_up_yet_is_told_at_once(self) -> None:
        @api.database.reader
        def read(connection: Connection) -> None:
            self.attempts += 1
            connection.execute(sa.text("SELECT * FROM nothing_like_this"))

        self.assert_raises_with(exception.Unavailable, "is not set up yet", read)
        self.assertEqual(1, self.attempts)

    def test_the_deadline_is_shorter_than_that_of_a_call(self) -> None:
        self.assertLess(db.RETRY_S + self.busy_s, testing.rpc.DEADLINE_S)

    def test_other_errors_are_not_repeated(self) -> None:
        for error in (exception.Conflict("It is in use."), ValueError("of the inside")):
            self.attempts = 0

            self.assertRaises(type(error), self.writer(error, 1))
            self.assertEqual(1, self.attempts)

    def test_a_refusal_of_the_database_itself_is_not_repeated(self) -> None:
        @api.database.writer
        def forbid(connection: Connection) -> None:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON book BEGIN SELECT RAISE(ABORT, 'shelf is full'); END"
            )

        forbid()

        self.assertRaises(db_exception.DBError, self.writer(ValueError(), 0))
        self.assertEqual(1, self.attempts)


class InsertTest(DatabaseCase):
    @staticmethod
    @api.database.writer
    def insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
        db.insert(connection, models.book, rows)

    def test_rows_are_inserted_in_their_order(self) -> None:
        titles = ["Ulysses", "Emma", "Moby-Dick"]

        self.insert([{"title": title, "uuid": title, "pages": None} for title in titles])

        self.assertEqual(titles, api.titles())

    def test_no_rows_are_no_error(self) -> None:
        self.insert([])

        self.assertEqual([], api.titles())

    def test_postgresql_gets_all_rows_as_one_parameter(self) -> None:
        dialect = sa.dialects.postgresql.dialect()
        insert = sa.dialects.postgresql.insert(models.book).on_conflict_do_nothing()

        compiled = db.from_json(insert, [models.book.c.title, models.book.c.pages]).compile(dialect=dialect)

        self.assertEqual(["rows"], list(compiled.params))
        self.assertIn("INSERT INTO book (title, pages) SELECT", str(compiled))
        self.assertIn("(title VARCHAR(255), pages INTEGER) ON CONFLICT DO NOTHING", str(compiled))


class UpsertTest(DatabaseCase):
    @staticmethod
    @api.database.writer
    def upsert(connection: Connection, *rows: dict[str, Any], keep: tuple[str, ...] = ()) -> None:
        db.upsert(connection, models.book, ["title"], list(rows), keep)

    @staticmethod
    @api.database.reader
    def rows(connection: Connection) -> list[tuple[str, str, int]]:
        columns = (models.book.c.title, models.book.c.uuid, models.book.c.pages)
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(models.book.c.title))]

    def test_new_rows_are_inserted_and_known_ones_updated(self) -> None:
        self.upsert({"title": "Emma", "uuid": "1", "pages": 1})

        self.upsert({"title": "Emma", "uuid": "2", "pages": 2}, {"title": "Ulysses", "uuid": "3", "pages": 3})

        self.assertEqual([("Emma", "2", 2), ("Ulysses", "3", 3)], self.rows())

    def test_columns_to_keep_are_set_once(self) -> None:
        for number in range(3):
            self.upsert({"title": "Emma", "uuid": str(number), "pages": number}, keep=("uuid",))

        self.assertEqual([("Emma", "0", 2)], self.rows())

    def test_no_rows_are_no_error(self) -> None:
        self.upsert()

        self.assertEqual([], self.rows())


class MigrationTest(DatabaseCase):
    def test_migrating_again_changes_nothing(self) -> None:
        api.add_book("Emma")
        schema = self.schema()

        api.database.migrate()

        self.assertEqual((schema, ["Emma"]), (self.schema(), api.titles()))

    @staticmethod
    @api.database.reader
    def schema(connection: Connection) -> list[str]:
        return list(connection.exec_driver_sql("SELECT sql FROM sqlite_master ORDER BY name").scalars())

    def test_the_newest_version_is_noted(self) -> None:
        @api.database.reader
        def version(connection: Connection) -> str:
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()

        self.assertEqual("0002", version())

    def test_what_keeps_a_schema_from_this_release_is_told_at_once(self) -> None:
        @api.database.writer
        def spoil(connection: Connection, statement: str) -> None:
            connection.exec_driver_sql(statement)

        begun = f"The schema of the {api.database.component} database cannot be brought to this release"
        spoil("UPDATE alembic_version SET version_num = '9999'")
        self.assert_raises_with(
            exception.Unavailable, f"{begun}: Can't locate revision identified by '9999'. It may be", api.database.migrate
        )
        spoil("DROP TABLE alembic_version")
        self.assert_raises_with(exception.Unavailable, f"{begun}: table book already exists", api.database.migrate)

    def test_processes_that_migrate_together_take_turns(self) -> None:
        path = self.platform.path / "new.sqlite"
        self.platform.conf.config(group=api.database.group, connection=f"sqlite:///{path}")
        api.database.reset()
        openers = [self.second_opener() for _ in range(3)]

        with concurrent.futures.ThreadPoolExecutor(len(openers)) as pool:
            for done in [pool.submit(opener.migrate) for opener in openers]:
                done.result(DEADLINE_S)

        self.assertEqual([], api.titles())

    def test_the_migrations_make_the_tables_that_are_declared(self) -> None:
        testing.assert_migrations_match(api.database, models.metadata)

    def test_a_table_that_no_migration_makes_is_noticed(self) -> None:
        changed = sa.MetaData()
        for table in models.metadata.tables.values():
            table.to_metadata(changed)
        changed.tables["book"].append_column(sa.Column("isbn", sa.String(13)))

        error = self.assertRaises(AssertionError, testing.assert_migrations_match, api.database, changed)

        self.assertIn("isbn", str(error))
