# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL of two controllers: own stopped data made such that they can follow the peer. sm.postgresql is the command."""

import contextlib
import os
import re
import shutil
import sys
import time
from typing import NamedTuple

from sm.postgresql_plan import (
    FAILED,
    NOT_CONFIGURED,
    Conf,
    Failure,
    Own,
    Peer,
    Way,
    history,
    position,
    segment_position,
    to_peer,
    way,
)
from sm.postgresql_server import ANSWER_S, psql, replace, run, sync


def say(text: str) -> None:
    print(text, file=sys.stderr)


def control(conf: Conf) -> dict[str, str]:
    """The control file of stopped data, by the names that pg_controldata has for it."""
    printed = run([conf.program("pg_controldata"), str(conf.pgdata)], time.monotonic() + ANSWER_S)
    return {name: value.strip() for name, _, value in (line.partition(":") for line in printed.splitlines())}


_OF_STANDBY = ("shut down in recovery", "in archive recovery")


def _own(conf: Conf) -> Own:
    found = control(conf)
    state = found["Database cluster state"]
    timeline, at = int(found["Latest checkpoint's TimeLineID"]), position(found["Latest checkpoint location"])
    end: int | None = None
    if state == "shut down":
        # The record of the last checkpoint begins there, and is the last one.
        end = at + 1
    elif state in _OF_STANDBY:
        end = max(at, position(found["Minimum recovery ending location"]))
        timeline = int(found["Min recovery ending loc's timeline"]) or timeline
    elif label := _backup_label(conf):
        # A copy that was never started.
        state, timeline, end = "in archive recovery", label.timeline, label.position
    before = (conf.pgdata / "pg_wal" / f"{timeline:08X}.history").read_text() if timeline > 1 else ""
    return Own(found["Database system identifier"], timeline, history(before), state not in _OF_STANDBY, end or at, end)


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


def primary_peer(conf: Conf) -> Peer:
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


def join(conf: Conf, deadline: float) -> None:
    """Make stopped data such that they can follow the peer, if it is primary."""
    has_data = (conf.pgdata / "PG_VERSION").exists()
    if not has_data and conf.pgdata.exists() and any(conf.pgdata.iterdir()):
        raise Failure(NOT_CONFIGURED, f"{conf.pgdata} is not empty, and has no data of PostgreSQL.")
    try:
        peer = primary_peer(conf)
    except Failure as failure:
        if not has_data:
            raise Failure(FAILED, f"{conf.pgdata} is empty, and {failure}.") from None
        if conf.rewinding.exists():
            raise Failure(FAILED, f"{conf.pgdata} is rewound in part, and {failure}.") from None
        if conf.peer:
            say(f"It starts with own data: {failure}.")
    else:
        _follow(conf, peer, has_data, deadline)


def _follow(conf: Conf, peer: Peer, has_data: bool, deadline: float) -> None:
    chosen = Way.COPY
    if has_data and not conf.rewinding.exists():
        # Data that say nothing of themselves are replaced.
        with contextlib.suppress(Failure, FileNotFoundError):
            chosen = way(_own(conf), peer)
    if has_data and chosen is not Way.FOLLOW and not conf.is_expendable and not conf.rewinding.exists():
        say(f"Own data are kept: they may have what was acknowledged and {conf.peer} lacks.")
        return
    if chosen is Way.REWIND:
        try:
            _rewind(conf, deadline)
        except Failure as failure:
            say(f"Own data cannot be rewound: {failure}")
            chosen = Way.COPY
    if chosen is Way.COPY:
        if has_data:
            say(f"All data are copied from {conf.peer}, and own ones removed.")
        _copy(conf, deadline)
