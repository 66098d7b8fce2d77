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

import argparse
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import sys
import time
from typing import NoReturn

from sm.postgresql_data import control, join, primary_peer, say
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
    from_environment,
    identifier,
    password,
    quoted,
    requiring,
    settings,
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
    replace,
    running,
    running_primary,
)

_STREAM_S = 3.0
_INCLUDE = "include_if_exists = 'stx.conf'"


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
    join(conf, deadline)
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
        primary_peer(conf)
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
    if control(conf)["Database cluster state"] != "shut down" or conf.is_expendable:
        return start(conf)
    _configure(conf)
    replace(conf.standby_signal, "")
    # Until this ends the peer does not begin; what is left concerns nobody but whoever attaches it.
    launch(conf, time.monotonic() + conf.start_s, is_awaited=False)
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


def _end(*_: object) -> NoReturn:
    """What was begun is put in order, and programs that run are ended."""
    sys.exit(FAILED)


def main() -> int:
    """:returns: exit code"""
    signal.signal(signal.SIGTERM, _end)
    os.umask(0o077)
    # Not stx's own: this is called all the time, and nothing but the standard library is loaded.
    parser = argparse.ArgumentParser(
        prog="sm-postgresql",
        description="Runs PostgreSQL as the database of two controllers. Service Management calls it, with OCF_RESKEY_ parameters.",
        epilog="example:\n  OCF_RESKEY_pgdata=/var/lib/postgresql/data OCF_RESKEY_name=controller-0 sm-postgresql monitor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", metavar="ACTION", help=", ".join(ACTIONS))
    name = parser.parse_args().action
    action = ACTIONS.get(name)
    if action is None:
        say(f"There is no action {name!r}: choose among {', '.join(ACTIONS)}.")
        return UNKNOWN_ACTION
    try:
        conf = from_environment(os.environ)
        if not os.access(conf.program("postgres"), os.X_OK):
            raise Failure(NOT_INSTALLED, f"There is no {conf.program('postgres')}.")
        _become(conf.user)
        return action(conf)
    except Failure as failure:
        say(str(failure))
        return failure.code
    except OSError as error:
        say(f"{action.__name__}: {error}")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
