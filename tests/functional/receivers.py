# SPDX-License-Identifier: Apache-2.0
"""Fault Management with its notifier, and those who are told: net-snmp's trap daemon, and an HTTP server."""

import contextlib
import datetime
import http.server
import itertools
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import fixtures
from testtools import content, content_type

import fm.notify
from fm import faults
from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.notify import keeper, settings
from stx import testing

try:
    import pysnmp
except ImportError:
    pysnmp = None  # type: ignore[assignment]

DEADLINE_S = 60.0
COMMUNITY = "a-community"
MIBS = f"{pathlib.Path(__file__).parent / 'mibs'}:{pathlib.Path(fm.notify.__file__).parent}"
USER, AUTH, PRIV = "watcher", "an-auth-password", "a-priv-password"


def missing() -> str | None:
    """Why there can be no SNMP here."""
    for program in ("snmptrapd", "snmpwalk", "snmptranslate"):
        if not shutil.which(program, path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin"):
            return f"{program} is not installed (snmp, snmptrapd)"
    return None if pysnmp else "the extra `snmp` is not installed (pysnmp)"


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    return testing.free_port(kind)


def wait_for(claim: Callable[[], Any], what: str) -> Any:
    """What the claim gives as soon as that is something."""
    give_up_at, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not (found := claim()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"within {DEADLINE_S:g} s not: {what}")
        pause.wait(0.05)
    return found


def report(operation: faults.Operation = "set", entity: str = "host=compute-1.process=sshd", **attributes: Any) -> faults.Report:
    """A report as a component makes it; by default 200.006 is set on a process."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    values: dict[str, Any] = {"uuid": str(uuid.uuid4()), "timestamp": now}
    if operation != "clear-all":
        values["alarm_id"] = "200.006"
    if operation in ("set", "log"):
        values.update(severity="major", reason_text="a process has failed")
    return faults.Report(operation=operation, entity_instance_id=entity, **{**values, **attributes})


class Faults(fixtures.Fixture):
    """A database of Fault Management, and the notifier's process as fm-manager runs it.

    :param options: of [fm_notify]
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.agent_port = free_port()

    def _setUp(self) -> None:
        self.platform = self.useFixture(testing.Platform())
        self.path = self.platform.path
        self._options = {"agent_bind_host": "127.0.0.1", "agent_port": self.agent_port, "timeout": 1.0, **self._options}
        file = self.path / "stx.conf"
        lines = ["[DEFAULT]", f"state_path={self.path}", f"run_path={self.path}", f"log_dir={self.path}", "host=controller-0"]
        lines += ["[fm_database]", f"connection=sqlite:///{self.path}/fm.sqlite", "[fm_notify]"]
        file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in self._options.items())]) + "\n")
        self.platform.conf.conf([], project="starlingx", default_config_files=[str(file)])
        self.platform.conf.config(host="controller-0", state_path=str(self.path), run_path=str(self.path))
        db_api.database.reset()
        self.addCleanup(db_api.database.reset)
        db_api.database.migrate()
        db_api.synchronise_catalogue()
        self.addDetail("fm-notifier.log", content.Content(content_type.UTF8_TEXT, lambda: [self.log.encode()]))
        self.keeper = keeper.Keeper()
        self.addCleanup(self.keeper.stop)

    def start(self, *destinations: settings.TrapDestination, communities: tuple[str, ...] = ()) -> None:
        """Run the notifier until the test ends, with whom SNMP is spoken to."""
        self.keeper.configure(settings.Snmp("edge-1", "RegionOne", communities, destinations))
        self.keeper.start()

    def await_outlets(self, *names: str) -> None:
        """Until these have their places in the event log: what happens from then on is told."""
        wait_for(lambda: set(names) <= db_outlets.places().keys(), f"there are the outlets {', '.join(names)}")

    def store(self, *reports: faults.Report) -> None:
        db_api.store(list(reports))

    @property
    def log(self) -> str:
        file = self.path / "fm-notifier.log"
        return file.read_text() if file.exists() else ""


class TrapDaemon(fixtures.Fixture):
    """snmptrapd, which writes down what it receives."""

    def __init__(self) -> None:
        self.port = free_port()

    def _setUp(self) -> None:
        self._path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self._file = self._path / "received"
        # Not snmptrapd.conf: a file of that name is what it keeps for itself.
        self._configuration = self._path / "receiver.conf"
        self._configuration.write_text(
            f"authCommunity log {COMMUNITY}\ncreateUser {USER} SHA-256 {AUTH} AES {PRIV}\nauthUser log {USER} priv\n"
            r"format2 %v\n@\n" + "\n"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.addCleanup(self.end)
        self.begin()

    def begin(self) -> None:
        """Start it; it listens when this returns."""
        argv = ["snmptrapd", "-f", "-n", "-C", "-c", str(self._configuration), "-Lf", str(self._file), "-Oenq"]
        self.process = subprocess.Popen(
            [*argv, "-M", MIBS, "-m", "WRS-ALARM-MIB", f"udp:127.0.0.1:{self.port}"],
            env={"SNMP_PERSISTENT_DIR": str(self._path), "PATH": "/usr/sbin:/usr/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Before that what is sent to it is refused.
        wait_for(self._listens, "snmptrapd listens")

    def _listens(self) -> bool:
        port = f":{self.port:04X}"
        return any(line.split()[1].endswith(port) for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:])

    def end(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(DEADLINE_S)
            self.process = None

    def received(self) -> list[dict[str, str]]:
        """The variables of each notification, as it has printed them."""
        text = self._file.read_text() if self._file.exists() else ""
        found = []
        for each in text.split("\n@\n")[:-1]:
            pairs = (variable.split(" ", 1) for variable in each.rpartition("\n")[2].split("\t"))
            found.append({name: value.strip().strip('"') for name, value in pairs})
        return found

    def told(self) -> list[dict[str, str]]:
        """Without that the platform has started. What is sent again, as its confirmation was late, is written down again."""
        told = [each for each in self.received() if not each[TRAP_OID].startswith(".1.3.6.1.6.3.1.1.5")]
        return [each for each, _ in itertools.groupby(told)]


TRAP_OID = ".1.3.6.1.6.3.1.1.4.1.0"


class Web(fixtures.Fixture):
    """An HTTP server that keeps what is posted to it.

    :ivar status: that it answers with; 0 for nothing at all, until it is another
    """

    def _setUp(self) -> None:
        self.status = 200
        self.posted: list[tuple[str, str | None, Any]] = []
        outer, ended = self, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                while outer.status == 0 and not ended.wait(0.05):
                    pass
                if outer.status == 200:
                    outer.posted.append((self.path, self.headers["Authorization"], body))
                with contextlib.suppress(OSError):
                    self.send_response(outer.status or 503)
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.addCleanup(ended.set)
