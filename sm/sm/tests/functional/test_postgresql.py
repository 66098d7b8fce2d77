# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL of two controllers, by the command that Service Management calls: real servers on two ports."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator

from oslotest import base

from sm import postgresql

BINDIR = pathlib.Path("/usr/lib/postgresql/15/bin")
SOURCE = pathlib.Path(postgresql.__file__).parents[1]
COMPILED = f"/var/tmp/stx-postgresql-{os.getpid()}"
DEADLINE_S = 60.0
ROOM_BYTES = 1 << 30
SECRET = r"se'cret:\1"


def missing() -> str | None:
    """Why this cannot be done here; None when it can."""
    if not (BINDIR / "postgres").exists():
        return "PostgreSQL 15 is not installed (Debian package postgresql)"
    return None if os.getuid() == 0 else "PostgreSQL is started as its own user, which needs root"


def as_postgres(*argv: object) -> subprocess.CompletedProcess[str]:
    user = pwd.getpwnam("postgres")
    return subprocess.run(
        [str(arg) for arg in argv],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} was waited for in vain")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Controller:
    """:ivar peer: None in a system of one"""

    def __init__(self, name: str, directory: pathlib.Path) -> None:
        self.name = name
        self.port = free_port()
        self.pgdata = directory / name / "main"
        self.directory = directory
        self.peer: Controller | None = None
        self.more: dict[str, str] = {}
        (directory / name).mkdir(mode=0o700)
        shutil.chown(directory / name, "postgres", "postgres")

    def begin(self, action: str) -> subprocess.Popen[str]:
        parameters = {"pgdata": self.pgdata, "socket": self.directory, "port": self.port, "stop_s": 30, "start_s": 60}
        if self.peer:
            parameters |= {"name": self.name, "peer": self.peer.name, "peer_address": "127.0.0.1", "peer_port": self.peer.port}
            parameters |= {"password_file": self.directory / "pgpass", "attach_s": 30}
        environment = {f"OCF_RESKEY_{name}": str(value) for name, value in (parameters | self.more).items()}
        return subprocess.Popen(
            # Nothing but the standard library is there: it starts twice as fast.
            [sys.executable, "-S", "-m", "sm.postgresql", action],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": COMPILED, **environment},
        )

    def act(self, action: str) -> tuple[int, str]:
        """Gives the exit code, and what was said."""
        with self.begin(action) as process:
            try:
                printed, said = process.communicate(timeout=120)
            finally:
                process.kill()
        assert not printed, printed
        return process.returncode, said

    def do(self, *actions: str) -> None:
        for action in actions:
            code, said = self.act(action)
            assert code == 0, f"{action} of {self.name}: {code}, {said}"

    def monitor(self) -> int:
        return self.act("monitor")[0]

    def query(self, sql: str) -> list[str]:
        argv = self._psql(sql)
        result = as_postgres(*argv)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    @contextlib.contextmanager
    def querying(self, sql: str) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(self._psql(sql), user="postgres", group="postgres", extra_groups=[], cwd="/") as process:
            try:
                yield process
            finally:
                process.kill()

    def _psql(self, sql: str) -> list[str]:
        return [str(BINDIR / "psql"), "-XAtq", "-h", str(self.directory), "-p", str(self.port), "-d", "postgres", "-c", sql]

    def pid(self) -> int | None:
        """Of the server's first process."""
        with contextlib.suppress(FileNotFoundError):
            pid = int((self.pgdata / "postmaster.pid").read_text().partition("\n")[0] or 0)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samefile(f"/proc/{pid}/cwd", self.pgdata):
                    return pid
        return None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if pid := self.pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            wait_for("an end", lambda: self.pid() != pid)


def controllers(directory: pathlib.Path) -> tuple[Controller, Controller]:
    first, second = (Controller(f"controller-{number}", directory) for number in (0, 1))
    first.peer, second.peer = second, first
    return first, second


class PostgresqlTest(base.BaseTestCase):
    template: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := missing():
            raise unittest.SkipTest(reason)
        cls.addClassCleanup(shutil.rmtree, COMPILED, ignore_errors=True)
        directory = cls._directory()
        cls.addClassCleanup(shutil.rmtree, directory)
        (directory / "pgpass").write_text("# of nobody\n*:*:*:stx_replication:se'cret\\:\\\\1\n")
        shutil.chown(directory / "pgpass", "postgres", "postgres")
        (directory / "pgpass").chmod(0o600)
        first, second = controllers(directory)
        options = ("--no-sync", "--wal-segsize=1", "--auth-local=peer", "--auth-host=reject")
        result = as_postgres(BINDIR / "initdb", "-D", first.pgdata, *options)
        assert result.returncode == 0, result.stderr
        (first.pgdata / "pg_hba.conf").write_text(
            "local all postgres peer\n"
            "host replication stx_replication 127.0.0.1/32 scram-sha-256\n"
            "host postgres stx_replication 127.0.0.1/32 scram-sha-256\n"
        )
        with (first.pgdata / "postgresql.conf").open("a") as file:
            # No test cuts the power: what a killed server wrote is there.
            file.write("listen_addresses = '127.0.0.1'\nshared_buffers = 16MB\nfsync = off\n")
        try:
            first.act("start")
            first.do("promote", "prepare", "prepare")
            first.query("CREATE TABLE written (what text)")
            second.do("start")
            first.do("stop")
            second.do("stop")
        finally:
            first.kill(signal.SIGQUIT)
            second.kill(signal.SIGQUIT)
        cls.template = directory

    @staticmethod
    def _directory() -> pathlib.Path:
        place = "/var/tmp"
        # In memory where it can be, as thousands of files are copied; a test's own directory is closed to the server's user.
        with contextlib.suppress(OSError):
            place = "/dev/shm" if shutil.disk_usage("/dev/shm").free > ROOM_BYTES else place
        directory = pathlib.Path(tempfile.mkdtemp(prefix="stx-postgresql-", dir=place))
        shutil.chown(directory, "postgres", "postgres")
        return directory

    def setUp(self) -> None:
        super().setUp()
        # What the test itself makes, the database's user reads.
        self.addCleanup(os.umask, os.umask(0o022))
        self.directory = self._directory()
        # Processes of a server that was killed live on for a moment, and write.
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.first, self.second = controllers(self.directory)
        for controller in (self.first, self.second):
            self.addCleanup(controller.kill, signal.SIGQUIT)
        self.copy("pgpass")
        self.copy("controller-0/main")

    def copy(self, name: str) -> None:
        subprocess.run(["cp", "-a", self.template / name, self.directory / name], check=True)

    def alone(self) -> Controller:
        """A system of one."""
        self.first.peer = None
        return self.first

    def pair(self) -> tuple[Controller, Controller]:
        """The first controller is primary, and the second one follows it."""
        self.copy("controller-1/main")
        self.first.act("start")
        self.first.do("promote")
        self.second.do("start")
        self.await_code(self.second, 0)
        return self.first, self.second

    def await_code(self, controller: Controller, code: int) -> None:
        wait_for(f"{code} of {controller.name}", lambda: controller.monitor() == code)

    def write(self, controller: Controller, what: str) -> None:
        controller.query(f"INSERT INTO written VALUES ('{what}')")

    def written(self, controller: Controller) -> list[str]:
        return controller.query("SELECT what FROM written ORDER BY what")

    def await_written(self, controller: Controller, *what: str) -> None:
        wait_for(f"{what} on {controller.name}", lambda: self.written(controller) == list(what))

    def assert_fails(self, code: int, reason: str, controller: Controller, action: str) -> None:
        found, said = controller.act(action)
        self.assertEqual(code, found, said)
        self.assertIn(reason, said)
        self.assertEqual(1, len(said.splitlines()), said)

    def test_a_system_of_one_starts_as_standby_and_is_promoted(self) -> None:
        first = self.alone()
        self.assertEqual(7, first.monitor())
        first.do("start", "start")
        self.assertEqual(0, first.monitor())
        first.do("promote", "promote")
        self.assertEqual(8, first.monitor())
        first.query("SELECT pg_switch_wal()")
        first.do("detach", "demote", "demote", "detach")
        # It is left to come up by itself.
        self.await_code(first, 0)
        first.do("stop", "stop")
        self.assertEqual(7, first.monitor())

    def test_a_primary_that_is_started_becomes_a_standby(self) -> None:
        first = self.alone()
        first.do("start", "promote", "start")
        self.assertEqual(0, first.monitor())

    def test_a_directory_of_settings_apart_from_data_is_used(self) -> None:
        first = self.alone()
        config = self.directory / "config"
        config.mkdir()
        shutil.chown(config, "postgres", "postgres")
        (first.pgdata / "stx.conf").unlink()
        (first.pgdata / "postgresql.conf").rename(config / "postgresql.conf")
        (config / "postgresql.conf").chmod(0o644)
        first.more = {"config": str(config)}
        first.do("start", "promote", "demote", "start")
        self.assertEqual(
            ["replica on on"],
            first.query(
                "SELECT string_agg(setting, ' ' ORDER BY name = 'wal_level' DESC) FROM pg_settings"
                " WHERE name IN ('wal_level', 'wal_log_hints', 'hot_standby')"
            ),
        )
        self.assertEqual(1, (config / "postgresql.conf").read_text().splitlines().count("include_if_exists = 'stx.conf'"))
        self.assertEqual(0o644, (config / "postgresql.conf").stat().st_mode & 0o777)

    def test_a_standby_is_a_copy_and_what_is_acknowledged_is_on_both(self) -> None:
        first, second = self.pair()
        self.assertEqual(41, first.monitor())
        first.do("attach")
        self.assertEqual(8, first.monitor())
        # Commits wait for the disk there, not for a reader: what is read may come a moment later.
        self.write(first, "both")
        self.await_written(second, "both")
        first.do("attach", "detach", "detach")
        self.assertEqual(41, first.monitor())
        self.assertEqual(0, second.monitor())
        second.do("detach", "start")
        self.assertEqual([], list(self.second.pgdata.parent.glob("main.[on]*")))

    def test_controllers_change_places_and_back_without_a_copy(self) -> None:
        first, second = self.pair()
        same = self.identity(first), self.identity(second)
        for number, (active, standby) in enumerate([(first, second), (second, first)]):
            active.do("attach")
            self.write(active, str(number))
            active.do("demote")
            standby.do("promote")
            self.await_code(active, 0)
            standby.do("attach")
            self.assertEqual(8, standby.monitor())
        self.write(first, "end")
        self.await_written(second, "0", "1", "end")
        self.assertEqual(same, (self.identity(first), self.identity(second)))

    def identity(self, controller: Controller) -> int:
        return (controller.pgdata / "PG_VERSION").stat().st_ino

    def take_over_without_a_row(self) -> tuple[Controller, Controller]:
        """The first one is killed having written what the second one, primary now, never saw."""
        first, second = self.pair()
        self.write(first, "both")
        self.await_written(second, "both")
        second.do("stop")
        self.write(first, "lost")
        first.kill()
        code, said = second.act("start")
        self.assertEqual((0, True), (code, "It starts with own data: controller-0 does not answer" in said), said)
        second.do("promote")
        self.write(second, "new")
        return first, second

    def test_a_primary_that_was_killed_takes_back_what_the_new_one_lacks(self) -> None:
        first, second = self.take_over_without_a_row()
        same = self.identity(first)
        first.do("start")
        self.await_written(first, "both", "new")
        self.await_code(first, 0)
        self.assertEqual(same, self.identity(first))
        second.do("attach")

    def test_data_that_others_may_lack_are_kept_whatever_the_peer_has(self) -> None:
        first, second = self.take_over_without_a_row()
        first.more["expendable"] = "no"
        code, said = first.act("start")
        self.assertEqual((0, True), (code, "Own data are kept" in said), said)
        self.await_written(first, "both", "lost")
        # It is not taken for a copy, so nothing is acknowledged because of it.
        second.more["attach_s"] = "2"
        self.assertEqual(1, second.act("attach")[0])
        self.write(second, "newer")
        self.await_code(first, 36)

    def test_data_that_cannot_be_rewound_are_replaced(self) -> None:
        first, second = self.take_over_without_a_row()
        second.query("REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text) FROM stx_replication")
        second.query("REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean) FROM stx_replication")
        same = self.identity(first)
        (first.pgdata.parent / "main.new.1").mkdir()
        code, said = first.act("start")
        self.assertEqual((0, True), (code, "Own data cannot be rewound: pg_rewind: " in said), said)
        self.await_written(first, "both", "new")
        self.assertNotEqual(same, self.identity(first))
        self.assertEqual(["main", "main.log"], sorted(path.name for path in first.pgdata.parent.iterdir()))

    def test_a_standby_that_was_away_for_longer_than_wal_is_kept_is_copied_anew(self) -> None:
        first, second = self.pair()
        second.do("stop")
        first.query("ALTER SYSTEM SET wal_keep_size = 0")
        first.query("SELECT pg_reload_conf()")
        for number in range(3):
            self.write(first, str(number))
            first.query("SELECT pg_switch_wal()")
            first.query("CHECKPOINT")
        code, said = second.act("start")
        self.assertEqual((0, "All data are copied from controller-0, and own ones removed.\n"), (code, said))
        self.await_code(second, 0)
        self.await_written(second, "0", "1", "2")

    def test_a_copy_made_by_somebody_else_is_taken_as_it_is(self) -> None:
        self.first.act("start")
        self.first.do("promote")
        passfile = self.directory / "pgpass"
        source = f"host=127.0.0.1 port={self.first.port} user=stx_replication passfile={passfile}"
        copied = as_postgres(BINDIR / "pg_basebackup", "-c", "fast", "-D", self.second.pgdata, "-d", source)
        self.assertEqual(0, copied.returncode, copied.stderr)
        self.assertEqual((0, ""), self.second.act("start"))
        self.await_code(self.second, 0)

    def test_data_that_were_rewound_in_part_start_only_with_the_peer(self) -> None:
        first, second = self.take_over_without_a_row()
        (first.pgdata.parent / "main.rewinding").touch()
        second.kill(signal.SIGQUIT)
        self.assert_fails(1, "is rewound in part, and controller-1 does not answer", first, "start")
        second.act("start")
        second.do("promote")
        first.do("start")
        self.await_written(first, "both", "new")
        self.assertFalse((first.pgdata.parent / "main.rewinding").exists())

    def test_a_standby_that_runs_on_data_the_new_primary_lacks_is_rewound_by_a_start(self) -> None:
        first, second = self.take_over_without_a_row()
        second.do("stop")
        # There is no primary yet: it becomes a standby on own data.
        self.assertEqual(0, first.act("start")[0])
        self.assertEqual(0, second.act("start")[0])
        second.do("promote")
        wait_for("the new timeline", lambda: len(list((first.pgdata / "pg_wal").glob("*.history"))) == 4)
        self.assertEqual(36, first.monitor())
        self.assertEqual(["both", "lost"], self.written(first))
        first.do("start")
        self.await_written(first, "both", "new")

    def test_a_primary_that_was_cut_off_takes_back_what_the_new_one_lacks_when_it_is_demoted(self) -> None:
        first, second = self.pair()
        self.write(first, "both")
        self.await_written(second, "both")
        second.do("promote")
        self.write(first, "lost")
        self.write(second, "new")
        first.do("demote")
        self.await_written(first, "both", "new")
        self.await_code(first, 0)

    def test_data_left_between_two_names_are_found(self) -> None:
        first = self.alone()
        first.pgdata.rename(first.pgdata.with_name("main.old"))
        first.pgdata.mkdir()
        first.do("start", "promote")
        self.assertEqual(8, first.monitor())

    def test_a_standby_is_not_made_of_nothing(self) -> None:
        self.assert_fails(1, "is empty, and controller-0 does not answer", self.second, "start")
        self.assertEqual(0, self.first.act("start")[0])
        self.assert_fails(1, "is empty, and controller-0 is a standby", self.second, "start")
        self.second.pgdata.mkdir()
        (self.second.pgdata / "mine").touch()
        self.assert_fails(6, "is not empty, and has no data of PostgreSQL", self.second, "start")
        self.second.peer = None
        shutil.rmtree(self.second.pgdata)
        self.assert_fails(1, "is empty, and there is no peer", self.second, "start")

    def test_a_server_that_does_not_start_says_why(self) -> None:
        first = self.alone()
        with (first.pgdata / "postgresql.conf").open("a") as file:
            file.write("shared_buffers = 'many'\n")
        self.assert_fails(1, 'invalid value for parameter "shared_buffers"', first, "start")

    def test_a_process_file_left_by_another_start_of_the_host_is_no_hindrance(self) -> None:
        first = self.alone()
        (first.pgdata / "postmaster.pid").write_text(f"{os.getpid()}\n{first.pgdata}\n")
        self.assertEqual(7, first.monitor())
        first.do("start")
        self.assertEqual(0, first.monitor())

    def test_attach_without_a_standby_fails_and_commits_go_on(self) -> None:
        self.first.more = {"attach_s": "2"}
        self.assertEqual(0, self.first.act("start")[0])
        self.assert_fails(1, "PostgreSQL is a standby", self.first, "attach")
        self.first.do("promote")
        self.assert_fails(1, "controller-1 does not follow", self.first, "attach")
        self.write(self.first, "alone")
        self.assertEqual(41, self.first.monitor())

    def test_what_an_attach_that_was_killed_has_left_is_undone_by_one_that_fails(self) -> None:
        self.first.more = {"attach_s": "2"}
        self.first.act("start")
        self.first.do("promote")
        settings = self.first.pgdata / "stx.conf"
        settings.write_text(postgresql.requiring(settings.read_text(), "controller-1", is_certain=False))
        self.first.query("SELECT pg_reload_conf()")
        self.assertEqual(1, self.first.act("attach")[0])
        self.write(self.first, "alone")

    def test_a_standby_that_stands_still_is_not_attached_and_commits_go_on(self) -> None:
        first, second = self.pair()
        first.more = {"attach_s": "1.5"}
        receiver = int(second.query("SELECT pid FROM pg_stat_wal_receiver")[0])
        os.kill(receiver, signal.SIGSTOP)
        self.addCleanup(self.resume, receiver)
        self.assertEqual(1, first.act("attach")[0])
        self.write(first, "alone")
        self.assertEqual([""], first.query("SHOW synchronous_standby_names"))

    def test_a_commit_waits_for_a_standby_that_was_killed_until_it_is_detached(self) -> None:
        first, second = self.pair()
        first.do("attach")
        first.more = {"attach_s": "2"}
        second.kill()
        with first.querying("INSERT INTO written VALUES ('late')") as commit:
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            wait_for("a commit that waits", lambda: first.query(waits) == ["1"])
            self.assertEqual(41, first.monitor())
            # Whoever was told that it is attached relies on it until it is detached.
            self.assert_fails(1, "controller-1 did not get in step in time", first, "attach")
            self.assertIsNone(commit.poll())
            first.do("detach")
            self.assertEqual(0, commit.wait(DEADLINE_S))
        self.assertEqual(["late"], self.written(first))

    def test_a_standby_without_its_primary_says_that_it_does_not_stream(self) -> None:
        first, second = self.pair()
        first.do("stop")
        self.await_code(second, 36)

    def test_a_primary_that_hangs_is_stopped_at_once(self) -> None:
        first, _ = self.pair()
        first.more = {"stop_s": "3"}
        checkpointer = int(first.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")[0])
        os.kill(checkpointer, signal.SIGSTOP)
        self.addCleanup(self.resume, checkpointer)
        with first.begin("stop") as process:
            try:
                wait_for("the second signal", lambda: "immediate shutdown" in first.pgdata.with_name("main.log").read_text())
            finally:
                self.resume(checkpointer)
        self.assertEqual(0, process.returncode)
        self.assertEqual(7, first.monitor())

    def resume(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def test_what_is_not_running_is_neither_promoted_nor_demoted(self) -> None:
        first = self.alone()
        for action in ("promote", "demote", "detach", "monitor", "prepare"):
            first.more = {"password_file": str(self.directory / "pgpass")}
            self.assert_fails(7, "does not run", first, action)

    def test_missing_parameters_and_programs_are_named(self) -> None:
        first = self.alone()
        first.more = {"pgdata": ""}
        self.assert_fails(6, "OCF_RESKEY_pgdata is not set", first, "monitor")
        first.more = {"peer": "controller-1"}
        self.assert_fails(6, "OCF_RESKEY_name is not set", first, "start")
        first.more = {"port": "five"}
        self.assert_fails(6, "OCF_RESKEY_port is 'five', not a number", first, "start")
        first.more = {"user": "nobody-of-this-name"}
        self.assert_fails(6, "There is no user nobody-of-this-name", first, "start")
        first.more = {"bindir": "/nowhere"}
        self.assert_fails(5, "There is no /nowhere/postgres", first, "start")
        first.more = {"config": str(self.directory)}
        self.assert_fails(6, "There is no ", first, "start")
        first.more = {}
        self.assert_fails(6, "OCF_RESKEY_peer is not set", first, "attach")
        self.assert_fails(6, "OCF_RESKEY_password_file is not set", first, "prepare")
        self.assert_fails(3, "There is no action 'meta-data': choose among start, promote", first, "meta-data")

    def test_replication_works_with_the_password_of_the_file_only(self) -> None:
        self.assertEqual(SECRET, postgresql.password((self.directory / "pgpass").read_text(), "stx_replication"))
        self.assertEqual(0, self.first.act("start")[0])
        self.first.do("promote")
        (self.directory / "pgpass").write_text("*:*:*:stx_replication:another\n")
        self.assert_fails(1, "password authentication failed", self.second, "start")
        self.first.do("prepare")
        self.second.do("start")
