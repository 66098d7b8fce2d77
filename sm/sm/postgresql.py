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
import os
import pathlib
import pwd
import re
import shutil
import signal
import sys
import time
from typing import NamedTuple, NoReturn

from sm.postgresql_plan import (
    DATA_STANDALONE,
    DATA_SYNCING,
    FAILED,
    NOT_CONFIGURED,
    NOT_INSTALLED,
    OK,
    PRIMARY,
    UNKNOWN_ACTION,
    Conf,
    Failure,
    Own,
    Peer,
    Way,
    from_environment,
    history,
    identifier,
    password,
    position,
    quoted,
    requiring,
    segment_position,
    settings,
    to_peer,
    way,
)
from sm.postgresql_server import (
    ANSWER_S,
    ask,
    await_answer,
    await_claim,
    end_strays,
    halt,
    launch,
    postmaster,
    psql,
    replace,
    run,
    running,
    running_primary,
    sync,
)

_STREAM_S = 3.0
_INCLUDE = "include_if_exists = 'stx.conf'"


def _control(conf: Conf) -> dict[str, str]:
    """The control file of stopped data, by the names that pg_controldata has for it."""
    printed = run([conf.program("pg_controldata"), str(conf.pgdata)], time.monotonic() + ANSWER_S)
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
        found, segment_bytes, oldest, *lines = psql(conf, target, _LOOK, time.monotonic() + ANSWER_S).splitlines()
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
        run([conf.program("pg_basebackup"), "-w", "-D", str(new), "-X", "stream", "-c", "fast", "-d", target], deadline)
        replace(new / "standby.signal", "")
        if conf.pgdata.exists():
            conf.pgdata.replace(conf.old)
        new.replace(conf.pgdata)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    sync(conf.pgdata.parent)
    conf.rewinding.unlink(missing_ok=True)
    shutil.rmtree(conf.old, ignore_errors=True)


def _rewind(conf: Conf, deadline: float) -> None:
    """Take back what the peer does not have, and go on with what it has."""
    # pg_rewind goes by the last checkpoint, which may be from before the peer was promoted.
    psql(conf, to_peer(conf, dbname="postgres"), "CHECKPOINT", deadline)
    conf.rewinding.touch()
    sync(conf.pgdata.parent)
    # It runs a server that was killed once more, which is no standby then.
    conf.standby_signal.unlink(missing_ok=True)
    argv = [conf.program("pg_rewind"), "-D", str(conf.pgdata), "--source-server", to_peer(conf, dbname="postgres")]
    if conf.config != conf.pgdata:
        argv += ["--config-file", str(conf.config / "postgresql.conf")]
    run(argv, deadline, cwd=conf.pgdata)
    label = _backup_label(conf)
    if label and not any((conf.pgdata / "pg_wal").glob(f"????????{label.segment}")):
        raise Failure(FAILED, f"{conf.peer} has no WAL any more from where data differ")
    replace(conf.standby_signal, "")
    conf.rewinding.unlink()


def _configure(conf: Conf) -> bool:
    """Write all settings. Gives whether any has changed."""
    main = (conf.config / "postgresql.conf").resolve()
    try:
        text = main.read_text()
    except FileNotFoundError:
        raise Failure(NOT_CONFIGURED, f"There is no {main}.") from None
    if _INCLUDE not in text.splitlines():
        replace(main, f"{text.rstrip()}\n{_INCLUDE}\n")
    if conf.settings.exists() and conf.settings.read_text() == settings(conf):
        return False
    replace(conf.settings, settings(conf))
    return True


def start(conf: Conf) -> int:
    deadline = time.monotonic() + conf.start_s
    pid = postmaster(conf)
    if pid is not None:
        if conf.standby_signal.exists() and _is_useful(conf, pid, deadline):
            return OK
        halt(conf, pid)
    end_strays(conf)
    if conf.old.exists():
        # It ended while they were exchanged.
        if (conf.pgdata / "PG_VERSION").exists():
            shutil.rmtree(conf.old)
        else:
            conf.old.replace(conf.pgdata)
    _join(conf, deadline)
    _configure(conf)
    replace(conf.standby_signal, "")
    launch(conf, deadline)
    return OK


def _is_useful(conf: Conf, pid: int, deadline: float) -> bool:
    """A standby that streams, or that would not do better after another start."""
    await_answer(conf, pid, deadline)
    if not conf.is_expendable:
        return True
    if _configure(conf):
        os.kill(pid, signal.SIGHUP)
    try:
        _primary_peer(conf)
    except Failure:
        return True
    try:
        await_claim(conf, _streams(conf), time.monotonic() + _STREAM_S, "It does not stream.")
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
    pid = running(conf)
    if conf.standby_signal.exists() and _settings(conf) != requiring(_settings(conf), ""):
        _require(conf, pid, "")
    # One session that looks at it every 10 ms; pg_promote itself would look every 100 ms.
    ask(
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
    pid = running(conf)
    if conf.standby_signal.exists():
        return OK
    # What has to be on the disk when it stops is written while it still serves.
    with contextlib.suppress(Failure):
        ask(conf, "CHECKPOINT", time.monotonic() + conf.stop_s / 3)
    # Who waits for the peer now is told that it is uncertain, not that it is done: the settings come after.
    halt(conf, pid)
    if _control(conf)["Database cluster state"] != "shut down":
        return start(conf)
    _configure(conf)
    replace(conf.standby_signal, "")
    launch(conf, time.monotonic() + conf.start_s)
    return OK


def stop(conf: Conf) -> int:
    pid = postmaster(conf)
    if pid is not None:
        halt(conf, pid)
    return OK


def monitor(conf: Conf) -> int:
    running(conf)
    has_standby = "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
    answer = ask(conf, f"SELECT pg_is_in_recovery(), {_streams(conf)}, {has_standby}", time.monotonic() + ANSWER_S)
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
        replace(conf.settings, after)
    # Always: one who wrote the same may not have come so far.
    os.kill(pid, signal.SIGHUP)


def attach(conf: Conf) -> int:
    if not conf.peer:
        raise Failure(NOT_CONFIGURED, "OCF_RESKEY_peer is not set: there is nobody to attach.")
    deadline = time.monotonic() + conf.attach_s
    pid = running_primary(conf, deadline)
    rows = f"SELECT FROM pg_stat_replication WHERE application_name = {quoted(conf.peer)} AND state = 'streaming'"
    is_in_sync = f"EXISTS ({rows} AND sync_state = 'sync')"
    late = f"{conf.peer} did not get in step in time."
    before = _settings(conf)
    if before == requiring(before, conf.peer):
        # Required already, by one who was told so: that stays, whatever comes out.
        await_claim(conf, is_in_sync, deadline, late)
        return OK
    # One that has diverged streams too, what both have in common, again and again. Commits must not wait before it has what is new.
    mark = "SET synchronous_commit = local;\nSELECT pg_logical_emit_message(true, 'stx', 'attach')"
    try:
        now = quoted(ask(conf, mark, deadline))
        await_claim(
            conf, f"EXISTS ({rows} AND sent_lsn >= {now} AND flush_lsn >= {now})", deadline, f"{conf.peer} does not follow."
        )
        _require(conf, pid, conf.peer, is_certain=False)
        names = quoted(identifier(conf.peer))
        await_claim(conf, f"current_setting('synchronous_standby_names') = {names}", deadline, "Settings are not read.")
        # Commits wait from when the checkpointer has read the settings too, which it does between two checkpoints.
        reached = ask(conf, "CHECKPOINT;\nSELECT pg_current_wal_lsn()", deadline)
        await_claim(conf, f"EXISTS ({rows} AND sync_state = 'sync' AND flush_lsn >= {quoted(reached)})", deadline, late)
    except BaseException:
        _require(conf, pid, "")
        raise
    replace(conf.settings, requiring(before, conf.peer))
    return OK


def detach(conf: Conf) -> int:
    pid = running(conf)
    if not conf.standby_signal.exists():
        _require(conf, pid, "")
        await_claim(
            conf, "current_setting('synchronous_standby_names') = ''", time.monotonic() + ANSWER_S, "Settings are not read."
        )
    return OK


def prepare(conf: Conf) -> int:
    deadline = time.monotonic() + ANSWER_S
    if not conf.password_file:
        raise Failure(NOT_CONFIGURED, "OCF_RESKEY_password_file is not set.")
    secret = password(pathlib.Path(conf.password_file).read_text(), conf.replication_user)
    if secret is None:
        raise Failure(NOT_CONFIGURED, f"{conf.password_file} has no password of {conf.replication_user}.")
    running_primary(conf, deadline)
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
    ask(conf, "\n".join(sql), deadline)
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
