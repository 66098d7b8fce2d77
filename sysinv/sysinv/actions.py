# SPDX-License-Identifier: Apache-2.0
"""What operators can ask of a host, and when (spec sysinv.md 2.2, 2.5).

ACTIONS is the whole of it: what speaks against an action, each with the sentence that says what to do, and which other action it may
take the place of while that one is in progress.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sysinv import board, install, rules, states
from sysinv.rules import Host, Refusal, called

# What a host has before it can be unlocked.
_NEEDED = ("mgmt_mac", "mgmt_ip", "hostname", "personality", "subfunctions")
_ONLINE, _POWER_OFF = "online", "power-off"
# The second controller is unlocked with another load while the system is upgraded.
_UPGRADED_FIRST = "controller-1"
_UNLOCK = "unlock"
# What Service Management has to agree to, which does it for mtce.
SWACTS = ("swact", "force-swact")
# mtce's stage in which a controller hands over.
_HAND_OVER = "hand-over"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is looked at when an action is asked for.

    :ivar hosts: all hosts, as far as rules look at others
    :ivar active_controller: its name
    :ivar busy_partitions: paths of the host's partitions that are being made, changed or removed
    """

    host: Host
    system: Mapping[str, Any]
    hosts: Sequence[Host]
    active_controller: str
    busy_partitions: Sequence[str] = ()

    @property
    def is_simplex(self) -> bool:
        return bool(self.system["system_mode"] == states.SIMPLEX)

    @property
    def is_active(self) -> bool:
        return bool(self.host["hostname"] == self.active_controller)

    @property
    def is_locked(self) -> bool:
        return bool(self.host["administrative"] == states.LOCKED)

    @property
    def missing(self) -> list[str]:
        """What the host lacks to be unlocked."""
        return [name for name in _NEEDED if not self.host[name]]


@dataclasses.dataclass(frozen=True)
class Check:
    """What speaks against an action.

    :ivar reason: a sentence that says what to do; `_words` are filled in
    """

    speaks_against: Callable[[Facts], bool]
    reason: str


@dataclasses.dataclass(frozen=True)
class Action:
    """:ivar task: what the host's task says from the moment at which the action is asked for
    :ivar checks: all of them are looked at, so that all reasons are told at once
    :ivar replaces: actions in progress that it takes the place of
    :ivar told: what mtce is told to do; by default the same
    """

    name: str
    task: str
    checks: tuple[Check, ...]
    replaces: frozenset[str] = frozenset()
    told: str = ""


def _has_enabled_storage_besides(facts: Facts) -> bool:
    return any(
        other["uuid"] != facts.host["uuid"]
        and other["personality"] == states.STORAGE
        and other["administrative"] == states.UNLOCKED
        and other["operational"] == states.ENABLED
        for other in facts.hosts
    )


def _is_last_storage(facts: Facts) -> bool:
    is_enabled = facts.host["personality"] == states.STORAGE and facts.host["operational"] == states.ENABLED
    return is_enabled and not _has_enabled_storage_besides(facts)


def _has_other_load(facts: Facts) -> bool:
    return bool(facts.host["hostname"] != _UPGRADED_FIRST and facts.host["software_load"] != facts.host["target_load"])


_ALREADY_LOCKED = Check(lambda facts: facts.is_locked, "It is locked already.")
_ALREADY_UNLOCKED = Check(lambda facts: not facts.is_locked, "It is unlocked already.")
_NOT_LOCKED = Check(
    # To lock it would be of no use on a simplex system.
    lambda facts: not facts.is_locked and not facts.is_simplex,
    "It is unlocked. Lock it first: system host-lock {host}.",
)
_ACTIVE = Check(
    lambda facts: facts.is_active and not facts.is_simplex,
    "It is the active controller. Swact first: system host-swact {host}.",
)
_ALONE = Check(lambda facts: facts.is_simplex, "It is the only host of a simplex system: nothing else could bring it back.")
_NOBODY_ELSE = Check(lambda facts: facts.is_simplex, "It is the only host of a simplex system: there is none to swact to.")
_NO_CONTROLLER = Check(
    lambda facts: facts.host["personality"] != states.CONTROLLER,
    "Only controllers have activity to hand over. Swact {active}, which is active.",
)
_NOT_ACTIVE = Check(
    lambda facts: facts.host["personality"] == states.CONTROLLER and not facts.is_active,
    "It is not the active controller, {active} is. Swact {active} to have {host} active.",
)
_LAST_STORAGE = Check(
    _is_last_storage,
    "No other storage host is enabled, and its data would be out of reach. Have another one enabled first, or force it: "
    "system host-lock -f {host}.",
)
_NO_BOARD = Check(lambda facts: not board.is_known(facts.host), board.UNKNOWN)
_INSTALLATION_FAILED = Check(
    lambda facts: facts.host["install_state"] == states.INSTALL_FAILED,
    "Its installation failed. Have it boot from the network, which installs it again.",
)
_POWERED_OFF = Check(
    lambda facts: facts.host["availability"] == _POWER_OFF, "It is powered off. Power it on first: system host-power-on {host}."
)
_NOT_ONLINE = Check(
    # Of an unlocked host there is more to say than that.
    lambda facts: facts.is_locked and facts.host["availability"] not in (_ONLINE, _POWER_OFF),
    "It is {availability}. Wait until it is online.",
)
_OTHER_LOAD = Check(
    _has_other_load, "It has the software {software_load} and is to have {target_load}. Have that installed on it first."
)
_INCOMPLETE = Check(
    lambda facts: bool(facts.missing),
    "It has no {missing} yet: system host-show {host}. Wait until its agent has reported, or set it.",
)
_BEING_INSTALLED = Check(
    lambda facts: facts.host["action_state"] == states.REINSTALLING, "It is being installed. Wait until that is done."
)
_BUSY_PARTITIONS = Check(
    lambda facts: bool(facts.busy_partitions), "Partitions of it are being changed: {partitions}. Wait until that is done."
)

_OUT_OF_SERVICE = Check(
    lambda facts: facts.host["personality"] == states.CONTROLLER and facts.host["operational"] != states.ENABLED,
    "It is not in service: {administrative}, {operational}. Wait until it is, or ask for force-swact.",
)
_UNDER_WAY = Check(
    lambda facts: facts.host["mtce_procedure"] not in (None, *SWACTS),
    "It is being put in order ({mtce_procedure}). Wait until that is done, or ask for force-swact.",
)
_TAKES_OVER = Check(
    lambda facts: facts.host["personality"] == states.CONTROLLER and any(is_swacting(other) for other in facts.hosts),
    "The other controller hands over to it. Wait until that is done.",
)

_SWACTABLE = (_NO_CONTROLLER, _NOT_ACTIVE, _NOBODY_ELSE)
_UNLOCKABLE = (_ALREADY_UNLOCKED, _INSTALLATION_FAILED, _POWERED_OFF, _OTHER_LOAD, _INCOMPLETE, _BUSY_PARTITIONS)
# Done to a host that is locked.
_HANDLED = ("reboot", "reset", "reinstall", "power-on", "power-off")
_NAMES = ("lock", "force-lock", "unlock", "force-unlock", "swact", "force-swact", *_HANDLED)

ACTIONS: Mapping[str, Action] = types.MappingProxyType(
    {
        action.name: action
        for action in (
            Action("lock", "Locking", (_ALREADY_LOCKED, _ACTIVE, _LAST_STORAGE, _TAKES_OVER)),
            # A host that is locked is reset by it all the same, also out of what it does not come back from.
            Action("force-lock", "Force Locking", (_ACTIVE,), replaces=frozenset({"lock", *_HANDLED})),
            Action("unlock", "Unlocking", (*_UNLOCKABLE, _NOT_ONLINE, _BEING_INSTALLED)),
            Action("force-unlock", "Unlocking", _UNLOCKABLE, told=_UNLOCK),
            Action("swact", "Swacting", (*_SWACTABLE, _OUT_OF_SERVICE, _UNDER_WAY)),
            Action("force-swact", "Force-Swacting", _SWACTABLE, replaces=frozenset(_NAMES)),
            Action("reboot", "Rebooting", (_ALONE, _NOT_LOCKED, _POWERED_OFF)),
            Action("reset", "Resetting", (_ALONE, _ACTIVE, _NOT_LOCKED, _NO_BOARD, _POWERED_OFF)),
            Action("reinstall", "Reinstalling", (_ALONE, _ACTIVE, _NOT_LOCKED, _NOT_ONLINE, _POWERED_OFF)),
            Action("power-on", "Powering-on", (_ALONE, _NOT_LOCKED, _NO_BOARD)),
            Action("power-off", "Powering-off", (_ALONE, _ACTIVE, _NOT_LOCKED, _NO_BOARD)),
        )
    }
)

# All that operators are offered to have done to a host.
DELETE = "delete"
OFFERED = (*ACTIONS, DELETE)


def is_swacting(host: Host) -> bool:
    """Whether mtce has the controller hand over, as an operator wants."""
    return host["mtce_procedure"] in SWACTS and host["mtce_stage"] == _HAND_OVER


def check_delete(facts: Facts) -> list[Refusal]:
    """Reasons against deleting a host."""
    return rules.check_delete(facts.host, facts.system, facts.active_controller) + check_idle(facts.host)


def reasons(name: str, facts: Facts) -> list[Refusal]:
    """Reasons against one of OFFERED, as far as they are known here."""
    return check_delete(facts) if name == DELETE else check(name, facts)


def in_progress(host: Host) -> str | None:
    """The action that was asked for and has not ended, whether or not mtce has taken it up."""
    if host["action_taken"] < host["action_number"]:
        return str(host["requested_action"])
    return host["ihost_action"] or None


def check(name: str, facts: Facts) -> list[Refusal]:
    """Reasons against an action, one of ACTIONS."""
    action = ACTIONS[name]
    if not facts.host["personality"]:
        return [Refusal(f"It has no personality yet. Give it one first: system host-update {facts.host['id']} personality=...")]
    if refusals := check_idle(facts.host, action.replaces):
        return refusals
    words = _words(facts)
    return [Refusal(each.reason.format(**words)) for each in action.checks if each.speaks_against(facts)]


def check_idle(host: Host, replaces: frozenset[str] = frozenset()) -> list[Refusal]:
    """Whether an action in progress speaks against something else.

    :param replaces: actions that do not
    """
    current = in_progress(host)
    if current is None or current in replaces:
        return []
    forced = [action.name for action in ACTIONS.values() if current in action.replaces and action.name not in SWACTS]
    way_out = f", or ask for {forced[0]}" if forced else ""
    return [Refusal(f"The action {current} is in progress. Wait until it has ended{way_out}.", conflict=True)]


_SHOWN = ("administrative", "operational", "availability", "software_load", "target_load", "mtce_procedure")


def _words(facts: Facts) -> dict[str, str]:
    host = facts.host
    return {
        "host": called(host),
        "active": facts.active_controller,
        "missing": ", ".join(facts.missing),
        "partitions": ", ".join(facts.busy_partitions),
        **{name: str(host[name]) for name in _SHOWN},
    }


def refusal(name: str, host: Host, refusals: Sequence[Refusal]) -> str:
    """The sentence with which an action is refused."""
    text = " ".join(each.reason for each in refusals)
    return f"Cannot {name} {called(host)}: {text[:1].lower()}{text[1:]}"


def request(name: str, host: Host) -> dict[str, Any]:
    """What changes of a host when an action is asked for."""
    action = ACTIONS[name]
    told = action.told or action.name
    changes = {
        "action_number": host["action_number"] + 1,
        "requested_action": told,
        "ihost_action": told,
        "task": action.task,
    }
    return changes | install.again() if name == "reinstall" else changes


def on_states(host: Host, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What changes of a host besides, when mtce changes its states."""
    after = {**host, **changes}
    further: dict[str, Any] = {}
    is_unlocked = after["administrative"] == states.UNLOCKED
    # An unlocked host can be locked again, whatever it takes mtce to have it enabled.
    if after["ihost_action"] in SWACTS:
        # Whatever is done to the controller besides, and while it is told how it went, it can be locked.
        is_done = not is_swacting(after)
    else:
        is_done = after["mtce_procedure"] is None or (after["ihost_action"] == _UNLOCK and is_unlocked)
    if after["ihost_action"] and after["action_taken"] >= after["action_number"] and is_done:
        further["ihost_action"] = None
    if is_unlocked and after["operational"] == states.ENABLED:
        provision = states.PROVISIONED
    elif is_unlocked and host["invprovision"] != states.PROVISIONED:
        provision = states.PROVISIONING
    else:
        provision = host["invprovision"]
    if provision != host["invprovision"]:
        further["invprovision"] = provision
    return further
