# SPDX-License-Identifier: Apache-2.0
"""Runs on a lab's first controller: gives the hosts that are discovered their names, and waits until all are online.

It does by REST what an operator does with `system host-update`, and prints a line at each change that an operator would see.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import session as keystone_session

from stxembedded import config, identity
from stxlab import bootstrap

POLL_S = 0.3
SHOWN = ("administrative", "operational", "availability")

Wanted = Mapping[str, Mapping[str, str]]


def main() -> None:
    """Arguments: the hosts by MAC address, each with its personality and hostname, as JSON; and seconds to wait at most."""
    wanted, deadline_s = json.loads(sys.argv[1]), float(sys.argv[2])
    layout = bootstrap.own_layout()
    session = identity.connect(layout.auth_url, config.read_passwords(layout)["admin"])
    missing = await_online(session, f"{layout.url('platform')}/v1/ihosts", wanted, time.monotonic() + deadline_s)
    if missing:
        sys.exit(f"not online after {deadline_s:g} s: {', '.join(sorted(missing))}")


def await_online(session: keystone_session.Session, url: str, wanted: Wanted, deadline: float) -> set[str]:
    """Name what is discovered, until all are online. Gives the names of those that are not at the deadline."""
    seen: dict[str, str] = {}
    while True:
        try:
            hosts = {host["mgmt_mac"]: host for host in session.get(url, headers={"Accept": "application/json"}).json()["ihosts"]}
            for mac, names in wanted.items():
                if mac in hosts and hosts[mac]["personality"] is None:
                    name(session, url, hosts[mac], names)
        except auth_exceptions.ClientException as error:
            say(seen, "the platform", f"does not answer yet: {type(error).__name__}")
            hosts = {}
        states = {names["hostname"]: state(hosts.get(mac)) for mac, names in wanted.items()}
        for hostname, text in states.items():
            say(seen, hostname, text)
        missing = {hostname for hostname, text in states.items() if not text.endswith("online")}
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(POLL_S)


def name(session: keystone_session.Session, url: str, host: Mapping[str, Any], names: Mapping[str, str]) -> None:
    changes = [{"op": "replace", "path": f"/{key}", "value": value} for key, value in names.items()]
    session.patch(f"{url}/{host['uuid']}", json=changes)


def state(host: Mapping[str, Any] | None) -> str:
    """What an operator sees of a host."""
    if host is None:
        return "not seen yet"
    if host["hostname"] is None:
        return "discovered"
    installing = host.get("install_state")
    states = " ".join(str(host[key]) for key in SHOWN)
    return f"{states} ({installing})" if installing and host["availability"] == "offline" else states


def say(seen: dict[str, str], subject: str, text: str) -> None:
    if seen.get(subject) != text:
        seen[subject] = text
        print(f"{subject} is {text}" if subject != "the platform" else f"{subject} {text}", flush=True)


if __name__ == "__main__":
    main()
