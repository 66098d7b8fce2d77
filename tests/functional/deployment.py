# SPDX-License-Identifier: Apache-2.0
"""The deployments that functional tests run on: embedded, as `stx up` makes it, and standard, with PostgreSQL and RabbitMQ.

Each is started at its first use in a test process and ended when the process ends, also when tests fail.
"""

import atexit
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stx import hostkeys, testing
from stxembedded import config, identity, process, units
from stxembedded.platform import answers
from tests.functional import engines
from tests.functional.engines import wait_for

PROGRAMS = pathlib.Path(sys.executable).parent
COMMAND_DEADLINE_S = 120
# A service that asks another one waits for it for half of this.
ANSWER_DEADLINE_S = 60
CONTROLLER_DEADLINE_S = 90.0


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a REST service answered."""

    status: int
    text: bytes
    headers: Mapping[str, str] = dataclasses.field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def fault(self) -> str:
        return str(json.loads(self.json["error_message"])["faultstring"])


@dataclasses.dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Deployment:
    """What tests do with a running platform."""

    layout: config.Layout

    @property
    def drop_ins(self) -> pathlib.Path:
        """Directory of the files that tell the process monitor what to watch."""
        return self.layout.pmon_dir

    def environment(self, user: str = "admin") -> dict[str, str]:
        """Shell variables of a user's credentials."""
        return {
            **os.environ,
            "PATH": f"{PROGRAMS}:{os.environ.get('PATH', '')}",
            **config.login_variables(self.layout, user, config.read_passwords(self.layout)[user]),
        }

    def run(self, *argv: str, user: str = "admin", **variables: str) -> Ran:
        """Run a command of the platform's as a user would.

        :param variables: environment variables beside the user's credentials, or in their place
        """
        environment = {**self.environment(user), **variables}
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=COMMAND_DEADLINE_S, check=False, cwd="/"
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def token(self, user: str = "admin") -> str:
        body = {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": user, "domain": {"id": "default"}, "password": config.read_passwords(self.layout)[user]}
                    },
                },
                "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
            }
        }
        request = urllib.request.Request(f"{self.layout.auth_url}/auth/tokens", json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=ANSWER_DEADLINE_S) as answer:
            return str(answer.headers["X-Subject-Token"])

    def request(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """:param service: platform or faultmanagement
        :param token: by default the administrator's; "" sends none
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.layout.url(service) + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        token = self.token() if token is None else token
        if token:
            request.add_header("X-Auth-Token", token)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_DEADLINE_S) as answer:
                return Reply(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.read(), error.headers)

    def alarms(self, token: str) -> list[dict[str, Any]]:
        """All active alarms, oldest first, through every page."""
        return self._all("/v1/alarms?limit=1000", "alarms", token)

    def events(self, token: str, query: str = "") -> list[dict[str, Any]]:
        """All events, oldest first."""
        return self._all(f"/v1/event_log?limit=1000&sort_key=id&sort_dir=asc{query}", "event_log", token)

    def _all(self, path: str, key: str, token: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        first = path
        while path:
            page = self.request("faultmanagement", "GET", path, token=token).json
            if "marker" in page.get("error_message", ""):
                # The item that the page before ended with was cleared meanwhile.
                return self._all(first, key, token)
            if key not in page:
                raise AssertionError(page)
            found += page[key]
            path = page.get("next", "").removeprefix(self.layout.url("faultmanagement"))
        return found

    def host(self, token: str, name: str = "controller-0") -> dict[str, Any]:
        reply = self.request("platform", "GET", f"/v1/ihosts/{name}", token=token)
        if reply.status != 200:
            raise AssertionError(reply)
        return dict(reply.json)

    def python(self, code: str, *arguments: str, deadline_s: float = 120, more: Sequence[pathlib.Path] = ()) -> str:
        """Run Python as a process of this host's platform, with its configuration; gives what it printed.

        :param more: files of further configuration
        """
        argv = self._python_argv(code, *arguments, more=more)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=deadline_s, check=False, cwd="/")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    @contextlib.contextmanager
    def spawn_python(self, code: str, *arguments: str, more: Sequence[pathlib.Path] = ()) -> Iterator[subprocess.Popen[str]]:
        """Like python(), but its output can be read while it runs."""
        argv = self._python_argv(code, *arguments, more=more)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd="/") as spawned:
            try:
                yield spawned
            finally:
                spawned.kill()

    def _python_argv(self, code: str, *arguments: str, more: Sequence[pathlib.Path]) -> list[str]:
        files = [f"--config-file={path}" for path in (*self.host_files(), *more)]
        prelude = f"import os\nos.umask(0o077)\nfrom stx import config\nconfig.parse({files!r}, 'test-client')\n"
        return [sys.executable, "-c", prelude + textwrap.dedent(code), *arguments]

    def host_files(self) -> list[pathlib.Path]:
        """Configuration of a process that is on the host, but not part of the controller."""
        raise NotImplementedError

    def monitor_pid(self) -> int:
        """The process id of mtce-client."""
        found = process.read_pid_file(self.layout.pid_file("mtce-client"))
        if found is None:
            raise AssertionError("mtce-client does not run")
        return found.pid

    def reload_monitor(self) -> None:
        os.kill(self.monitor_pid(), signal.SIGHUP)

    def await_in_service(self, deadline_s: float = CONTROLLER_DEADLINE_S) -> None:
        token = self.token()

        def is_in_service() -> bool:
            reply = self.request("platform", "GET", "/v1/ihosts/controller-0", token=token)
            # On a busy machine it may not have told of itself yet.
            if reply.status == 404:
                return False
            host = reply.json
            return (host["administrative"], host["operational"], host["availability"]) == ("unlocked", "enabled", "available")

        wait_for("controller-0 in service", is_in_service, deadline_s, 0.2)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


def _new_layout() -> config.Layout:
    data_dir = pathlib.Path(tempfile.mkdtemp(prefix="stx-test-", dir="/var/tmp"))
    return config.Layout(data_dir, ports={service: testing.free_port() for service in config.PORTS})


class Embedded(Deployment):
    """One controller process, SQLite and in-process messaging, started by `stx up`."""

    name = "embedded"

    def __init__(self) -> None:
        self.layout = _new_layout()

    def stx(self, *arguments: str, deadline_s: float = 150, **options: Any) -> Ran:
        """:param options: of subprocess.run, such as env and user"""
        argv = [str(PROGRAMS / "stx"), *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=deadline_s, check=False, cwd="/", **options)
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def ports(self) -> list[str]:
        """Options of `stx up` that choose the ports."""
        return [f"--{service}-port={port}" for service, port in self.layout.ports.items()]

    def start(self) -> None:
        ran = self.stx("up", "--data-dir", str(self.layout.data_dir), *self.ports)
        if ran.code != 0:
            self.stop()
            raise AssertionError(ran.out + ran.err)

    def stop(self) -> None:
        self.stx("down", "--data-dir", str(self.layout.data_dir))
        shutil.rmtree(self.layout.data_dir, ignore_errors=True)

    def host_files(self) -> list[pathlib.Path]:
        return [self.layout.stx_conf, self.layout.host_conf]


class Standard(Deployment):
    """One process a service, PostgreSQL and RabbitMQ; what systemd does on a real controller the test does."""

    name = "standard"
    # In the order in which they start.
    SERVICES = (
        "fm-manager",
        "fm-courier",
        "sysinv-conductor",
        "mtce-agent",
        "fm-api",
        "sysinv-api",
        "sysinv-agent",
        "mtce-client",
    )
    # These speak of their own host alone, so that they need no more than a host has that is no controller.
    OF_HOSTS = ("sysinv-agent", "mtce-client")

    def __init__(self) -> None:
        self.layout = _new_layout()
        self.postgresql = engines.PostgreSQL()
        self.rabbitmq = engines.RabbitMQ()

    def start(self) -> None:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self.layout.save()
        passwords = config.load_passwords(self.layout)
        config.write_configuration(self.layout, passwords)
        self.rabbitmq.start()
        self.postgresql.start()
        self.postgresql.create("fm", "sysinv")
        config.write_private(self._master_key, f"{secrets.token_hex(32)}\n")
        config.write_private(self._own_conf, self._options())
        self._write_host(config.HOSTNAME, self._host_conf)
        keystone = next(unit for unit in units.all_units(self.layout) if unit.name == "keystone")
        process.start(keystone.argv, self.layout.pid_file("keystone"), self.layout.output("keystone"), dict(os.environ))
        for name in ("sysinv-dbsync", "fm-dbsync"):
            subprocess.run([str(PROGRAMS / name), *self._arguments], check=True, timeout=COMMAND_DEADLINE_S, capture_output=True)
        wait_for("Keystone", lambda: answers(self.layout.auth_url), CONTROLLER_DEADLINE_S)
        identity.ensure_platform(self.layout, passwords)
        for service in self.SERVICES:
            self.start_service(service)
        for service in ("platform", "faultmanagement"):
            check = functools.partial(answers, f"{self.layout.url(service)}/healthcheck")
            wait_for(service, check, CONTROLLER_DEADLINE_S)
        self.await_in_service()

    @property
    def _own_conf(self) -> pathlib.Path:
        return self.layout.data_dir / "standard.conf"

    @property
    def _host_conf(self) -> pathlib.Path:
        return self.layout.data_dir / "host-of-standard.conf"

    @property
    def _master_key(self) -> pathlib.Path:
        return self.layout.data_dir / "master.key"

    def _write_host(self, name: str, file: pathlib.Path) -> None:
        """What differs for processes of a host: it has its own key only."""
        key_file = file.with_suffix(".key")
        (master,) = hostkeys.read(self._master_key)
        config.write_private(key_file, f"{hostkeys.derive(master, hostkeys.of_host(name)).decode()}\n")
        config.write_private(file, f"[DEFAULT]\nhost = {name}\nmaster_key_file =\nhost_key_file = {key_file}\n")

    def taken_over(self, name: str) -> pathlib.Path:
        """What the configuration is of whoever has taken over another host: it has the bus, and this host's key."""
        file = self.layout.data_dir / f"{name}.conf"
        self._write_host(name, file)
        return file

    @property
    def _arguments(self) -> list[str]:
        return [f"--config-file={path}" for path in self.host_files()]

    def host_files(self) -> list[pathlib.Path]:
        return [self.layout.stx_conf, self._own_conf]

    def _options(self) -> str:
        return textwrap.dedent(f"""\
            [DEFAULT]
            transport_url = {self.rabbitmq.url}
            master_key_file = {self._master_key}
            [fm]
            # Tests look back on all that has happened.
            event_log_max_size = 1000000
            [fm_database]
            connection = {self.postgresql.url("fm")}
            [sysinv_database]
            connection = {self.postgresql.url("sysinv")}
            [bootstrap]
            system_type = Standard
            [mtce]
            may_reboot = false
            [mtce_resources]
            enabled = false
            """)

    def start_service(self, name: str) -> None:
        argv = [str(PROGRAMS / name), *self._arguments]
        if name in self.OF_HOSTS:
            argv.append(f"--config-file={self._host_conf}")
        process.start(argv, self.layout.pid_file(name), self.layout.output(name), dict(os.environ))

    def stop_service(self, name: str, deadline_s: float = 20) -> process.Stopped:
        return process.stop(self.layout.pid_file(name), deadline_s)

    def kill_service(self, name: str) -> None:
        """End it as a crash would."""
        found = process.read_pid_file(self.layout.pid_file(name))
        if found is not None:
            # It may have ended by itself just now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
            wait_for(f"{name} gone", lambda: not found.is_running)

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """The service is stopped for as long as the block takes."""
        self.stop_service(name)
        try:
            yield
        finally:
            self.start_service(name)

    def stop(self) -> None:
        names = ("keystone", *self.SERVICES)
        # All at once: one that listens to the bus takes seconds to stop.
        for name in names:
            if found := process.read_pid_file(self.layout.pid_file(name)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGTERM)
        for name in names:
            self.stop_service(name)
        self.rabbitmq.remove()
        self.postgresql.remove()
        shutil.rmtree(self.layout.data_dir, ignore_errors=True)


_started: dict[type, Any] = {}


def get(kind: type) -> Any:
    """The running deployment of this kind."""
    if kind not in _started:
        made = kind()
        made.start()
        _started[kind] = made
        atexit.register(made.stop)
    return _started[kind]


def poll(read: Callable[[], Any], accept: Callable[[Any], bool], deadline_s: float) -> tuple[Any, float]:
    """Read until the value is acceptable; gives it and the seconds that it took. At the deadline the last value is given."""
    begun = time.monotonic()
    while True:
        value = read()
        took = time.monotonic() - begun
        if accept(value) or took > deadline_s:
            return value, took
        time.sleep(0.02)


__all__ = ["Deployment", "Embedded", "Ran", "Reply", "Standard", "get", "poll", "wait_for"]
