# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL of two controllers: the server's process, and what it is asked. sm.postgresql is the command."""

import contextlib
import os
import pathlib
import re
import select
import signal
import subprocess
import time

from sm.postgresql_plan import FAILED, NOT_RUNNING, Conf, Failure, conninfo

POLL_S = 0.01
ANSWER_S = 5.0


def run(argv: list[str], deadline: float, *, give: str = "", cwd: str | pathlib.Path = "/") -> str:
    """What a program printed.

    :param deadline: monotonic seconds
    :raises Failure: with the reason that it gave
    """
    name = pathlib.Path(argv[0]).name
    with spawn(argv, cwd) as process:
        try:
            printed, complaints = process.communicate(give, timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure(FAILED, f"{name} did not end in time.") from None
        finally:
            # Whatever it started itself, too.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise Failure(FAILED, f"{name}: {_reason(complaints)}")
    return printed


def spawn(argv: list[str], cwd: str | pathlib.Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", cwd=cwd, env=ENVIRONMENT, start_new_session=True
    )


# Nothing of whoever calls, so that no PGHOST leads elsewhere.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _reason(text: str) -> str:
    """The words that matter of what a program complained about."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|FATAL|PANIC|DETAIL|invalid|unrecognized", line)] or lines[-1:]
    words = [re.sub(r"^(\w+: error: |.*(LOG|FATAL|PANIC|DETAIL): +)", "", line) for line in telling[:2]]
    return "; ".join(words) or "no reason given"


def psql(conf: Conf, target: str, sql: str, deadline: float) -> str:
    return run([conf.program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", target], deadline, give=sql).strip()


def ask(conf: Conf, sql: str, deadline: float) -> str:
    """Have the own server do something."""
    left_ms = max(1, int((deadline - time.monotonic()) * 1000))
    options = f"-c statement_timeout={left_ms}"
    target = conninfo(host=conf.socket, port=conf.port, user=conf.user, dbname="postgres", connect_timeout=3, options=options)
    return psql(conf, target, sql, deadline)


def await_claim(conf: Conf, claim: str, deadline: float, failure: str) -> None:
    """Wait until an expression of SQL holds."""
    # The last look may end a little late, so that it is said what was waited for.
    while ask(conf, f"SELECT {claim}", deadline + 1.0) != "t":
        if time.monotonic() > deadline:
            raise Failure(FAILED, failure)
        time.sleep(0.05)


def replace(path: pathlib.Path, text: str) -> None:
    """On disk as a whole or not at all, whatever happens."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync(path.parent)


def sync(directory: pathlib.Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_at_work(conf: Conf, pid: int, *programs: str) -> bool:
    """A process that runs one of these on these data: it stands in their directory."""
    try:
        program = pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name.removesuffix(" (deleted)")
        return program in programs and os.path.samefile(f"/proc/{pid}/cwd", conf.pgdata)
    except OSError:
        return False


def _pid_file(conf: Conf) -> list[str]:
    try:
        return (conf.pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def postmaster(conf: Conf) -> int | None:
    """The server's process; None when there is none, whatever the file says."""
    lines = _pid_file(conf)
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    return pid if pid and _is_at_work(conf, pid, "postgres") else None


def running(conf: Conf) -> int:
    pid = postmaster(conf)
    if pid is None:
        raise Failure(NOT_RUNNING, f"PostgreSQL of {conf.pgdata} does not run.")
    return pid


def running_primary(conf: Conf, deadline: float) -> int:
    pid = running(conf)
    if ask(conf, "SELECT pg_is_in_recovery()", deadline) != "f":
        raise Failure(FAILED, "This is for a primary, and PostgreSQL is a standby.")
    return pid


def end_strays(conf: Conf) -> None:
    """End what a server or a command that was killed left at work on the data, and what else says that there is a server."""
    deadline = time.monotonic() + ANSWER_S
    while strays := [
        int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _is_at_work(conf, int(pid), "postgres", "pg_rewind")
    ]:
        if time.monotonic() > deadline:
            raise Failure(FAILED, f"Process {strays[0]} of a server that is gone does not end.")
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)
    (conf.pgdata / "postmaster.pid").unlink(missing_ok=True)
    lock = pathlib.Path(conf.socket, f".s.PGSQL.{conf.port}.lock")
    with contextlib.suppress(FileNotFoundError):
        if lock.read_text().splitlines()[1:2] == [str(conf.pgdata)]:
            lock.unlink()


def launch(conf: Conf, deadline: float, is_awaited: bool = True) -> None:
    """Start the server, and wait until it answers.

    :param is_awaited: else only until it has its data
    :raises Failure: with the reason that it gave
    """
    where = [f"--port={conf.port}", f"--unix_socket_directories={conf.socket}"]
    argv = [conf.program("postgres"), "-D", str(conf.pgdata), *where]
    if conf.config != conf.pgdata:
        argv.append(f"--config_file={conf.config / 'postgresql.conf'}")
    with conf.log.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=ENVIRONMENT, start_new_session=True
        )
    try:
        await_answer(conf, process.pid, deadline, is_awaited)
    except Failure as failure:
        if process.poll() is None:
            raise
        with conf.log.open("rb") as log:
            log.seek(before)
            raise Failure(FAILED, f"PostgreSQL did not start: {_reason(log.read().decode(errors='replace'))}") from failure
    # It stays when this process ends.
    process.returncode = 0


def await_answer(conf: Conf, pid: int, deadline: float, is_ready: bool = True) -> None:
    """Wait until the server says in its file that it can be asked; or that the data are its own, where it need not be ready."""
    while True:
        lines = _pid_file(conf)
        if lines[:1] == [str(pid)] and (not is_ready or [line.strip() for line in lines[7:8]] == ["ready"]):
            return
        try:
            has_ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            has_ended = not _is_at_work(conf, pid, "postgres")
        if has_ended:
            raise Failure(FAILED, "PostgreSQL has ended.")
        if time.monotonic() > deadline:
            raise Failure(FAILED, "PostgreSQL runs, but did not come so far in time that it answers.")
        time.sleep(POLL_S)


def halt(conf: Conf, pid: int) -> None:
    """End the server in order, or, if that takes a third of the time, at once."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        for number, wait_s in ((signal.SIGINT, conf.stop_s / 3), (signal.SIGQUIT, conf.stop_s / 2)):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            if ended.poll(wait_s * 1000):
                return
    finally:
        os.close(descriptor)
    raise Failure(FAILED, f"PostgreSQL, process {pid}, does not end.")
