# SPDX-License-Identifier: Apache-2.0
"""How far the installation of a host is, by what its installer tells (spec sysinv.md 6.4).

Installers have no tokens: what they tell counts for a locked host, for two attributes, in a form that is small.
"""

import re
from collections.abc import Mapping
from typing import Any

from sysinv import states
from sysinv.rules import Refusal

Host = Mapping[str, Any]

# What an installer may tell. That an installation is completed is seen by the host itself.
TOLD = (
    states.PREINSTALL,
    states.INSTALLING,
    states.POSTINSTALL,
    states.INSTALLED,
    states.BOOTING,
    states.INSTALL_FAILED,
)
INFO_LIMIT = 255
# How many minutes there may be no news.
PATIENCE_MIN = 15
BOOT_PATIENCE_MIN = 40

_INFO = re.compile(rf"[\x20-\x7e]{{0,{INFO_LIMIT}}}")
_IN_PROGRESS = (states.PREINSTALL, states.INSTALLING, states.POSTINSTALL, states.BOOTING)
# After these the installer has nothing more to do.
_ENDED = (states.BOOTING, states.COMPLETED)
# What mtce has of a host that has booted.
_UP = ("online", "intest", "available", "degraded")
_REINSTALL = "reinstall"
_COMPLETED = {"install_state": states.COMPLETED, "install_state_info": None, "install_silent_minutes": 0}


def check_report(host: Host, state: str, info: str | None) -> list[Refusal]:
    """Reasons against what an installer tells."""
    refusals = []
    if host["administrative"] != states.LOCKED:
        refusals.append(Refusal("It is unlocked, so it is not being installed.", conflict=True))
    elif host["action_state"] != states.REINSTALLING:
        refusals.append(Refusal("It is not being installed.", conflict=True))
    elif host["install_state"] in _ENDED and state not in (states.INSTALLED, states.BOOTING):
        # Else anybody could have it installed once more.
        refusals.append(Refusal("Its installation has ended.", conflict=True))
    if state not in TOLD:
        refusals.append(Refusal(f"install_state must be one of: {', '.join(TOLD)}."))
    if info is not None and not _INFO.fullmatch(info):
        refusals.append(Refusal(f"install_state_info must be printable ASCII of {INFO_LIMIT} characters at the most."))
    return refusals


def on_report(host: Host, state: str, info: str | None) -> dict[str, Any]:
    """What changes of the host by an installer's report; nothing when it is no news."""
    told = {
        # The host reboots right after it is installed.
        "install_state": states.BOOTING if state == states.INSTALLED else state,
        "install_state_info": info or None,
        "install_silent_minutes": 0,
    }
    return {name: value for name, value in told.items() if host[name] != value}


def again() -> dict[str, Any]:
    """What makes a host be installed when it next boots from the network."""
    return {
        "action_state": states.REINSTALLING,
        "install_state": None,
        "install_state_info": None,
        "install_silent_minutes": 0,
    }


def on_states(host: Host) -> dict[str, Any]:
    """What changes of the host's installation by the states that mtce tells: one that is up has been installed.

    It need not have been seen to be away: a boot may be faster than anybody looks. One that was to be installed again and did not obey
    is as it was, and nothing installs it later, when nobody expects that.
    """
    is_asked_for = host["action_taken"] < host["action_number"] and host["requested_action"] == _REINSTALL
    if host["availability"] not in _UP or host["mtce_procedure"] == _REINSTALL or is_asked_for:
        return {}
    # Whatever was heard last of its installer.
    changes: dict[str, Any] = dict(_COMPLETED) if host["install_state"] in (*_IN_PROGRESS, states.INSTALL_FAILED) else {}
    if host["action_state"] == states.REINSTALLING:
        changes["action_state"] = states.REINSTALLED
    return changes


def on_minute(host: Host) -> dict[str, Any]:
    """What changes of the host's installation by a minute without news."""
    state = host["install_state"]
    if host["administrative"] != states.LOCKED or state not in _IN_PROGRESS:
        return {}
    if state == states.BOOTING and host["availability"] != "offline":
        return dict(_COMPLETED)
    minutes = host["install_silent_minutes"] + 1
    if state == states.BOOTING and minutes > BOOT_PATIENCE_MIN:
        # It was installed. That it does not come up is for an operator to look at, not for another installation to wipe.
        return {"install_state": states.INSTALL_FAILED, "install_silent_minutes": 0, "action_state": states.REINSTALLED}
    if state != states.BOOTING and minutes > PATIENCE_MIN:
        return {"install_state": states.INSTALL_FAILED, "install_silent_minutes": 0}
    return {"install_silent_minutes": minutes}
