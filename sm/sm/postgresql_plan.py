# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL of two controllers: parameters, settings, and how own data become a standby's. Pure; sm.postgresql is the command."""

import enum
import pathlib
import re
from collections.abc import Mapping
from typing import NamedTuple

OK, FAILED, UNKNOWN_ACTION, NOT_INSTALLED, NOT_CONFIGURED, NOT_RUNNING, PRIMARY = 0, 1, 3, 5, 6, 7, 8
DATA_SYNCING, DATA_STANDALONE = 36, 41

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
