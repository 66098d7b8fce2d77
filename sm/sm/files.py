# SPDX-License-Identifier: Apache-2.0
"""sm-files: one tree of files on both controllers, written on the active one. Called by Service Management as OCF agents are.

The standby controller runs an rsync daemon that takes the tree; the active one runs none, so nobody can write into what it has. What must
not be lost is acknowledged only after `sm-files sync`, which returns when the file is on the disks of both controllers, or when the
voters know that this one goes on alone.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from sm import control

SUCCESS, FAILED, NOT_INSTALLED, NOT_CONFIGURED, NOT_RUNNING, ACTIVE = 0, 1, 5, 6, 7, 8
USER = "stx"
_DEADLINE_S = 5.0
_POLL_S = 0.02


class FilesError(Exception):
    """It did not succeed; the message says why."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


class Tree:
    """:param given: directory, module, run (where its own files are), password_file; with another controller peer_address, port, and
    own_port where that is another one
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        for name in ("directory", "module"):
            if not given.get(name):
                raise FilesError(f"OCF_RESKEY_{name} is not set: give the service this parameter.", NOT_CONFIGURED)
        self.directory = pathlib.Path(given["directory"])
        self._module = given["module"]
        self._run = pathlib.Path(given.get("run", "/run/sm/files"))
        self._secrets = pathlib.Path(given.get("password_file", "/var/lib/sm/files.secrets"))
        self._address = given.get("address", "")
        self._peer = given.get("peer_address", "")
        self._port = given.get("port", "873")
        self._own_port = given.get("own_port", self._port)
        self._deadline_s = float(given.get("attach_s", "50"))
        if shutil.which("rsync") is None:
            raise FilesError("rsync is not installed.", NOT_INSTALLED)

    def start(self) -> int:
        """Be ready to take the tree."""
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._write(self._run / "active", None)
        if self._peer and self._pid() is None:
            self._start_daemon()
        return SUCCESS

    def stop(self) -> int:
        self._stop_daemon()
        self._write(self._run / "active", None)
        self._write(self._run / "standby", None)
        return SUCCESS

    def promote(self) -> int:
        """From now on it is written here, and here alone."""
        self._stop_daemon()
        self._write(self._run / "standby", None)
        self._write(self._run / "active", "")
        return SUCCESS

    def demote(self) -> int:
        return self.start()

    def monitor(self) -> int:
        if (self._run / "active").exists():
            return ACTIVE
        if not self._peer:
            return SUCCESS if (self._run / "standby").exists() else NOT_RUNNING
        return SUCCESS if self._pid() is not None else NOT_RUNNING

    def attach(self) -> int:
        """Have all of it on the other controller too."""
        if not self._peer:
            raise FilesError("There is no other controller.")
        self._push(f"{self.directory}/", "")
        return SUCCESS

    def detach(self) -> int:
        return SUCCESS

    def sync(self, names: Sequence[str]) -> int:
        """Return when these files, which are in the tree, are as safe as they can be.

        :raises FilesError: when they are not: then what depends on them must not be acknowledged
        """
        state = control.ask(self._run.parent, do="status")
        if state["phase"] != "active":
            raise FilesError(f"{state['name']} is not the active controller.")
        # While the other copy catches up too: it may have passed this file already.
        if state["copies"] in ("alone", "detaching"):
            os.sync()
            return SUCCESS
        for name in names or ["."]:
            path = (self.directory / name).resolve()
            if not path.is_relative_to(self.directory.resolve()):
                raise FilesError(f"{name} is not in {self.directory}.")
            relative = path.relative_to(self.directory.resolve())
            # The part after /./ is made on the other side too.
            self._push(f"{self.directory}/./{relative}", "", "--relative")
        return SUCCESS

    def _push(self, source: str, target: str, *options: str) -> None:
        url = f"rsync://{USER}@{self._peer}:{self._port}/{self._module}/{target}"
        environment = {**os.environ, "RSYNC_PASSWORD": self._password()}
        # A file of the same size is another one if it was written a nanosecond later.
        how = ["-aHX", "--numeric-ids", "--delete", "--fsync", "--modify-window=-1", "--timeout=10"]
        argv = ["rsync", *how, *options, source, url]
        try:
            done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=self._deadline_s, check=False)
        except subprocess.TimeoutExpired:
            raise FilesError(f"The other controller did not take {source} within {self._deadline_s:g} s.") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise FilesError(f"The other controller does not take {source}: {said[0] if said else done.returncode}")

    def _password(self) -> str:
        try:
            return self._secrets.read_text().partition(":")[2].strip()
        except OSError as error:
            raise FilesError(f"{self._secrets}: {error.strerror}", NOT_CONFIGURED) from error

    def _start_daemon(self) -> None:
        self._password()
        bound = [f"address = {self._address}"] if self._address else []
        lines = [
            f"pid file = {self._pid_file}",
            f"port = {self._own_port}",
            *bound,
            # A name server that is out of reach would hold up every write.
            "reverse lookup = no",
            f"[{self._module}]",
            f"path = {self.directory}",
            "read only = no",
            "uid = 0",
            "gid = 0",
            "use chroot = yes",
            f"auth users = {USER}",
            f"secrets file = {self._secrets}",
            f"hosts allow = {self._peer}",
            "max connections = 4",
            "",
        ]
        self._write(self._run / "rsyncd.conf", "\n".join(lines))
        self._pid_file.unlink(missing_ok=True)
        subprocess.run(
            ["rsync", "--daemon", f"--config={self._run / 'rsyncd.conf'}"], check=True, capture_output=True, timeout=_DEADLINE_S
        )
        self._write(self._run / "standby", "")
        deadline = time.monotonic() + _DEADLINE_S
        while self._pid() is None:
            if time.monotonic() > deadline:
                raise FilesError("rsync did not start.")
            time.sleep(_POLL_S)

    def _stop_daemon(self) -> None:
        pid = self._pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + _DEADLINE_S
            while self._pid() is not None and time.monotonic() < deadline:
                time.sleep(_POLL_S)

    @property
    def _pid_file(self) -> pathlib.Path:
        return self._run / "rsyncd.pid"

    def _pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text())
            is_ours = b"rsync" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if is_ours else None

    def _write(self, path: pathlib.Path, content: str | None) -> None:
        """:param content: None for no such file"""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(content)


_ACTIONS: dict[str, Callable[[Tree], int]] = {
    action.__name__: action
    for action in (Tree.start, Tree.stop, Tree.promote, Tree.demote, Tree.monitor, Tree.attach, Tree.detach)
}


def main(argv: Sequence[str] | None = None) -> int:
    """:returns: exit code of OCF; 2 when the command line was not understood"""
    # Not stx's own: this is called all the time, and nothing but the standard library is loaded.
    parser = argparse.ArgumentParser(
        prog="sm-files",
        description="Keeps a tree of files on both controllers. Service Management calls it, with OCF_RESKEY_ parameters; "
        "sync is for whoever has stored something that must not be lost.",
        epilog="example:\n  sm-files sync config/hosts.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=[*_ACTIONS, "sync"])
    parser.add_argument("paths", nargs="*", metavar="PATH", help="what sync waits for, seen from the tree (default: all of it)")
    arguments = parser.parse_args(argv)
    prefix = "OCF_RESKEY_"
    given = {name.removeprefix(prefix): value for name, value in os.environ.items() if name.startswith(prefix)}
    try:
        if arguments.action == "sync":
            return Tree({"directory": "/opt/platform", "module": "platform", **_configured(), **given}).sync(arguments.paths)
        if arguments.paths:
            parser.error(f"{arguments.action} takes no PATH")
        return _ACTIONS[arguments.action](Tree(given))
    except FilesError as error:
        print(f"sm-files: {error}", file=sys.stderr)
        return error.code
    except (OSError, control.ControlError, subprocess.SubprocessError) as error:
        print(f"sm-files: {error}", file=sys.stderr)
        return FAILED


def _configured() -> dict[str, str]:
    """The parameters that the service has, for whoever calls it by hand."""
    from sm.db import RUNTIME, Database, DatabaseError
    from sm.parameters import read_parameters

    if not RUNTIME.exists():
        return {}
    try:
        rows = Database(RUNTIME, is_read_only=True).rows("SERVICE_INSTANCES", service_name="platform-fs")
    except DatabaseError as error:
        raise FilesError(str(error)) from error
    return read_parameters(rows[0]["instance_parameters"]) if rows else {}
