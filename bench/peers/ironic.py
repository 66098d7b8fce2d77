# SPDX-License-Identifier: Apache-2.0
"""A real Ironic API on SQLite, without authentication, to compare the host list's speed with."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
import typing
import venv as virtual_environments

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "ironic-requirements.txt"
FILL = HERE / "ironic_nodes.py"

LIMIT = 100
MICROVERSION = "1.115"
INSTALL_TIMEOUT_S = 900.0
FILL_TIMEOUT_S = 300.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.1


class PeerError(Exception):
    """The peer could not be brought up."""


def environment_path(cache: pathlib.Path, requirements: str) -> pathlib.Path:
    """Where the virtual environment of these requirements stands, for this Python."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(f"{python}\n{requirements}".encode()).hexdigest()[:16]
    return cache / f"ironic-{digest}"


def environment(cache: pathlib.Path) -> pathlib.Path:
    """The folder of Ironic's programs, installed from PyPI where the cache does not hold it yet."""
    path = environment_path(cache, REQUIREMENTS.read_text())
    programs, complete = path / "bin", path / "complete"
    if not complete.exists():
        # An install that was cut short left no mark, and starts afresh.
        virtual_environments.create(path, clear=True, with_pip=True)
        install = ("-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS))
        _run(programs, install, path / "install.log", INSTALL_TIMEOUT_S)
        complete.touch()
    return programs


def configuration(directory: pathlib.Path, port: int) -> str:
    """The text of ``ironic.conf``; what it does not name keeps Ironic's default.

    One worker: the server in Ironic 39 binds the port in every worker, so a second one never starts
    and is forked anew without end.
    """
    return f"""\
[DEFAULT]
auth_strategy = noauth
rpc_transport = json-rpc
state_path = {directory}

[database]
connection = sqlite:///{directory}/ironic.sqlite

[api]
host_ip = 127.0.0.1
port = {port}
api_workers = 1
"""


class IronicPeer:
    """Ironic's own API server with its nodes, up for as long as the context lasts.

    :param workdir: existing folder; database, configuration and logs go into a new one inside it
    :param nodes: how many nodes it has
    :param venv: folder that caches Ironic's virtual environment from one run to the next
    """

    headers: typing.Final = {"X-OpenStack-Ironic-API-Version": MICROVERSION}

    def __init__(self, workdir: pathlib.Path, nodes: int, venv: pathlib.Path) -> None:
        self._workdir = workdir
        self._nodes = nodes
        self._cache = venv
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def detail_url(self) -> str:
        """The first hundred nodes with every field."""
        return f"http://127.0.0.1:{self._port}/v1/nodes/detail?limit={LIMIT}"

    @property
    def short_url(self) -> str:
        """The first hundred nodes with the few fields of a plain list."""
        return f"http://127.0.0.1:{self._port}/v1/nodes?limit={LIMIT}"

    @property
    def process_group(self) -> int:
        """The group of the master and its workers, for counting their memory."""
        if self._process is None:
            raise PeerError("Ironic is not running: enter the peer's context first.")
        return self._process.pid

    def __enter__(self) -> "IronicPeer":
        programs = environment(self._cache.resolve())
        directory = pathlib.Path(tempfile.mkdtemp(prefix="ironic-", dir=self._workdir.resolve()))
        self._port = _free_port()
        conf, log = directory / "ironic.conf", directory / "ironic.log"
        conf.write_text(configuration(directory, self._port))
        configured = ("--config-file", str(conf))
        create = (str(programs / "ironic-dbsync"), *configured, "create_schema")
        _run(programs, create, log, FILL_TIMEOUT_S)
        _run(programs, (str(FILL), *configured, str(self._nodes)), log, FILL_TIMEOUT_S)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [programs / "python", "-I", programs / "ironic-api", *configured],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_list(self._process, log)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._stop()

    def _await_list(self, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            listed = self._listed()
            if listed is None:
                time.sleep(POLL_S)
            elif listed == min(self._nodes, LIMIT):
                return
            else:
                raise PeerError(f"Ironic lists {listed} nodes of {self._nodes}: see {log}.")
        raise PeerError(f"Ironic's API did not come up on port {self._port}: see {log}.")

    def _listed(self) -> int | None:
        """How many nodes the full list gives, None while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=START_TIMEOUT_S)
        with contextlib.closing(connection):
            try:
                connection.request("GET", f"/v1/nodes/detail?limit={LIMIT}", headers=self.headers)
                response = connection.getresponse()
                body = response.read()
            except OSError:
                return None
        if response.status != http.client.OK:
            raise PeerError(f"Ironic answers its list of nodes with HTTP {response.status}.")
        return len(json.loads(body)["nodes"])

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        # A worker may outlive its master.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_TIMEOUT_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(programs: pathlib.Path, arguments: tuple[str, ...], log: pathlib.Path, timeout_s: float) -> None:
    """Run the environment's Python, isolated: this folder's modules must not stand in for Ironic."""
    with log.open("ab") as output:
        try:
            subprocess.run(
                [programs / "python", "-I", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=timeout_s,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise PeerError(f"The Ironic peer could not be prepared: see {log}.") from error
