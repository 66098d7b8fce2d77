# SPDX-License-Identifier: Apache-2.0
"""What mtce-agent sees of hosts: their reports, the pulses that they answer, their boards; put together for a decision."""

import dataclasses
import math
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from oslo_config import cfg

from mtce import client, rows
from mtce.boards import BoardState
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level
from mtce.life.model import Board, Ended, Facts, FailureAction, Life, Report, Stage

CONF = cfg.CONF

# A board that is away for so long is told to operators.
BOARD_LOST_S = 120.0
# That a host is silent is seen so much later than it is so.
_LAG_S = 2.0


@dataclasses.dataclass
class Said:
    """The last report of a host, and when it came, in seconds of listening."""

    report: client.HostReport
    at: float


@dataclasses.dataclass(frozen=True)
class Sight:
    """:ivar levels: by network, how the host answers pulses there
    :ivar is_monitored: its process monitor is heard; None while it may still be heard for the first time
    :ivar is_board_lost: its board has not answered for long; None while that may still change
    """

    facts: Facts
    levels: Mapping[str, Level]
    is_monitored: bool | None
    is_board_lost: bool | None


class Watch:
    """Threads that hear reports share it with the one that decides.

    :param options: what says how hosts are watched; by default the group mtce of the configuration
    """

    def __init__(self, options: Any = None) -> None:
        self._options = CONF.mtce if options is None else options
        self._lock = threading.Lock()
        self._said: dict[str, Said] = {}
        # By name, the uuid of the host that has it, or had it last.
        self._known: dict[str, str] = {}
        self._silent_since: dict[str, float] = {}
        self._board_lost_since: dict[str, float] = {}
        # Since when it is asked, or fenced, whatever it answers meanwhile.
        self._asked_since: dict[str, float] = {}
        self.listened_s = 0.0

    def hear(self, report: client.HostReport, listened_s: float) -> bool:
        """Whether the report says anything new."""
        with self._lock:
            before = self._said.get(report.hostname)
            self._said[report.hostname] = Said(report, listened_s)
        return before is None or is_news(before.report, report)

    def last(self, name: str) -> Said | None:
        with self._lock:
            return self._said.get(name)

    def meet(self, hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What a host said that was deleted is not said by another one that gets its name. Gives such names.

        :param hosts: by uuid
        """
        others = []
        with self._lock:
            for uuid, host in hosts.items():
                name = host["hostname"]
                if name and self._known.setdefault(name, uuid) != uuid:
                    self._known[name] = uuid
                    self._said.pop(name, None)
                    self._silent_since.pop(name, None)
                    others.append(name)
        return others

    def keep(self, names: Collection[str]) -> None:
        """Forget whoever is no host, after a while in which he may have become one: anybody on the bus can say that he is one more."""
        with self._lock:
            old = [name for name, said in self._said.items() if self.listened_s - said.at >= CONF.mtce.report_timeout]
            for name in set(old) - set(names):
                del self._said[name]

    def is_waiting(self, name: str) -> bool:
        """Whether time alone may change what is made of a host: it, or its board, is silent."""
        return name in self._silent_since or name in self._board_lost_since

    def is_heard(self, host: Mapping[str, Any]) -> bool:
        """Whether the host reported in time. One that did to an agent before this one is given the same time."""
        is_locked = host["administrative"] == "locked"
        was_there = host["operational"] == "enabled" or (is_locked and host["availability"] == "online")
        said = self.last(host["hostname"])
        last = said.at if said is not None else 0.0
        return self.listened_s - last < CONF.mtce.report_timeout and (said is not None or was_there)

    def see(
        self,
        host: Mapping[str, Any],
        life: Life,
        now: float,
        pulses: wire.Facts | None,
        networks: Mapping[str, Mapping[str, str]],
        has_board: bool,
        board: BoardState | None,
        has_sensor_alarm: bool,
        rest: Callable[..., Facts],
    ) -> Sight:
        """:param networks: by network, the hosts that are to answer there
        :param board: what is known of its board; None where nothing is, or it has none
        :param rest: makes the facts from what is seen here and what is seen of all hosts
        """
        name, said, is_heard = host["hostname"], self.last(host["hostname"]), self.is_heard(host)
        is_self = name == CONF.host
        levels = {} if is_self else self._levels(name, pulses, networks, is_heard)
        lost = [network for network, level in levels.items() if level is Level.LOST]
        answered = pulses.boots.get(name, "") if pulses is not None and levels else ""
        if levels:
            is_alive, is_known = len(lost) < len(levels) and bool(answered), True
        else:
            # One that has reported before, or still may, is no sign of silence; nor is that this agent has just begun to listen.
            is_alive, is_known = is_heard and said is not None, not is_heard and self._has_waited(said)
        boot_id = answered or (said.report.boot_id if said is not None else "")
        is_current = said is not None and said.report.boot_id == boot_id and (is_heard or bool(levels))
        since = self._since(self._silent_since, name, is_known and not is_alive, now)
        # Where there are no pulses, it takes long until a host counts as silent.
        silent_s = 0.0 if since is None else now - since if levels else math.inf
        monitored = self._monitored(host, life, said, is_heard, bool(lost) and len(lost) == len(levels))
        if monitored and pulses is not None and name in pulses.unmonitored and life.is_in_service:
            monitored = False
        action = FailureAction(self._options.heartbeat_failure_action)
        misses = action in (FailureAction.FAIL, FailureAction.DEGRADE) and any(
            level >= Level.DEGRADED for level in levels.values()
        )
        asked_since = self._since(self._asked_since, name, life.stage in (Stage.ASK, Stage.FENCE), now)
        facts = rest(
            personality=host["personality"],
            is_all_in_one=rows.is_all_in_one(host),
            is_self=is_self,
            action=host["requested_action"] if rows.is_open(host) else "",
            action_number=host["action_number"],
            is_alive=is_alive,
            silent_s=silent_s,
            watched=len(levels),
            lost=len(lost),
            is_mgmt_lost="mgmt" in lost,
            boot_id=boot_id if is_alive or is_current else "",
            report=_report(said.report) if said is not None and is_current else None,
            board=_board(board, asked_since if since is None else since) if has_board else None,
            is_degraded=misses or monitored is False or has_sensor_alarm,
        )
        return Sight(facts, levels, monitored, self._is_board_lost(name, has_board, board, now))

    def _is_board_lost(self, name: str, has_board: bool, board: BoardState | None, now: float) -> bool | None:
        since = self._since(self._board_lost_since, name, board is not None and not board.is_reachable, now)
        if since is not None:
            return True if now - since >= BOARD_LOST_S else None
        # Nobody has asked it yet.
        return None if has_board and board is None else False

    def _has_waited(self, said: Said | None) -> bool:
        """Whether a host that was never heard had time to report, whatever its state; it may be in the midst of a procedure."""
        return said is not None or self.listened_s >= CONF.mtce.report_timeout

    def _levels(
        self,
        name: str,
        pulses: wire.Facts | None,
        networks: Mapping[str, Mapping[str, str]],
        is_heard: bool,
    ) -> dict[str, Level]:
        """Of networks on which the host is asked. One that has never answered may have nothing to answer with, while it reports."""
        if pulses is None or (name not in pulses.boots and is_heard):
            return {}
        return {
            network: Level(seen.ailing.get(name, (0, 0))[0])
            for network, seen in pulses.networks.items()
            if seen.is_asked and name in networks.get(network, ())
        }

    def _monitored(self, host: Mapping[str, Any], life: Life, said: Said | None, is_heard: bool, is_lost: bool) -> bool | None:
        """Whether a host in service hears from its process monitor; of one that is not there, that is not the question."""
        if not life.is_in_service or is_lost:
            return True
        if is_heard and said is None:
            return None
        return is_heard

    @staticmethod
    def _since(kept: dict[str, float], name: str, is_so: bool, now: float) -> float | None:
        if not is_so:
            kept.pop(name, None)
            return None
        return kept.setdefault(name, now)


def is_news(before: client.HostReport, after: client.HostReport) -> bool:
    """Whether two reports differ in more than that time has passed."""
    return any(getattr(before, name) != getattr(after, name) for name in after.__struct_fields__ if name != "uptime_s")


def _report(report: client.HostReport) -> Report:
    results = {name: Ended(each.token, each.is_passed, each.reason) for name, each in report.results.items()}
    # A resource that is used up degrades its host at the worst: to fail it would free nothing.
    used_up = {"major" if severity == "critical" else severity for severity in report.resources.values()}
    severities = frozenset({*report.failed.values(), *used_up})
    return Report(report.boot_id, str(report.config), results, severities, report.may_reboot)


def _board(board: BoardState | None, silent_since: float | None) -> Board:
    """That it had no power long before it fell silent says nothing of now."""
    if board is None:
        return Board()
    is_on = None
    if board.is_reachable and board.power is not None and (silent_since is None or board.asked_at >= silent_since - _LAG_S):
        is_on = board.power == "on"
    result = board.result
    return Board(is_on, result.token, result.is_done) if result is not None else Board(is_on)
