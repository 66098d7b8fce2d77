# SPDX-License-Identifier: Apache-2.0
"""mtce-agent: hears from hosts, decides what becomes of them, has the conductor store it and hosts and boards do it."""

import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from oslo_config import cfg

from fm import client as fm_client
from mtce import alarms, client, handover, rows
from mtce.boards import Boards, Order
from mtce.departed import Departed
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level
from mtce.heartbeats import Heartbeats
from mtce.life import enable, handling, machine, sensor, swact
from mtce.life.model import LOCKED, SWACTS, Facts, FailureAction, Life, Limits, Procedure, Stage
from mtce.parameters import Parameters
from mtce.pulses import Pulses
from mtce.sensors.keeper import Watched
from mtce.sight import Sight, Watch
from mtce.teller import Teller
from stx import context as stx_context
from stx import exception, rpc
from stx.boards import Kind, Login
from stx.context import RequestContext
from sysinv import client as sysinv_client

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# A host is read again at every event about it; this covers events that were lost.
REFRESH_S = 30.0
_LOGINS_AGAIN_S = 5.0
# All hosts are looked at so often; one that has news, at once, and one that something is done to, more often.
STEP_S = 1.0
_BUSY_S = 0.2
# An active controller that has failed asks so often to hand over (A2.1).
HAND_OVER_S = 30.0
# How often a host's uptime is stored.
_UPTIME_S = 60
_MOST_UPTIME_S = 2**31 - 1
# How many hosts' states are stored in one go.
_BATCH = 200
# No host that fails waits for longer than this for a conductor that hangs.
_CONDUCTOR_S = 10.0
# Nor does this process, when it is to stop, for an fm-manager that is away.
_FAULTS_S = 3.0
# A host that something is done to reports so often.
_REPORT_S = 1.0
# A controller that has been up for less starts together with the whole system; others are given so long to come (A2.8).
_COLD_UPTIME_S = 900
_COLD_S, _COLD_ALL_IN_ONE_S = 20.0, 600.0


class Agent:
    """What mtce-agent does over RPC, and its one step for all hosts.

    :param pulses: None where no host answers any
    :param uptime_s: of this host, at the start
    :ivar parameters: how hosts are watched
    """

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        pulses: Pulses | None = None,
        boards: Boards | None = None,
        uptime_s: float = math.inf,
    ) -> None:
        self._clock = clock
        self._stepped_at = clock()
        # When hosts were first known: before that, none could be looked for.
        self._began_at = math.inf
        self._boards = boards
        self._starts_cold = uptime_s < _COLD_UPTIME_S
        self._context = stx_context.internal("mtce-agent")
        self._conductor = sysinv_client.Conductor(_CONDUCTOR_S)
        self._hosts_rpc = client.Host()
        self._lock = threading.Lock()
        self._faults = fm_client.Manager(_FAULTS_S)
        self._teller = Teller(fm_client.FaultReporter())
        self.parameters = Parameters(self._conductor, self._context, self._teller)
        self._watch = Watch(self.parameters)
        self._heartbeats = Heartbeats(pulses, self._teller, self.parameters)
        # By host name; and by uuid what they are known from.
        self._logins: dict[str, Login] = {}
        self._reached: dict[str, tuple[Any, ...]] = {}
        # By uuid.
        self._hosts: dict[str, dict[str, Any]] = {}
        self._lives: dict[str, Life] = {}
        # By name.
        self._wishes: dict[str, client.Wish] = {}
        self._inputs: dict[str, tuple[Any, ...]] = {}
        self._limits = limits(self.parameters)
        self._is_simplex = self._is_all_in_one = False
        self._wanted_by_sensors: dict[str, Procedure] = {}
        self._cold: set[str] = set()
        # What an operator wants handed over; and the name of what is to be asked for once it is stored that it is.
        self._requests = handover.Requests()
        self._to_ask = ""
        self._read_hosts_at: float | None = None
        self._can_look = True
        # Between two looks at all hosts only these are looked at: uuids of those that changed, names of those that have news.
        self._changed: set[str] = set()
        self._news: set[str] = set()
        # That a host is not there any more is not enough: its disks are wiped for it.
        self._deleted: set[str] = set()
        self._departed = Departed(clock)
        self._looked_at_all_at = -math.inf
        self.nudge: Callable[[], None] = lambda: None
        self.nudge_handover: Callable[[], None] = lambda: None
        self.is_degraded_by_sensors: Callable[[str], bool] = lambda name: False
        self.begin_sensors_with: Callable[[Collection[tuple[str, str]]], None] = lambda before: None

    @property
    def period_s(self) -> float:
        """How long until the next step, if nothing happens."""
        return _BUSY_S if any(life.procedure is not None for life in self._lives.values()) else STEP_S

    @rpc.exposed_to(rpc.Callers.HOSTS)
    def report(self, context: RequestContext, report: client.HostReport) -> client.Wish:
        rpc.check_speaks_for(report.hostname)
        is_news = self._watch.hear(report, self._listening_s(self._clock()))
        if is_news:
            with self._lock:
                self._news.add(report.hostname)
            self.nudge()
        return self._wishes.get(report.hostname) or self._departed.wish(report.hostname)

    def on_host_event(self, event: rpc.Event) -> None:
        """Read a host anew at the next step, which comes at once."""
        with self._lock:
            self._changed.add(event.payload["uuid"])
            if event.kind == "sysinv.host.delete":
                self._deleted.add(event.payload["uuid"])
        self.nudge()

    def on_news(self, hostname: str) -> None:
        """Look at a host at the next step, which comes at once."""
        with self._lock:
            self._news.add(hostname)
        self.nudge()

    def read_parameters(self) -> None:
        """Have the step that comes at once take over what was applied.

        :raises exception.Unavailable: when the conductor is away
        """
        self.parameters.read()
        self.nudge()

    @property
    def knows_boards(self) -> bool:
        """Whether it is known yet which hosts have boards."""
        return bool(self._reached)

    def boarded(self) -> dict[str, Watched]:
        """The hosts whose boards are kept, by name."""
        return {host["hostname"]: self._watched(host) for host in tuple(self._hosts.values()) if host["hostname"] in self._logins}

    def hand_over(self) -> None:
        """Have Service Management hand over, where this controller has failed, again until it does; or an operator wants it, once.

        :raises exception.Unavailable: when it does not, though this controller has failed
        """
        own = [uuid for uuid, host in tuple(self._hosts.items()) if host["hostname"] == CONF.host]
        for life in [life for uuid in own if (life := self._lives.get(uuid)) is not None and life.stage is Stage.HAND_OVER]:
            name = enable.token(life)
            if life.procedure not in SWACTS:
                handover.request(CONF.host, is_forced=swact.is_asked_for(life))
            elif self._requests.take(name):
                try:
                    handover.request(CONF.host, is_forced=life.procedure is Procedure.FORCE_SWACT)
                except handover.Refused as error:
                    self._requests.refuse(name, error.message)
                    self.on_news(CONF.host)
                except exception.Unavailable as error:
                    LOG.error(
                        "Whether the swact of %s that an operator asked for begins is not known: %s", CONF.host, error.message
                    )

    def _watched(self, host: Mapping[str, Any]) -> Watched:
        life = self._lives.get(host["uuid"]) or Life()
        return Watched(
            host["uuid"],
            may_recover=host["hostname"] != CONF.host and sensor.may_recover(life),
            is_held_off=sensor.is_held_off(life, self._limits, self._clock()),
            is_on_probation=sensor.is_on_probation(life),
        )

    def recover_for_sensor(self, hostname: str, procedure: Procedure) -> None:
        """Have a host reset or power-cycled by its board at the next step, if nothing else is done with it then."""
        self._wanted_by_sensors[hostname] = procedure
        self.on_news(hostname)

    def learn_alarms(self) -> None:
        """See which alarms an mtce-agent before this one has raised; once is enough.

        :raises exception.Unavailable: when fm-manager is away
        """
        if not self._teller.is_ready:
            found = [fault for alarm_id in alarms.IDS for fault in self._faults.get_faults(self._context, alarm_id)]
            before = [(fault["alarm_id"], fault["entity_instance_id"]) for fault in found]
            self.begin_sensors_with(before)
            self._teller.begin_with(before)

    def step(self) -> None:
        """Bring the stored state of every host in line with what is known of it.

        :raises exception.Unavailable: when the conductor is away; the next step finds what is left to do
        """
        now = self._clock()
        with self._lock:
            self._watch.listened_s, self._stepped_at = self._listening_s(now), now
            changed, self._changed = self._changed, set()
            news, self._news = self._news, set()
        self._teller.begin()
        if self.parameters.take_over():
            # Another decision may follow from what was seen before.
            self._inputs.clear()
            self._looked_at_all_at = -math.inf
        self._limits = limits(self.parameters)
        self._can_look = True
        is_all = self._read_hosts(now, changed)
        self._began_at = min(self._began_at, now)
        seen, ailing = self._heartbeats.look(
            {host["hostname"]: host for host in self._hosts.values() if self._is_to_answer(host)}, self._watch, now
        )
        news |= ailing
        if is_all or now - self._looked_at_all_at >= STEP_S:
            looked_at, self._looked_at_all_at = list(self._hosts.values()), now
        else:
            looked_at = [host for host in self._hosts.values() if self._is_to_look_at(host, changed, news)]
        controllers = {host["id"] for host in self._hosts.values() if self._is_controller_in_service(host)}
        decided: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        for host in looked_at:
            if not host["hostname"] or (not is_all and self._is_as_it_was(host, seen, changed, news)):
                continue
            try:
                changes = self._decide(host, seen, controllers, now)
            except Exception:
                # What is wrong with one host must not leave all others without a state.
                LOG.exception("The state of %s was not decided", host["hostname"])
                continue
            self._inputs.pop(host["uuid"], None)
            if not changes and self._teller.is_ready and not self._teller.is_shut:
                self._inputs[host["uuid"]] = self._seen_of(host, seen)
            if changes:
                decided[host["hostname"]] = ({**host}, changes)
                host.update(changes)
                self._count(host, controllers)
        names = list(decided)
        for start in range(0, len(names), _BATCH):
            self._store({name: decided[name] for name in names[start : start + _BATCH]})
        self._heartbeats.order(self._hosts.values(), self._watch, self._wishes, now)
        if self._to_ask:
            # What was decided is stored now.
            self._requests.add(self._to_ask)
            self._to_ask = ""
            self.nudge_handover()

    def _is_to_look_at(self, host: dict[str, Any], changed: set[str], news: set[str]) -> bool:
        return host["uuid"] in changed or host["hostname"] in news or self._lives[host["uuid"]].procedure is not None

    def _is_as_it_was(self, host: dict[str, Any], seen: wire.Facts | None, changed: set[str], news: set[str]) -> bool:
        """Whether a look at the host would find what the last one found, from which nothing followed."""
        if (
            host["personality"] == "controller"
            or self._is_to_look_at(host, changed, news)
            or self._watch.is_waiting(host["hostname"])
        ):
            return False
        return self._inputs.get(host["uuid"]) == self._seen_of(host, seen)

    def _seen_of(self, host: dict[str, Any], seen: wire.Facts | None) -> tuple[Any, ...]:
        """What else than time a decision about a host rests on. What changes there is another object."""
        name = host["hostname"]
        board = self._boards.state(name) if self._boards is not None else None
        boot_id = seen.boots.get(name) if seen is not None else None
        return id(self._watch.last(name)), self._watch.is_heard(host), id(board), boot_id, self.is_degraded_by_sensors(name)

    def _listening_s(self, now: float) -> float:
        """How long this has listened. Where it was held up, reports waited unread: that is no silence of the hosts."""
        return self._watch.listened_s + min(now - self._stepped_at, 2 * STEP_S)

    # -- hosts, as they are stored

    def _read_hosts(self, now: float, changed: set[str]) -> bool:
        """Whether all were read: that covers events that were lost."""
        is_all = self._read_hosts_at is None or now - self._read_hosts_at > REFRESH_S
        if not is_all and not changed:
            return False
        try:
            found = {host["uuid"]: host for host in self._conductor.get_hosts(self._context, None if is_all else changed)}
        except Exception:
            self._read_hosts_at = None
            raise
        for name in self._watch.meet(found):
            self._forget(name)
        gone = (self._hosts.keys() if is_all else changed) - found.keys()
        with self._lock:
            # What was told while hosts were read is for the next time.
            deleted = self._deleted & gone
            self._deleted -= gone | changed
        for uuid in gone:
            life = self._lives.pop(uuid, None)
            if host := self._hosts.pop(uuid, None):
                self._forget(host["hostname"])
                self._wipe(host, life, deleted)
            self._inputs.pop(uuid, None)
        for uuid, host in found.items():
            self._take_in(uuid, host, now)
        if is_all:
            self._hosts, self._read_hosts_at = found, now
            self._watch.keep({host["hostname"] for host in found.values()})
        else:
            self._hosts.update(found)
        self._keep_boards(is_all, found, now)
        self._is_simplex = len([host for host in self._hosts.values() if host["personality"] == "controller"]) < 2
        self._is_all_in_one = any(rows.is_all_in_one(host) for host in self._hosts.values())
        return is_all

    def _take_in(self, uuid: str, host: dict[str, Any], now: float) -> None:
        life = self._lives.get(uuid)
        if life is None:
            life = rows.life_of(host, now)
        elif host["action_number"] > life.action_taken:
            # What the operator reads while the request waits.
            life = life.changed(task=host["task"] or "")
        self._lives[uuid] = life

    def _keep_boards(self, is_all: bool, found: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """Have the boards of all hosts kept. A password that changed by itself is noticed when all hosts are read."""
        reached = {uuid: (host["hostname"], host["bm_type"], host["bm_ip"], host["bm_username"]) for uuid, host in found.items()}
        if self._boards is None or (not is_all and reached.items() <= self._reached.items()):
            return
        try:
            logins = self._conductor.get_board_logins(self._context)
        except exception.StxException as error:
            # What becomes of hosts is decided with the boards that are known.
            LOG.error("Boards that are new or reached otherwise are not used yet: %s", error.message)
            self._read_hosts_at = now - REFRESH_S + _LOGINS_AGAIN_S
            return
        self._logins = {
            name: Login(Kind(each.bm_type), each.address, each.username, each.password) for name, each in logins.items()
        }
        self._reached = reached if is_all else {**self._reached, **reached}
        self._boards.keep(self._logins)

    def _wipe(self, host: dict[str, Any], life: Life | None, deleted: set[str]) -> None:
        """Have a host that an operator deleted come back as a blank machine."""
        if host["uuid"] in deleted and host["hostname"] and life is not None and life.administrative == LOCKED and life.boot_id:
            self._departed.add(host["hostname"], life.boot_id)
            self._look(host["hostname"])

    def _forget(self, name: str | None) -> None:
        if name:
            self._teller.forget(name)
            self._wishes.pop(name, None)
            self._cold.discard(name)
            self._wanted_by_sensors.pop(name, None)

    # -- one host

    def _decide(self, host: dict[str, Any], seen: wire.Facts | None, controllers: set[int], now: float) -> dict[str, Any]:
        """What changes of a host.

        :param controllers: ids of those in service
        """
        name, before = host["hostname"], self._lives[host["uuid"]]
        has_sensor_alarm = self.is_degraded_by_sensors(name)
        has_board = self._boards is not None and name in self._logins
        board = self._boards.state(name) if self._boards is not None and has_board else None
        has_other = not (host["personality"] == "controller" and controllers <= {host["id"]})
        rest = functools.partial(
            Facts,
            has_other=has_other,
            is_simplex=self._is_simplex,
            is_spared=self._heartbeats.is_spared(name),
            is_given_up=name in self._heartbeats.given_up,
            is_cold_start=self._is_cold(host, before, now),
            hands_over=self._hands_over(enable.token(before)),
            wanted_by_sensor=self._wanted_by_sensors.pop(name, None),
            is_installed=rows.is_installed(host),
        )
        sight = self._watch.see(host, before, now, seen, self._heartbeats.networks, has_board, board, has_sensor_alarm, rest)
        life = machine.step(before, sight.facts, self._limits, now)
        self._lives[host["uuid"]] = life
        if swact.is_asked_for(life) and life.number != before.number:
            self._to_ask = enable.token(life)
        elif life.task == swact.INCOMPLETE != before.task and (reason := self._requests.reason(enable.token(before))):
            self._teller.tell_refused_swact(name, reason)
        self._ask(name, before, life, sight)
        self._tell(name, before, life, sight)
        changes = rows.changes(host, life)
        said = self._watch.last(name)
        if said is not None and abs(said.report.uptime_s - host["uptime"]) >= _UPTIME_S:
            changes["uptime"] = min(said.report.uptime_s, _MOST_UPTIME_S)
        return changes

    def _hands_over(self, name: str) -> bool | None:
        if not (name == self._to_ask or self._requests.is_known(name)):
            return None
        return self._requests.reason(name) is None

    def _ask(self, name: str, before: Life, life: Life, sight: Sight) -> None:
        """Have the host and its board do what the state asks for."""
        wanted = machine.wanted(life, sight.facts)
        wish = client.Wish(
            is_locked=wanted.is_locked,
            tasks={wanted.task: wanted.token} if wanted.task else {},
            boot_id=wanted.boot_id if wanted.end_boot else "",
            end=client.End(wanted.end_boot) if wanted.end_boot else client.End.REBOOT,
            report_s=_REPORT_S if life.procedure is not None else 0.0,
        )
        known = self._wishes.get(name)
        if wish != known:
            self._wishes[name] = wish
            is_lock = known is not None and wish.is_locked is not known.is_locked
            if sight.facts.is_alive and (wish.tasks or wish.boot_id or is_lock or life.procedure is not None):
                self._look(name)
        if self._boards is None or sight.facts.board is None:
            return
        if wanted.order:
            self._boards.order(name, wanted.token, Order(wanted.order))
            if wanted.order == Order.POWER_ON and life.procedure in (Procedure.ENABLE, Procedure.RECOVER):
                self._teller.tell_power_on(name, wanted.token)
        elif _is_fenced(before) and not _is_fenced(life) and life.stage is not Stage.RETURN:
            self._boards.withdraw(name, enable.token(before))
        elif life.stage is Stage.ASK and before.stage is not Stage.ASK:
            self._boards.look(name)

    def _look(self, name: str) -> None:
        """After one failure a step tells no more hosts: each would wait for the bus for seconds."""
        if not self._can_look:
            return
        try:
            self._hosts_rpc.look(self._context, name)
        except exception.Unavailable as error:
            # Its next report tells it too.
            LOG.warning("%s and others are not told at once what to do: %s", name, error.message)
            self._can_look = False

    def _tell(self, name: str, before: Life, life: Life, sight: Sight) -> None:
        action = FailureAction(self.parameters.heartbeat_failure_action)
        is_monitored = sight.is_monitored if life.is_in_service else True
        # One that is not asked misses nothing, whatever it missed before.
        is_asked = name != CONF.host and action is not FailureAction.NONE
        levels = sight.levels if is_asked else dict.fromkeys(alarms.NETWORKS, Level.CLEAR)
        self._teller.tell_alarms(name, alarms.of_host(name, life, levels, action, is_monitored, sight.is_board_lost))
        if life.number != before.number:
            LOG.info(
                "%s: %s, %s (%s)", name, life.procedure or "nothing is done to it", life.stage or "at rest", life.task or "-"
            )
            self._teller.tell_automatic(name, life)
            if life.procedure is Procedure.RESET and sight.facts.wanted_by_sensor is not None:
                self._teller.tell_reset(name)
            if life.procedure is Procedure.REINSTALL and life.stage is Stage.TELL:
                self._teller.tell_reinstallation(name, life.task == handling.REINSTALLED)

    def _is_cold(self, host: dict[str, Any], life: Life, now: float) -> bool:
        """Whether it is no failure that a host is not there yet, as the whole system starts."""
        name = host["hostname"]
        if not self._starts_cold:
            return False
        until_s = _COLD_ALL_IN_ONE_S if self._is_all_in_one else _COLD_S + len(self._hosts)
        if now - self._began_at < until_s:
            if life.procedure is Procedure.RECOVER:
                self._cold.add(name)
            return True
        if life.procedure is not Procedure.RECOVER:
            self._cold.discard(name)
        return name in self._cold

    def _is_to_answer(self, host: dict[str, Any]) -> bool:
        """Whether it is in service, and is not counted as failed already."""
        life = self._lives[host["uuid"]]
        return life.is_in_service and life.stage is not Stage.FENCE

    def _is_controller_in_service(self, host: dict[str, Any]) -> bool:
        """Whether the host could take over; a silent one may be dead."""
        life = self._lives[host["uuid"]]
        is_at_work = life.is_in_service and life.procedure in (None, *SWACTS) and not rows.is_open(host)
        return host["personality"] == "controller" and is_at_work and self._watch.is_heard(host)

    def _count(self, host: dict[str, Any], controllers: set[int]) -> None:
        if self._is_controller_in_service(host):
            controllers.add(host["id"])
        else:
            controllers.discard(host["id"])

    # -- storing

    def _store(self, decided: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """:param decided: by name, the host as it was and what changes of it"""
        try:
            missing = self._conductor.update_host_states(self._context, {name: changes for name, (_, changes) in decided.items()})
        except Exception as error:
            # What is stored is not what was decided.
            self._read_hosts_at = None
            if isinstance(error, exception.Unavailable):
                raise
            if len(decided) == 1:
                LOG.exception("The state of %s was not stored", *decided)
                return
            names = list(decided)
            for half in (names[::2], names[1::2]):
                self._store({name: decided[name] for name in half})
            return
        if missing:
            # Deleted since the hosts were read.
            self._read_hosts_at = None
        self._teller.tell_states([(host, changes) for name, (host, changes) in decided.items() if name not in missing])


def _is_fenced(life: Life) -> bool:
    return life.procedure is Procedure.RECOVER and life.stage is Stage.FENCE


def limits(options: Any) -> Limits:
    """By the options, which may change while this runs."""
    return Limits(
        failure_action=FailureAction(options.heartbeat_failure_action),
        worker_boot_s=options.worker_boot_timeout,
        controller_boot_s=options.controller_boot_timeout,
        cool_off_s=CONF.mtce.power_cycle_cool_off,
    )
