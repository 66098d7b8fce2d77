# SPDX-License-Identifier: Apache-2.0
"""Runs PostgreSQL on one or two controllers for Service Management: `sm-postgresql ACTION`, parameters and exit codes as of OCF.

======================  ==============================================================================================================
OCF_RESKEY_pgdata       directory of data, whose parent belongs to the user too, as it is replaced as a whole; not a mount point
OCF_RESKEY_bindir       /usr/lib/postgresql/15/bin
OCF_RESKEY_config       directory of postgresql.conf, where that is not pgdata
OCF_RESKEY_user         postgres: owns all that is written, and is the superuser of the database
OCF_RESKEY_socket       /var/run/postgresql
OCF_RESKEY_port         5432
OCF_RESKEY_log          what the server prints: pgdata with .log at its end
OCF_RESKEY_peer         host name of the other controller; without it there is no replication. Then name, the own one, is needed too
OCF_RESKEY_peer_address, OCF_RESKEY_peer_port, OCF_RESKEY_replication_user, OCF_RESKEY_password_file (a .pgpass, mode 600)
OCF_RESKEY_expendable   no: own data may have what was acknowledged; they are kept, even when a primary peer lacks some of them
OCF_RESKEY_start_s      600: a copy of all data has to fit in; likewise stop_s 45, promote_s 30, attach_s 10
======================  ==============================================================================================================

==================  ==================================================================================================================
start               runs as a standby that can be read, whatever it was before: follows, rewinds or copies the peer if that is primary
promote, demote     from one to the other; data of both are the same only if the peer was attached
stop, monitor
attach              commits wait for the peer's disk from now on: once it is 0, a takeover by the peer loses nothing
detach              commits wait for nobody; those that wait go on
prepare             makes replication_user, with what a standby needs, on a primary
==================  ==================================================================================================================

0 done or standby, 1 failed, 3 unknown action, 5 not installed, 6 not configured, 7 not running, 8 primary, 36 standby that does not stream,
41 primary that nobody is in step with. Whoever deploys it sets where PostgreSQL listens, and has in pg_hba.conf::

    local  all          postgres                       peer
    host   replication  stx_replication  PEER_ADDRESS  scram-sha-256
    host   postgres     stx_replication  PEER_ADDRESS  scram-sha-256
"""

import contextlib
import enum
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

OK, FAILED, UNKNOWN_ACTION, NOT_INSTALLED, NOT_CONFIGURED, NOT_RUNNING, PRIMARY = 0, 1, 3, 5, 6, 7, 8
DATA_SYNCING, DATA_STANDALONE = 36, 41

_POLL_S = 0.01
_ANSWER_S = 5.0
_STREAM_S = 3.0
_INCLUDE = "include_if_exists = 'stx.conf'"
_SYNCHRONOUS = "synchronous_standby_names = "
_UNCERTAIN = "# Nobody has seen yet that commits wait."


class Failure(Exception):
    """:ivar code: what the command exits with; the message says why"""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Conf(NamedTuple):
    """The parameters, see above."""

    pgdata: pathlib.Path
    bindir: pathlib.Path
    config: pathlib.Path
    user: str
    socket: str
    port: int
    log: pathlib.Path
    name: str
    peer: str
    peer_address: str
    peer_port: int
    replication_user: str
    password_file: str
    start_s: float
    stop_s: float
    promote_s: float
    attach_s: float
    is_expendable: bool

    def program(self, name: str) -> str:
        return str(self.bindir / name)

    @property
    def standby_signal(self) -> pathlib.Path:
        return self.pgdata / "standby.signal"

    @property
    def settings(self) -> pathlib.Path:
        return self.config / "stx.conf"

    @property
    def rewinding(self) -> pathlib.Path:
        """Is there from before data are rewound until they are whole again."""
        return self.pgdata.with_name(f"{self.pgdata.name}.rewinding")

    @property
    def old(self) -> pathlib.Path:
        return self.pgdata.with_name(f"{self.pgdata.name}.old")


def from_environment(environment: Mapping[str, str]) -> Conf:
    """:raises Failure: saying which parameter is missing or wrong"""

    def text(name: str, default: str = "") -> str:
        return environment.get(f"OCF_RESKEY_{name}") or default

    def number(name: str, default: str) -> float:
        try:
            return float(text(name, default))
        except ValueError:
            raise Failure(NOT_CONFIGURED, f"OCF_RESKEY_{name} is {text(name)!r}, not a number.") from None

    for name in ("pgdata", "name") if text("peer") else ("pgdata",):
        if not text(name):
            raise Failure(NOT_CONFIGURED, f"OCF_RESKEY_{name} is not set.")
    pgdata, port = pathlib.Path(text("pgdata")), int(number("port", "5432"))
    return Conf(
        pgdata=pgdata,
        bindir=pathlib.Path(text("bindir", "/usr/lib/postgresql/15/bin")),
        config=pathlib.Path(text("config", str(pgdata))),
        user=text("user", "postgres"),
        socket=text("socket", "/var/run/postgresql"),
        port=port,
        log=pathlib.Path(text("log", f"{pgdata}.log")),
        name=text("name"),
        peer=text("peer"),
        peer_address=text("peer_address", text("peer")),
        peer_port=int(number("peer_port", str(port))),
        replication_user=text("replication_user", "stx_replication"),
        password_file=text("password_file"),
        start_s=number("start_s", "600"),
        stop_s=number("stop_s", "45"),
        promote_s=number("promote_s", "30"),
        attach_s=number("attach_s", "10"),
        is_expendable=text("expendable", "yes") != "no",
    )


def quoted(text: str) -> str:
    """A string of postgresql.conf or SQL."""
    return "'" + text.replace("'", "''") + "'"


def conninfo(**parts: str | int) -> str:
    """How libpq is told where to go; what is empty is left out."""
    escaped = {key: str(part).replace("\\", r"\\").replace("'", r"\'") for key, part in parts.items() if part != ""}
    return " ".join(f"{key}='{part}'" for key, part in escaped.items())


def to_peer(conf: Conf, **more: str) -> str:
    """What all connections to the peer begin with."""
    who = {"user": conf.replication_user, "passfile": conf.password_file, "application_name": conf.name}
    return conninfo(host=conf.peer_address, port=conf.peer_port, connect_timeout=3, **who, **more)


def settings(conf: Conf) -> str:
    """stx.conf of a server for which nobody is required."""
    chosen = {
        "hot_standby": "on",
        "wal_level": "replica",
        "wal_log_hints": "on",
        "full_page_writes": "on",
        # As many as by default: data of a primary that had more do not start as a standby's.
        "max_wal_senders": "10",
        "wal_keep_size": "512MB",
        "wal_sender_timeout": "3s",
        "wal_receiver_timeout": "3s",
        "wal_receiver_status_interval": "1s",
        "wal_retrieve_retry_interval": "500ms",
        "recovery_target_timeline": "latest",
        "synchronous_commit": "on",
        "primary_conninfo": to_peer(conf) if conf.peer else "",
    }
    lines = ["# Written by sm-postgresql: changes are lost.", *(f"{name} = {quoted(value)}" for name, value in chosen.items())]
    return requiring("\n".join(lines), "")


def requiring(text: str, peer: str, is_certain: bool = True) -> str:
    """stx.conf with another one whom commits wait for, and all else as it was.

    :param peer: empty for nobody
    :param is_certain: that commits do wait
    """
    lines = [line for line in text.splitlines() if line != _UNCERTAIN and not line.startswith(_SYNCHRONOUS)]
    lines += [_SYNCHRONOUS + quoted(identifier(peer)), *([] if is_certain else [_UNCERTAIN])]
    return "\n".join(lines) + "\n"


def identifier(text: str) -> str:
    """A name of SQL, or of a list of standbys; of nothing, nothing."""
    return '"' + text.replace('"', '""') + '"' if text else ""


def password(text: str, user: str) -> str | None:
    """The first one of a user in a file like .pgpass; None when there is none."""
    for line in text.splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", line)]
        if len(fields) == 5 and not line.startswith("#") and fields[3] in (user, "*"):
            return fields[4]
    return None


# A timeline that was left, and the position in WAL, in bytes, where that was.
History = tuple[tuple[int, int], ...]


class Own(NamedTuple):
    """What the stopped data here are.

    :ivar was_primary: was never put in recovery since it last was one
    :ivar end: position that they do not go beyond, of that timeline; None when a server that was killed may have written more
    """

    system: str
    timeline: int
    history: History
    was_primary: bool
    position: int
    end: int | None


class Peer(NamedTuple):
    """A peer that is primary.

    :ivar oldest: position from which on it has WAL
    """

    system: str
    timeline: int
    history: History
    oldest: int


class Way(enum.Enum):
    FOLLOW = enum.auto()
    REWIND = enum.auto()
    COPY = enum.auto()


def way(own: Own, peer: Peer) -> Way:
    """How own data become a standby's of this peer."""
    # One that was promoted at the same time as the peer has a timeline of the same number: nothing tells them apart.
    was_rival = own.was_primary and own.timeline == peer.timeline
    if own.system != peer.system or was_rival or own.position < peer.oldest:
        return Way.COPY
    for mine, theirs in zip(own.history, peer.history, strict=False):
        if mine != theirs:
            return Way.COPY if own.timeline == peer.timeline else Way.REWIND
    if len(own.history) > len(peer.history):
        return Way.REWIND
    timeline, left_at = (*peer.history, (peer.timeline, None))[len(own.history)]
    if timeline == own.timeline and (left_at is None or (own.end is not None and own.end <= left_at)):
        return Way.FOLLOW
    return Way.REWIND


def position(text: str) -> int:
    """Bytes, of what PostgreSQL prints as 1/6B374D8."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def history(text: str) -> History:
    """Of a file of a timeline's history, or of what psql prints of it."""
    found = re.findall(r"(?m)^(?:[0-9A-F]{8}\.history\|)?(\d+)\t([0-9A-F]+/[0-9A-F]+)", text)
    return tuple((int(timeline), position(left_at)) for timeline, left_at in found)


def segment_position(name: str, segment_bytes: int) -> int:
    """Where a file of WAL begins: its name without the timeline."""
    return (int(name[:8], 16) << 32) + int(name[8:], 16) * segment_bytes


def _run(argv: list[str], deadline: float, *, give: str = "", cwd: str | pathlib.Path = "/") -> str:
    """What a program printed.

    :param deadline: monotonic seconds
    :raises Failure: with the reason that it gave
    """
    name = pathlib.Path(argv[0]).name
    with _spawn(argv, cwd) as process:
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


def _spawn(argv: list[str], cwd: str | pathlib.Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", cwd=cwd, env=_ENVIRONMENT, start_new_session=True
    )


# Nothing of whoever calls, so that no PGHOST leads elsewhere.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _reason(text: str) -> str:
    """The words that matter of what a program complained about."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|FATAL|PANIC|DETAIL|invalid|unrecognized", line)] or lines[-1:]
    words = [re.sub(r"^(\w+: error: |.*(LOG|FATAL|PANIC|DETAIL): +)", "", line) for line in telling[:2]]
    return "; ".join(words) or "no reason given"


def _psql(conf: Conf, target: str, sql: str, deadline: float) -> str:
    return _run([conf.program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", target], deadline, give=sql).strip()


def _ask(conf: Conf, sql: str, deadline: float) -> str:
    """Have the own server do something."""
    left_ms = max(1, int((deadline - time.monotonic()) * 1000))
    options = f"-c statement_timeout={left_ms}"
    target = conninfo(host=conf.socket, port=conf.port, user=conf.user, dbname="postgres", connect_timeout=3, options=options)
    return _psql(conf, target, sql, deadline)


def _await(conf: Conf, claim: str, deadline: float, failure: str) -> None:
    """Wait until an expression of SQL holds."""
    # The last look may end a little late, so that it is said what was waited for.
    while _ask(conf, f"SELECT {claim}", deadline + 1.0) != "t":
        if time.monotonic() > deadline:
            raise Failure(FAILED, failure)
        time.sleep(0.05)


def _replace(path: pathlib.Path, text: str) -> None:
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
    _sync(path.parent)


def _sync(directory: pathlib.Path) -> None:
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


def _postmaster(conf: Conf) -> int | None:
    """The server's process; None when there is none, whatever the file says."""
    lines = _pid_file(conf)
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    return pid if pid and _is_at_work(conf, pid, "postgres") else None


def _running(conf: Conf) -> int:
    pid = _postmaster(conf)
    if pid is None:
        raise Failure(NOT_RUNNING, f"PostgreSQL of {conf.pgdata} does not run.")
    return pid


def _running_primary(conf: Conf, deadline: float) -> int:
    pid = _running(conf)
    if _ask(conf, "SELECT pg_is_in_recovery()", deadline) != "f":
        raise Failure(FAILED, "This is for a primary, and PostgreSQL is a standby.")
    return pid


def _end_strays(conf: Conf) -> None:
    """End what a server or a command that was killed left at work on the data, and what else says that there is a server."""
    deadline = time.monotonic() + _ANSWER_S
    while strays := [
        int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _is_at_work(conf, int(pid), "postgres", "pg_rewind")
    ]:
        if time.monotonic() > deadline:
            raise Failure(FAILED, f"Process {strays[0]} of a server that is gone does not end.")
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    (conf.pgdata / "postmaster.pid").unlink(missing_ok=True)
    lock = pathlib.Path(conf.socket, f".s.PGSQL.{conf.port}.lock")
    with contextlib.suppress(FileNotFoundError):
        if lock.read_text().splitlines()[1:2] == [str(conf.pgdata)]:
            lock.unlink()


def _launch(conf: Conf, deadline: float) -> None:
    """Start the server, and wait until it answers.

    :raises Failure: with the reason that it gave
    """
    where = [f"--port={conf.port}", f"--unix_socket_directories={conf.socket}"]
    argv = [conf.program("postgres"), "-D", str(conf.pgdata), *where]
    if conf.config != conf.pgdata:
        argv.append(f"--config_file={conf.config / 'postgresql.conf'}")
    with conf.log.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_ENVIRONMENT, start_new_session=True
        )
    try:
        _await_answer(conf, process.pid, deadline)
    except Failure as failure:
        if process.poll() is None:
            raise
        with conf.log.open("rb") as log:
            log.seek(before)
            raise Failure(FAILED, f"PostgreSQL did not start: {_reason(log.read().decode(errors='replace'))}") from failure
    # It stays when this process ends.
    process.returncode = 0


def _await_answer(conf: Conf, pid: int, deadline: float) -> None:
    """Wait until the server says in its file that it can be asked."""
    while True:
        lines = _pid_file(conf)
        if len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready":
            return
        try:
            has_ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            has_ended = not _is_at_work(conf, pid, "postgres")
        if has_ended:
            raise Failure(FAILED, "PostgreSQL has ended.")
        if time.monotonic() > deadline:
            raise Failure(FAILED, "PostgreSQL runs, but did not come so far in time that it answers.")
        time.sleep(_POLL_S)


def _halt(conf: Conf, pid: int) -> None:
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


def _control(conf: Conf) -> dict[str, str]:
    """The control file of stopped data, by the names that pg_controldata has for it."""
    printed = _run([conf.program("pg_controldata"), str(conf.pgdata)], time.monotonic() + _ANSWER_S)
    return {name: value.strip() for name, _, value in (line.partition(":") for line in printed.splitlines())}


_OF_STANDBY = ("shut down in recovery", "in archive recovery")


def _own(conf: Conf) -> Own:
    control = _control(conf)
    state = control["Database cluster state"]
    timeline, at = int(control["Latest checkpoint's TimeLineID"]), position(control["Latest checkpoint location"])
    end: int | None = None
    if state == "shut down":
        # The record of the last checkpoint begins there, and is the last one.
        end = at + 1
    elif state in _OF_STANDBY:
        end = max(at, position(control["Minimum recovery ending location"]))
        timeline = int(control["Min recovery ending loc's timeline"]) or timeline
    elif label := _backup_label(conf):
        # A copy that was never started.
        state, timeline, end = "in archive recovery", label.timeline, label.position
    before = (conf.pgdata / "pg_wal" / f"{timeline:08X}.history").read_text() if timeline > 1 else ""
    return Own(control["Database system identifier"], timeline, history(before), state not in _OF_STANDBY, end or at, end)


class Label(NamedTuple):
    """Where data that were copied, or rewound, begin to be recovered.

    :ivar segment: name of the file of WAL, without the timeline
    """

    position: int
    segment: str
    timeline: int


def _backup_label(conf: Conf) -> Label | None:
    path = conf.pgdata / "backup_label"
    text = path.read_text() if path.exists() else ""
    start = re.search(r"START WAL LOCATION: (\S+) \(file (.{8})(.{16})\)", text)
    return Label(position(start[1]), start[3], int(start[2], 16)) if start else None


_LOOK = r"""
IDENTIFY_SYSTEM \gset
SELECT pg_is_in_recovery() AS is_standby, :timeline > 1 AS has_history \gset
\echo :systemid :timeline :is_standby
SELECT setting FROM pg_settings WHERE name = 'wal_segment_size';
SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal', true, false) AS name WHERE name ~ '^[0-9A-F]{24}$';
\if :has_history
TIMELINE_HISTORY :timeline;
\endif
"""


def _primary_peer(conf: Conf) -> Peer:
    """:raises Failure: when there is none, it does not answer or is a standby"""
    if not conf.peer:
        raise Failure(FAILED, "there is no peer")
    try:
        target = to_peer(conf, dbname="postgres", replication="database")
        found, segment_bytes, oldest, *lines = _psql(conf, target, _LOOK, time.monotonic() + _ANSWER_S).splitlines()
    except Failure as failure:
        raise Failure(FAILED, f"{conf.peer} does not answer ({failure})") from None
    system, timeline, is_standby = found.split()
    if is_standby == "t":
        raise Failure(FAILED, f"{conf.peer} is a standby")
    return Peer(system, int(timeline), history("\n".join(lines)), segment_position(oldest, int(segment_bytes)))


def _copy(conf: Conf, deadline: float) -> None:
    """Data of the peer instead of the own ones, which stay until the others are whole."""
    for left in conf.pgdata.parent.glob(f"{conf.pgdata.name}.new.*"):
        shutil.rmtree(left)
    # A directory of its own: a command that was killed may have left a program that still writes.
    new = conf.pgdata.with_name(f"{conf.pgdata.name}.new.{os.getpid()}")
    try:
        target = to_peer(conf)
        _run([conf.program("pg_basebackup"), "-w", "-D", str(new), "-X", "stream", "-c", "fast", "-d", target], deadline)
        _replace(new / "standby.signal", "")
        if conf.pgdata.exists():
            conf.pgdata.replace(conf.old)
        new.replace(conf.pgdata)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _sync(conf.pgdata.parent)
    conf.rewinding.unlink(missing_ok=True)
    shutil.rmtree(conf.old, ignore_errors=True)


def _rewind(conf: Conf, deadline: float) -> None:
    """Take back what the peer does not have, and go on with what it has."""
    # pg_rewind goes by the last checkpoint, which may be from before the peer was promoted.
    _psql(conf, to_peer(conf, dbname="postgres"), "CHECKPOINT", deadline)
    conf.rewinding.touch()
    _sync(conf.pgdata.parent)
    # It runs a server that was killed once more, which is no standby then.
    conf.standby_signal.unlink(missing_ok=True)
    argv = [conf.program("pg_rewind"), "-D", str(conf.pgdata), "--source-server", to_peer(conf, dbname="postgres")]
    if conf.config != conf.pgdata:
        argv += ["--config-file", str(conf.config / "postgresql.conf")]
    _run(argv, deadline, cwd=conf.pgdata)
    label = _backup_label(conf)
    if label and not any((conf.pgdata / "pg_wal").glob(f"????????{label.segment}")):
        raise Failure(FAILED, f"{conf.peer} has no WAL any more from where data differ")
    _replace(conf.standby_signal, "")
    conf.rewinding.unlink()


def _configure(conf: Conf) -> bool:
    """Write all settings. Gives whether any has changed."""
    main = (conf.config / "postgresql.conf").resolve()
    try:
        text = main.read_text()
    except FileNotFoundError:
        raise Failure(NOT_CONFIGURED, f"There is no {main}.") from None
    if _INCLUDE not in text.splitlines():
        _replace(main, f"{text.rstrip()}\n{_INCLUDE}\n")
    if conf.settings.exists() and conf.settings.read_text() == settings(conf):
        return False
    _replace(conf.settings, settings(conf))
    return True


def start(conf: Conf) -> int:
    deadline = time.monotonic() + conf.start_s
    pid = _postmaster(conf)
    if pid is not None:
        if conf.standby_signal.exists() and _is_useful(conf, pid, deadline):
            return OK
        _halt(conf, pid)
    _end_strays(conf)
    if conf.old.exists():
        # It ended while they were exchanged.
        if (conf.pgdata / "PG_VERSION").exists():
            shutil.rmtree(conf.old)
        else:
            conf.old.replace(conf.pgdata)
    _join(conf, deadline)
    _configure(conf)
    _replace(conf.standby_signal, "")
    _launch(conf, deadline)
    return OK


def _is_useful(conf: Conf, pid: int, deadline: float) -> bool:
    """A standby that streams, or that would not do better after another start."""
    _await_answer(conf, pid, deadline)
    if not conf.is_expendable:
        return True
    if _configure(conf):
        os.kill(pid, signal.SIGHUP)
    try:
        _primary_peer(conf)
    except Failure:
        return True
    try:
        _await(conf, _streams(conf), time.monotonic() + _STREAM_S, "It does not stream.")
    except Failure:
        return False
    return True


def _streams(conf: Conf) -> str:
    """The claim, in SQL, that WAL comes in of the newest timeline that was heard of.

    A standby that cannot follow its primary streams for moments, on the timeline that both have in common.
    """
    newest = max((int(path.stem, 16) for path in (conf.pgdata / "pg_wal").glob("*.history")), default=1)
    return f"EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND received_tli >= {newest})"


def _join(conf: Conf, deadline: float) -> None:
    """Make stopped data such that they can follow the peer, if it is primary."""
    has_data = (conf.pgdata / "PG_VERSION").exists()
    if not has_data and conf.pgdata.exists() and any(conf.pgdata.iterdir()):
        raise Failure(NOT_CONFIGURED, f"{conf.pgdata} is not empty, and has no data of PostgreSQL.")
    try:
        peer = _primary_peer(conf)
    except Failure as failure:
        if not has_data:
            raise Failure(FAILED, f"{conf.pgdata} is empty, and {failure}.") from None
        if conf.rewinding.exists():
            raise Failure(FAILED, f"{conf.pgdata} is rewound in part, and {failure}.") from None
        if conf.peer:
            _say(f"It starts with own data: {failure}.")
    else:
        _follow(conf, peer, has_data, deadline)


def _follow(conf: Conf, peer: Peer, has_data: bool, deadline: float) -> None:
    chosen = Way.COPY
    if has_data and not conf.rewinding.exists():
        # Data that say nothing of themselves are replaced.
        with contextlib.suppress(Failure, FileNotFoundError):
            chosen = way(_own(conf), peer)
    if has_data and chosen is not Way.FOLLOW and not conf.is_expendable and not conf.rewinding.exists():
        _say(f"Own data are kept: they may have what was acknowledged and {conf.peer} lacks.")
        return
    if chosen is Way.REWIND:
        try:
            _rewind(conf, deadline)
        except Failure as failure:
            _say(f"Own data cannot be rewound: {failure}")
            chosen = Way.COPY
    if chosen is Way.COPY:
        if has_data:
            _say(f"All data are copied from {conf.peer}, and own ones removed.")
        _copy(conf, deadline)


def promote(conf: Conf) -> int:
    deadline = time.monotonic() + conf.promote_s
    pid = _running(conf)
    if conf.standby_signal.exists() and _settings(conf) != requiring(_settings(conf), ""):
        _require(conf, pid, "")
    # One session that looks at it every 10 ms; pg_promote itself would look every 100 ms.
    _ask(
        conf,
        """DO $$ BEGIN
        IF pg_is_in_recovery() THEN
            PERFORM pg_promote(false);
            WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.01); END LOOP;
        END IF;
        END $$""",
        deadline,
    )
    return OK


def demote(conf: Conf) -> int:
    pid = _running(conf)
    if conf.standby_signal.exists():
        return OK
    # What has to be on the disk when it stops is written while it still serves.
    with contextlib.suppress(Failure):
        _ask(conf, "CHECKPOINT", time.monotonic() + conf.stop_s / 3)
    # Who waits for the peer now is told that it is uncertain, not that it is done: the settings come after.
    _halt(conf, pid)
    if _control(conf)["Database cluster state"] != "shut down":
        return start(conf)
    _configure(conf)
    _replace(conf.standby_signal, "")
    _launch(conf, time.monotonic() + conf.start_s)
    return OK


def stop(conf: Conf) -> int:
    pid = _postmaster(conf)
    if pid is not None:
        _halt(conf, pid)
    return OK


def monitor(conf: Conf) -> int:
    _running(conf)
    has_standby = "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
    answer = _ask(conf, f"SELECT pg_is_in_recovery(), {_streams(conf)}, {has_standby}", time.monotonic() + _ANSWER_S)
    is_standby, streams, is_followed = (found == "t" for found in answer.split("|"))
    if is_standby:
        return OK if streams or not conf.peer else DATA_SYNCING
    return PRIMARY if is_followed or not conf.peer else DATA_STANDALONE


def _settings(conf: Conf) -> str:
    return conf.settings.read_text() if conf.settings.exists() else settings(conf)


def _require(conf: Conf, pid: int, peer: str, is_certain: bool = True) -> None:
    """Have commits wait for the peer, or for nobody, as soon as the server has read it."""
    before = _settings(conf)
    after = requiring(before, peer, is_certain)
    if after != before:
        _replace(conf.settings, after)
    # Always: one who wrote the same may not have come so far.
    os.kill(pid, signal.SIGHUP)


def attach(conf: Conf) -> int:
    if not conf.peer:
        raise Failure(NOT_CONFIGURED, "OCF_RESKEY_peer is not set: there is nobody to attach.")
    deadline = time.monotonic() + conf.attach_s
    pid = _running_primary(conf, deadline)
    rows = f"SELECT FROM pg_stat_replication WHERE application_name = {quoted(conf.peer)} AND state = 'streaming'"
    is_in_sync = f"EXISTS ({rows} AND sync_state = 'sync')"
    late = f"{conf.peer} did not get in step in time."
    before = _settings(conf)
    if before == requiring(before, conf.peer):
        # Required already, by one who was told so: that stays, whatever comes out.
        _await(conf, is_in_sync, deadline, late)
        return OK
    # One that has diverged streams too, what both have in common, again and again. Commits must not wait before it has what is new.
    mark = "SET synchronous_commit = local;\nSELECT pg_logical_emit_message(true, 'stx', 'attach')"
    try:
        now = quoted(_ask(conf, mark, deadline))
        _await(conf, f"EXISTS ({rows} AND sent_lsn >= {now} AND flush_lsn >= {now})", deadline, f"{conf.peer} does not follow.")
        _require(conf, pid, conf.peer, is_certain=False)
        names = quoted(identifier(conf.peer))
        _await(conf, f"current_setting('synchronous_standby_names') = {names}", deadline, "Settings are not read.")
        # Commits wait from when the checkpointer has read the settings too, which it does between two checkpoints.
        reached = _ask(conf, "CHECKPOINT;\nSELECT pg_current_wal_lsn()", deadline)
        _await(conf, f"EXISTS ({rows} AND sync_state = 'sync' AND flush_lsn >= {quoted(reached)})", deadline, late)
    except BaseException:
        _require(conf, pid, "")
        raise
    _replace(conf.settings, requiring(before, conf.peer))
    return OK


def detach(conf: Conf) -> int:
    pid = _running(conf)
    if not conf.standby_signal.exists():
        _require(conf, pid, "")
        _await(conf, "current_setting('synchronous_standby_names') = ''", time.monotonic() + _ANSWER_S, "Settings are not read.")
    return OK


def prepare(conf: Conf) -> int:
    deadline = time.monotonic() + _ANSWER_S
    if not conf.password_file:
        raise Failure(NOT_CONFIGURED, "OCF_RESKEY_password_file is not set.")
    secret = password(pathlib.Path(conf.password_file).read_text(), conf.replication_user)
    if secret is None:
        raise Failure(NOT_CONFIGURED, f"{conf.password_file} has no password of {conf.replication_user}.")
    _running_primary(conf, deadline)
    role = identifier(conf.replication_user)
    functions = (
        *("pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)", "pg_read_binary_file(text)"),
        "pg_read_binary_file(text, bigint, bigint, boolean)",
    )
    sql = [
        # No log has the password, and a peer that is down keeps nobody from preparing for it.
        "SET log_statement = none; SET log_min_error_statement = panic; SET log_min_duration_statement = -1;",
        "SET synchronous_commit = local; SET password_encryption = 'scram-sha-256';",
        "BEGIN;",
        f"SELECT count(*) = 0 AS is_new FROM pg_roles WHERE rolname = {quoted(conf.replication_user)} \\gset",  # noqa: S608
        f"\\if :is_new\nCREATE ROLE {role};\n\\endif",
        f"ALTER ROLE {role} LOGIN REPLICATION PASSWORD {quoted(secret)};",
        f"GRANT pg_checkpoint TO {role};",
        *(f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {role};" for function in functions),
        "COMMIT;",
    ]
    _ask(conf, "\n".join(sql), deadline)
    return OK


ACTIONS = {action.__name__: action for action in (start, promote, demote, stop, monitor, attach, detach, prepare)}


def _become(user: str) -> None:
    """Do all as the user, as which nothing can be written that is not the user's."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise Failure(NOT_CONFIGURED, f"There is no user {user}.") from None
    if os.getuid() == 0:
        # With its groups: on Debian it reads the key for TLS by one.
        os.initgroups(user, found.pw_gid)
        os.setgid(found.pw_gid)
        os.setuid(found.pw_uid)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _end(*_: object) -> NoReturn:
    """What was begun is put in order, and programs that run are ended."""
    sys.exit(FAILED)


def main() -> int:
    """:returns: exit code"""
    signal.signal(signal.SIGTERM, _end)
    os.umask(0o077)
    action = ACTIONS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if action is None:
        _say(f"Usage: sm-postgresql {'|'.join(ACTIONS)}")
        return UNKNOWN_ACTION
    try:
        conf = from_environment(os.environ)
        if not os.access(conf.program("postgres"), os.X_OK):
            raise Failure(NOT_INSTALLED, f"There is no {conf.program('postgres')}.")
        _become(conf.user)
        return action(conf)
    except Failure as failure:
        _say(str(failure))
        return failure.code
    except OSError as error:
        _say(f"{action.__name__}: {error}")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
