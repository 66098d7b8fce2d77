# SPDX-License-Identifier: Apache-2.0
"""A controller put together: the lease in one process, services in another one, and the kernel's gate between them and the world.

On a host that only votes there is the lease's loop alone: sm.cmd.voter.
"""

import contextlib
import logging
import pathlib
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence

from sm import actions, activity, control, model
from sm.addresses import Announcer, Floating
from sm.control import ControlError
from sm.daemon import Loop, View, Wish
from sm.db import Database, DatabaseError, Row
from sm.engine import Engine, snapshot
from sm.gate import Gate
from sm.keeper import CLAIM_S, Keeper
from sm.lease import Timing
from sm.leaseholder import Leaseholder
from sm.messages import Receiver, Sender
from sm.node import boot_id, named, network, open_master
from sm.peer_board import Means
from sm.reporter import Reporter
from stx import flags
from stx.paths import Paths

LOG = logging.getLogger(__name__)

# Renewals of the lease, 80 ms apart, at which neighbours are told.
_ANNOUNCED = frozenset((1, 4, 12, 60))


class Gated:
    """What the lease allows, as the kernel sees it; where there are no addresses, nobody needs to be kept off them.

    Neighbours are told where the addresses are as soon as the gate is open, and some times after: one that is on its device from before
    is not put there, and what is said once may be lost.
    """

    def __init__(self, floating: Sequence[Floating]) -> None:
        self._announcer = Announcer(floating)
        self._gate = Gate([each.address for each in floating]) if floating else None
        self._renewals = 0

    def renew(self, until: float) -> None:
        if self._gate is not None and self._gate.open_until(until):
            self._renewals += 1
            if self._renewals in _ANNOUNCED:
                self._announcer.announce()

    def lost(self) -> None:
        self._renewals = 0
        if self._gate is not None:
            self._gate.shut()


class _Lease:
    """Makes the lease's loop of a controller, in whichever process it is asked for it.

    :raises GateError: when the kernel lacks what the gate needs
    :raises DamagedError: when nobody knows what this host has voted for
    """

    def __init__(self, state_path: pathlib.Path, database: Database, floating: Sequence[Floating]) -> None:
        self._state_path = state_path
        # It can be read; in the other process nobody would see why not.
        Keeper(state_path)
        self._name, self._cluster = named(database)
        self._other = _fenced(database)
        self._paths, self._keys = network(database)
        self._gated = Gated(floating)

    def make(self, show: Callable[[View], None]) -> Loop:
        keeper = Keeper(self._state_path)
        keeper.claim(CLAIM_S)
        start = keeper.next_start(time.time())
        receiver = Receiver(self._cluster, self._keys)
        return Loop(
            self._name,
            start,
            keeper,
            Paths(Sender(self._cluster, self._name, start), receiver, self._paths),
            Timing(),
            self._gated,
            wish=Wish(wants_lease=False),
            changed=show,
            dropped=lambda: receiver.dropped,
            other=self._other,
        )


class Controller:
    """:param state_path: holds the configured database
    :param run_path: for the database with states, and the control socket
    :param report: hands fault reports over
    :param reboot_command: starts the host anew
    :param host_path: where files say whether the host is locked
    """

    def __init__(
        self,
        state_path: pathlib.Path,
        run_path: pathlib.Path,
        report: Callable[..., None],
        reboot_command: str,
        host_path: pathlib.Path,
    ) -> None:
        self._reboot_command = reboot_command
        self._database, known = _runtime(state_path, run_path / "sm.db")
        name, _ = named(self._database)
        peer = self._database.value("peer") or None
        about = model.load(self._database)
        self.leaseholder = Leaseholder(_Lease(state_path, self._database, _floating(about)).make)
        self.engine = Engine(
            name,
            peer,
            about,
            Reporter(name, peer, self._database, report, {name for name, each in about.groups.items() if each.is_everywhere}),
            self.leaseholder,
            self._reboot,
            boot_id(),
            failed_at={row["name"]: row["failed_at"] for row in known if row.get("failed_at")},
            means=_means(self._database, state_path),
            is_locked=lambda: flags.is_locked(host_path),
        )
        self._control = control.Control(run_path / control.NAME, self._answer, self.engine.watch, self.engine.ignore)

    def run(self) -> None:
        """Until it is told to retire; services that need the lease have stopped then."""
        try:
            self.engine.run()
        finally:
            self._control.close()
            self.leaseholder.close()

    def is_alive(self) -> bool:
        """Whether its loop has turned a moment ago."""
        return self.engine.is_alive()

    def retire(self) -> None:
        """Stop services, let the lease go, and end; may be called by a signal handler."""
        self.engine.call(self.engine.retire)

    def _reboot(self, reason: str) -> None:
        LOG.critical("This host starts anew: %s", reason)
        if self._reboot_command:
            subprocess.Popen(shlex.split(self._reboot_command), start_new_session=True)

    # -- what tools ask

    def _answer(self, request: control.Answer) -> control.Answer:
        asked = request.pop("do", "")
        answers: dict[str, Callable[..., control.Answer]] = {
            "status": self._status,
            "swact": self._swact,
            "precheck": self._precheck,
            "node": self._node,
            "service": self._service,
        }
        if asked not in answers:
            raise ControlError(f"There is no request {asked!r}: use {', '.join(answers)}.")
        try:
            return answers[asked](**request)
        except TypeError as error:
            raise ControlError(f"{asked}: {error}.") from error

    def _status(self) -> control.Answer:
        view = self.leaseholder.view
        return {
            **snapshot(self.engine),
            "holds_lease": view.holds,
            "term": view.record.term,
            "voters": sorted(view.record.voters),
            "eligible": sorted(view.record.eligible),
            "agreed": view.is_agreed,
            "heard": {
                name: {"is_active": hello.is_active, "is_ready": hello.is_ready} for name, hello in sorted(view.heard.items())
            },
            "paths": [
                {"network": path, "host": name, "is_heard": is_heard} for (path, name), is_heard in sorted(view.paths.items())
            ],
            "dropped": [
                {"network": path, "reason": reason, "datagrams": count} for (path, reason), count in sorted(view.dropped.items())
            ],
        }

    def _precheck(self) -> control.Answer:
        _, reason = activity.leave(self.engine.activity, self.engine.facts())
        return {"reason": reason}

    def _swact(self, force: bool = False) -> control.Answer:
        reason = self.engine.hand_over(force)
        if reason is not None:
            raise ControlError(f"The activity stays here. {reason}")
        return {}

    def _node(self, administrative: str, operational: str, availability: str) -> control.Answer:
        self.engine.set_node(administrative == "unlocked", (administrative, operational, availability))
        return {}

    def _service(self, name: str, action: str) -> control.Answer:
        done: dict[str, Callable[[], None]] = {
            "recover": lambda: self.engine.services.recover(name),
            "restart": lambda: self.engine.services.restart(name),
            "manage": lambda: self.engine.services.manage(name, True),
            "unmanage": lambda: self.engine.services.manage(name, False),
        }
        if action not in done:
            raise ControlError(f"There is no action {action}: use {', '.join(done)}.")
        try:
            done[action]()
        except KeyError:
            raise ControlError(f"There is no service {name}. Look at sm-dump.") from None
        return {}


def _fenced(database: Database) -> str | None:
    """The other controller, where this one is told of its board."""
    peer = database.value("peer")
    return peer if peer and database.rows("BOARDS", name=peer) else None


def _means(database: Database, state_path: pathlib.Path) -> Means | None:
    peer = _fenced(database)
    command = ["sm-fence", "--state-path", str(state_path), peer or ""]
    return Means(shlex.join(command), state_path / "fenced") if peer else None


def _floating(about: model.Model) -> list[Floating]:
    found = [actions.floating(each.parameters) for each in about.services.values() if each.is_address]
    return [each for each in found if each is not None]


def _runtime(state_path: pathlib.Path, runtime: pathlib.Path) -> tuple[Database, list[Row]]:
    """The database with states, as it was configured, and what the one before knew of its services.

    :raises NotConfiguredError: when there is nothing configured
    :raises DatabaseError: when a file cannot be used
    """
    configured, made = open_master(state_path), Database(runtime)
    known: list[Row] = []
    with contextlib.suppress(DatabaseError):
        known = made.rows("SERVICES")
    configured.copy_to(made)
    configured.close()
    return made, known
