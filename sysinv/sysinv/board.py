# SPDX-License-Identifier: Apache-2.0
"""How the board management controllers of hosts are reached: what may be said of one, and what that comes to (spec sysinv.md 1.8.1)."""

from collections.abc import Mapping, Sequence
from typing import Any

NONE = "none"
# What operators may give as the type; older clients know bmc only.
TYPES = (NONE, "bmc", "dynamic", "ipmi", "redfish")
_ALIASES = {"bmc": "ipmi", NONE: None, "": None}

TYPE, ADDRESS, USERNAME, PASSWORD = FIELDS = ("bm_type", "bm_ip", "bm_username", "bm_password")
_REACHED_WITH = (ADDRESS, USERNAME, PASSWORD)

Host = Mapping[str, Any]

# `host` is filled in.
UNKNOWN = (
    "Its board management controller is not known. Say how it is reached first: "
    "system host-update {host} bm_type=... bm_ip=... bm_username=... bm_password=..."
)


def is_known(host: Host) -> bool:
    return bool(host[TYPE] and host[ADDRESS])


def complete(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a host as they are stored: without a board there is nothing else to say of it."""
    whole = {name: value or None if name in FIELDS else value for name, value in values.items()}
    if TYPE in values:
        whole[TYPE] = _ALIASES.get(values[TYPE], values[TYPE])
        if whole[TYPE] is None:
            whole |= dict.fromkeys(FIELDS)
    return whole


def differs(host: Host, name: str, value: Any) -> bool:
    """Whether an attribute would be another one. A password always would: what it is now is not known here."""
    if name == PASSWORD:
        return value is not None or bool(host.get("has_bm_password"))
    return bool(host[name] != value)


def check(host: Host, changes: Mapping[str, Any]) -> list[str]:
    """Reasons against what a board would be after changes; `complete` gave them."""
    after = {**host, **changes}
    given = [name for name in _REACHED_WITH if after.get(name)]
    if not after.get(TYPE):
        return (
            [f"Say what kind of board management controller it is beside {', '.join(given)}: bm_type={_kinds()}."]
            if given
            else []
        )
    reasons = []
    missing = [name for name in (ADDRESS, USERNAME) if not after.get(name)]
    if not (changes[PASSWORD] if PASSWORD in changes else host.get(PASSWORD) or host.get("has_bm_password")):
        missing.append(PASSWORD)
    if missing:
        reasons.append(
            f"A board management controller is reached with {_and(_REACHED_WITH)}: give {_and(missing)}, or bm_type=none."
        )
    if PASSWORD not in changes and host.get(USERNAME) and changes.get(USERNAME):
        reasons.append("Another bm_username has another bm_password: give both.")
    return reasons


def _kinds() -> str:
    return ", ".join(kind for kind in TYPES if kind not in _ALIASES)


def _and(names: Sequence[str]) -> str:
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])


def command(before: Host, changed: Mapping[str, Any]) -> str | None:
    """What an operator did to the board by a change, in the words of the log 200.021 (spec mtce-sm.md A7); None when nothing."""
    if not changed.keys() & set(FIELDS):
        return None
    was, now = before.get(TYPE), {**before, **changed}.get(TYPE)
    if now is None:
        return "deprovision" if was is not None else None
    return "reprovision" if was is not None else "provision"
