# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server and a RabbitMQ broker that belong to one test run."""

import contextlib
import glob
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator

from stx import testing
from stxembedded import process

START_DEADLINE_S = 120.0
LAST_WORDS = 2000


def missing() -> str | None:
    """Why the engines cannot run here; None when they can."""
    if not _postgresql_programs():
        return "PostgreSQL is not installed (Debian package postgresql)"
    if not shutil.which("rabbitmq-server", path=_SEARCH):
        return "RabbitMQ is not installed (Debian package rabbitmq-server)"
    if os.getuid() != 0:
        return "PostgreSQL and RabbitMQ are started as their own users, which needs root"
    return None


def require() -> None:
    """Skip the test where the engines cannot run; where everything must be tried, fail it.

    :raises unittest.SkipTest: saying what is missing
    """
    if reason := missing():
        if os.environ.get("CI"):
            raise AssertionError(reason)
        raise unittest.SkipTest(reason)


_SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/rabbitmq/bin"


def _postgresql_programs() -> str | None:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return found[-1] if found else None


def wait_for(what: str, is_done: Callable[[], bool], deadline_s: float = START_DEADLINE_S, period_s: float = 0.05) -> float:
    """Wait until something holds; gives the seconds that it took.

    :raises TimeoutError: naming `what`
    """
    begun = time.monotonic()
    while not is_done():
        if time.monotonic() - begun > deadline_s:
            raise TimeoutError(f"{what}: not within {deadline_s} s")
        time.sleep(period_s)
    return time.monotonic() - begun


def _can_connect(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class _Engine:
    """A server process with a directory and a port of its own."""

    user = ""

    def __init__(self) -> None:
        self.port = testing.free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"stx-{self.user}-", dir="/var/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        os.chown(self.directory, *_ids(self.user))

    def _run(self, *argv: str, environment: dict[str, str] | None = None) -> None:
        with (self.directory / "setup.log").open("ab") as log:
            options = self._options(environment)
            subprocess.run(argv, check=True, stdout=log, stderr=log, timeout=START_DEADLINE_S, **options)

    def _options(self, environment: dict[str, str] | None = None) -> dict:
        uid, gid = _ids(self.user)
        home = {"HOME": str(self.directory), "PATH": _SEARCH, "LANG": "C.UTF-8"}
        return {"user": uid, "group": gid, "extra_groups": [], "cwd": self.directory, "env": {**home, **(environment or {})}}

    def _spawn(self, *argv: str, environment: dict[str, str] | None = None) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **self._options(environment)
            )

    def _await(self, is_ready: Callable[[], bool], period_s: float = 0.05) -> None:
        """:raises AssertionError: with what it said last, when it ends, or is not ready in time"""
        process = self._process
        assert process is not None
        was_ready = False

        def is_over() -> bool:
            nonlocal was_ready
            # It is not asked once more: a busy one may be slow to answer just then.
            was_ready = is_ready()
            return was_ready or process.poll() is not None

        with contextlib.suppress(TimeoutError):
            wait_for(type(self).__name__, is_over, period_s=period_s)
        if process.poll() is not None or not was_ready:
            said = (self.directory / "server.log").read_text(errors="replace")[-LAST_WORDS:]
            raise AssertionError(f"{type(self).__name__} is not ready (exit code {process.poll()}):\n{said}")

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
        self._process = None

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)
        # What it had in other processes may live on for a moment, and would pass for the one that is started next.
        wait_for(f"the end of {type(self).__name__}", lambda: not _can_connect(self.port))

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Killed for as long as the block takes, then started again."""
        self.kill()
        try:
            yield
        finally:
            self.start()


def _ids(user: str) -> tuple[int, int]:
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


class PostgreSQL(_Engine):
    user = "postgres"

    def __init__(self) -> None:
        super().__init__()
        self._programs = _postgresql_programs() or ""
        self._data = self.directory / "data"
        self._password = secrets.token_urlsafe(16)
        secret = self.directory / "password"
        secret.write_text(self._password)
        os.chmod(secret, 0o600)
        os.chown(secret, *_ids(self.user))
        self._run(
            f"{self._programs}/initdb", "-D", str(self._data), "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N"
        )

    def url(self, database: str) -> str:
        return f"postgresql+psycopg2://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = [
            "-c",
            f"port={self.port}",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={self.directory}",
        ]
        self._spawn(f"{self._programs}/postgres", "-D", str(self._data), *options)
        self._await(self._is_ready)

    def _is_ready(self) -> bool:
        argv = [f"{self._programs}/pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run(argv, check=False, timeout=10).returncode == 0

    def create(self, *databases: str) -> None:
        environment = {"PGPASSWORD": self._password}
        for database in databases:
            self._run(
                f"{self._programs}/createdb",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                "postgres",
                database,
                environment=environment,
            )

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def kill(self) -> None:
        # Each backend has a session of its own: left alone it would go on for a moment, and no server starts beside it.
        backends = []
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
            pid = self._process.pid
            found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            backends = [backend for child in found if (backend := process.find(int(child)))]
        super().kill()
        for backend in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(backend.pid, signal.SIGKILL)
        wait_for("PostgreSQL's backends end", lambda: not any(backend.is_running for backend in backends))


class RabbitMQ(_Engine):
    user = "rabbitmq"

    def __init__(self) -> None:
        super().__init__()
        self._epmd_port = testing.free_port()
        self._dist_port = testing.free_port()
        self._password = secrets.token_urlsafe(16)
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"default_user = stx\ndefault_pass = {self._password}\n"
            "loopback_users = none\nvm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 10MB\n"
        )
        (self.directory / ".erlang.cookie").write_text(secrets.token_hex(16))
        os.chmod(self.directory / ".erlang.cookie", 0o400)
        for path in self.directory.iterdir():
            os.chown(path, *_ids(self.user))

    @property
    def url(self) -> str:
        return f"rabbit://stx:{self._password}@127.0.0.1:{self.port}/"

    def start(self) -> None:
        # A node name of its own, and an epmd of its own: another broker on this machine is none of our business.
        self._spawn(shutil.which("rabbitmq-server", path=_SEARCH) or "rabbitmq-server", environment=self._environment())
        self._await(lambda: _can_connect(self.port), 0.2)

    def _environment(self) -> dict[str, str]:
        directory = str(self.directory)
        return {
            "RABBITMQ_NODENAME": f"stx{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{directory}/rabbitmq",
            "RABBITMQ_MNESIA_BASE": f"{directory}/mnesia",
            "RABBITMQ_LOG_BASE": f"{directory}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def remove(self) -> None:
        super().remove()
        # epmd stays behind every node; this one is ours by its port.
        # It refuses until it has noticed that the node is gone.
        argv = [shutil.which("epmd", path=_SEARCH) or "epmd", "-port", str(self._epmd_port), "-kill"]
        with contextlib.suppress(TimeoutError):
            wait_for(
                "epmd", lambda: b"Killed" in subprocess.run(argv, check=False, capture_output=True, timeout=10).stdout, 10, 0.2
            )
