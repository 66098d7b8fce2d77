# SPDX-License-Identifier: Apache-2.0
"""Runs on a lab's first controller: adds hosts before their first power-on, as `system host-add` does, or waits for many hosts."""

import json
import sys
import time

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import session as keystone_session

from stxembedded import config, identity
from stxlab import bootstrap

PAGE = 1000
_TELL_S, _POLL_S = 1.0, 3.0
_HEADERS = {"Accept": "application/json"}


def main() -> None:
    """What is to be done comes as JSON: {"add": [host, ...]} or {"await_online": start of the names, "hosts": N, "deadline_s": S}."""
    orders = json.load(sys.stdin)
    layout = bootstrap.own_layout()
    session = identity.connect(layout.auth_url, config.read_passwords(layout)["admin"])
    url = f"{layout.url('platform')}/v1/ihosts"
    try:
        if "add" in orders:
            add(session, url, orders["add"])
        else:
            await_online(session, url, orders["await_online"], orders["hosts"], orders["deadline_s"])
    except auth_exceptions.ClientException as error:
        sys.exit(f"the platform refuses: {fault(error)}")


def add(session: keystone_session.Session, url: str, wanted: list[dict[str, str]]) -> None:
    """Add those that are not there yet."""
    known = {host["hostname"] for host in hosts(session, url)}
    missing = [host for host in wanted if host["hostname"] not in known]
    told = time.monotonic()
    for number, host in enumerate(missing):
        session.post(url, json=host, headers=_HEADERS)
        if time.monotonic() - told >= _TELL_S:
            told = time.monotonic()
            print(f"{number + 1} of {len(missing)} hosts are added", flush=True)
    print(f"{len(missing)} hosts are added, {len(wanted) - len(missing)} were there", flush=True)


def await_online(session: keystone_session.Session, url: str, start: str, count: int, deadline_s: float) -> None:
    """Wait until so many hosts whose names start so are online."""
    deadline, told = time.monotonic() + deadline_s, -1
    while True:
        states = [host["availability"] for host in hosts(session, url) if (host["hostname"] or "").startswith(start)]
        online = states.count("online")
        if online != told:
            told = online
            print(f"{online} of {count} simulated hosts are online", flush=True)
        if online >= count:
            return
        if time.monotonic() > deadline:
            sys.exit(f"{count - online} of {count} simulated hosts are not online after {deadline_s:g} s")
        time.sleep(_POLL_S)


def hosts(session: keystone_session.Session, url: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    page = f"{url}?limit={PAGE}"
    while page:
        answer = session.get(page, headers=_HEADERS).json()
        found += answer["ihosts"]
        page = answer.get("next", "")
    return found


def fault(error: auth_exceptions.ClientException) -> str:
    """What the platform said, where it said something."""
    response = getattr(error, "response", None)
    try:
        return str(json.loads(response.json()["error_message"])["faultstring"])  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(error)


if __name__ == "__main__":
    main()
