# SPDX-License-Identifier: Apache-2.0
"""What communities and trap destinations may be (spec fm.md 3.4, 8.4)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sysinv.rules import Refusal

Row = Mapping[str, Any]

V2C_TRAP, V3_INFORM = "snmpv2c_trap", "snmpv3_inform"
COMMUNITY_DEFAULTS = {"view": ".1", "access": "ro"}
DESTINATION_DEFAULTS: dict[str, Any] = {
    "community": None,
    "port": 162,
    "type": V2C_TRAP,
    "transport": "udp",
    "security_name": None,
    "auth_password": None,
    "priv_password": None,
}
PASSWORDS = ("auth_password", "priv_password")
# A destination costs a thread of the notifier, and a community a look at each request.
MOST = 16
# By RFC 3414.
SHORTEST_PASSWORD = 8
# It is a part of paths; `detail` is one by itself.
_COMMUNITY = re.compile(r"(?!detail$)[!-.0-~]{1,128}")


def check_community(row: Row, others: Sequence[Row]) -> list[Refusal]:
    """What is against having this community.

    :param others: those that there are beside it
    """
    refusals = _community(row["community"])
    if row["view"] != COMMUNITY_DEFAULTS["view"] or row["access"] != COMMUNITY_DEFAULTS["access"]:
        refusals.append(Refusal("What can be read is the same for all, view .1, and nothing can be written, access ro."))
    return refusals + _beside(row, others, "community")


def check_destination(row: Row, others: Sequence[Row], given: Row) -> list[Refusal]:
    """What is against having this destination.

    :param row: all of it; passwords may be encrypted
    :param others: those that there are beside it
    :param given: what of it is given now, with passwords as they are
    """
    if row["type"] == V3_INFORM:
        refusals = _user(row, given)
    else:
        refusals = _community(row["community"])
        if any(row[name] for name in ("security_name", *PASSWORDS)):
            refusals.append(Refusal(f"security_name, auth_password and priv_password are for the type {V3_INFORM}."))
    return refusals + _beside(row, others, "ip_address")


def _user(row: Row, given: Row) -> list[Refusal]:
    if missing := [name for name in ("security_name", *PASSWORDS) if not row[name]]:
        return [Refusal(f"The type {V3_INFORM} needs {' and '.join(missing)}.")]
    refusals = [
        Refusal(f"{name} needs {SHORTEST_PASSWORD} characters or more.")
        for name in PASSWORDS
        if name in given and len(given[name] or "") < SHORTEST_PASSWORD
    ]
    if not re.fullmatch(r"[!-~]{1,32}", row["security_name"]):
        refusals.append(Refusal("security_name is 1 to 32 printable ASCII characters without space."))
    if row["community"]:
        refusals.append(Refusal(f"community is for the type {V2C_TRAP}."))
    return refusals


def _community(community: str | None) -> list[Refusal]:
    if _COMMUNITY.fullmatch(community or ""):
        return []
    return [Refusal("community is 1 to 128 printable ASCII characters without space and slash, and not `detail`.")]


def _beside(row: Row, others: Sequence[Row], name: str) -> list[Refusal]:
    if any(other[name] == row[name] for other in others):
        return [Refusal(f"{name} {row[name]} is there already.", conflict=True)]
    if len(others) >= MOST:
        return [Refusal(f"There are {MOST} already, which is the most.", conflict=True)]
    return []
