# SPDX-License-Identifier: Apache-2.0
"""Follows what the platform says of its hosts: administrative, operational and availability states, from its REST interface."""

import http.client
import ipaddress
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stxlab import topology
from stxlab.layout import Layout
from stxlab.machine import Machine
from stxlab.network import Switch, bridge

PERIOD_S = 1.0
DEADLINE_S = 2.0
# The observer's own address on a network of the lab: no host's, no board's.
_PLACE = 254
_EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)
ANSWERS, SILENT = "answers", "silent"

Emit = Callable[[float, str, str, str, str], None]


class ApiError(Exception):
    """The platform does not answer as it should."""


class Api:
    """:param credentials: the variables of an openrc file"""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._credentials = credentials
        self._token = ""
        self._url = ""

    def states(self) -> dict[str, str]:
        """The states of each host by its name, with dashes between, and its task, where it has one.

        :raises ApiError: when they cannot be had
        """
        if not self._token:
            self._log_in()
        answer, _ = _request(f"{self._url}/ihosts", headers={"X-Auth-Token": self._token}, forget=self._forget)
        return {str(host.get("hostname") or host.get("uuid")): _state(host) for host in answer.get("ihosts", [])}

    def _forget(self) -> None:
        self._token = ""

    def _log_in(self) -> None:
        known = self._credentials
        user = {"name": known["OS_USERNAME"], "password": known["OS_PASSWORD"], "domain": {"name": known["OS_USER_DOMAIN_NAME"]}}
        project = {"name": known["OS_PROJECT_NAME"], "domain": {"name": known["OS_PROJECT_DOMAIN_NAME"]}}
        identity = {"methods": ["password"], "password": {"user": user}}
        content = {"auth": {"identity": identity, "scope": {"project": project}}}
        answer, headers = _request(f"{known['OS_AUTH_URL']}/auth/tokens", content=content)
        for service in answer["token"]["catalog"]:
            if service["type"] == "platform":
                self._url = next(point["url"] for point in service["endpoints"] if point["interface"] == "public")
        if not self._url:
            raise ApiError("The catalogue has no platform.")
        self._token = headers["X-Subject-Token"]


def _state(host: Mapping[str, Any]) -> str:
    states = "-".join(str(host.get(name)) for name in ("administrative", "operational", "availability"))
    return f"{states}, {host['task']}" if host.get("task") else states


def _request(
    url: str, headers: Mapping[str, str] = {}, content: object = None, forget: Callable[[], None] = lambda: None
) -> tuple[Any, Mapping[str, str]]:
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    # Proxies are for the machine's networks, not for the lab's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=DEADLINE_S) as answer:
            return json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        if error.code == 401:
            forget()
        raise ApiError(f"HTTP {error.code}") from error
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise ApiError(str(error)) from error


def credentials(layout: Layout) -> dict[str, str]:
    """Those that the first controller has; none before it is installed."""
    host = layout.load().hosts[0]
    leader = Machine(layout, host, Switch(layout)).leader
    if leader is None:
        return {}
    try:
        found = dict(_EXPORT.findall(Path(f"/proc/{leader.pid}/root/root/openrc").read_text()))
    except OSError:
        return {}
    return found if {"OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"} <= set(found) else {}


def watch(layout: Layout, emit: Emit) -> None:
    """Tell how the states of hosts change, and whether the interface answers. Never returns."""
    api: Api | None = None
    told: dict[str, str] = {}
    while True:
        begun = time.monotonic()
        if api is None and (known := credentials(layout)) and be_on_network(known["OS_AUTH_URL"]):
            api = Api(known)
        if api is not None:
            try:
                found = {f"host {name}": state for name, state in api.states().items()}
                found["api"] = ANSWERS
            except ApiError as error:
                found = {"api": str(error) if str(error).startswith("HTTP") else SILENT}
            for key, what in found.items():
                if told.get(key) != what:
                    told[key] = what
                    is_host = key.startswith("host ")
                    emit(begun, "state" if is_host else "api", key.removeprefix("host ") if is_host else "", "", what)
        time.sleep(max(0.0, begun + PERIOD_S - time.monotonic()))


def be_on_network(url: str) -> bool:
    """Have an address on the network where a service is. Whether there is such a network."""
    where = urllib.parse.urlsplit(url).hostname or ""
    for network, subnet in topology.SUBNETS.items():
        try:
            is_there = ipaddress.ip_address(where) in subnet
        except ValueError:
            return False
        if is_there:
            argv = ["ip", "address", "replace", f"{subnet[_PLACE]}/{subnet.prefixlen}", "dev", bridge(network)]
            return subprocess.run(argv, check=False, capture_output=True).returncode == 0
    return False
