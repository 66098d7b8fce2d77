# SPDX-License-Identifier: Apache-2.0
"""Waits until the platform in a lab has all the lab's hosts: discovered, named, installed, online."""

import json
import subprocess
import time
from collections.abc import Callable

from stxlab.enter import RunError
from stxlab.machine import Machine
from stxlab.topology import Host, Topology

PYTHON = "/opt/starlingx/bin/python"
DEADLINE_S = 240.0
# For Service Management to start again what has failed once.
DEGRADED_S = 30.0
_POLL_S = 0.2


def await_service(machine: Machine, deadline_s: float = DEADLINE_S) -> None:
    """Wait until the first controller is active, and all its services with it.

    :raises RunError: when they are not in time, naming those that failed
    """
    now = time.monotonic()
    deadline, well_at = now + deadline_s, now
    while (state := machine.state()) != "running" or not is_active(machine):
        now = time.monotonic()
        well_at = well_at if state == "degraded" else now
        if now > min(deadline, well_at + DEGRADED_S):
            failed = machine.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]).split("\n")
            listed = ", ".join(line.split()[0] for line in failed if line) or "none has failed"
            raise RunError(
                f"{machine.host.name} is {state}, failed units: {listed}. See: stx lab exec {machine.host.name} -- journalctl"
            )
        time.sleep(_POLL_S)


def is_active(machine: Machine) -> bool:
    """Whether all groups of services are active on a controller."""
    try:
        told = json.loads(machine.run(["sm-dump", "-f", "json"]))
    except RunError:
        return False
    return all(group["state"] == "active" for group in told["service_groups"])


def await_online(machine: Machine, wanted: Topology, say: Callable[[str], None], deadline_s: float = DEADLINE_S) -> None:
    """Wait until all hosts but the first controller, which serves, are online; they are named on the way.

    :param say: told of each change of a host's state
    :raises RunError: naming the hosts that are not online in time
    """
    others = {host.mac("mgmt"): names(host) for host in wanted.hosts[1:]}
    argv = machine.argv([PYTHON, "-u", "-m", "stxlab.naming", json.dumps(others), str(deadline_s)])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None and asking.stderr is not None
        for line in asking.stdout:
            say(line.rstrip())
        complaint = asking.stderr.read().strip().splitlines()
    if asking.returncode:
        raise RunError(complaint[-1] if complaint else f"the hosts could not be asked for ({asking.returncode})")


def names(host: Host) -> dict[str, str]:
    """What an operator makes of a discovered host."""
    # Controllers and storage hosts get their names by themselves; said once more, a name that differs is refused.
    return {"personality": host.personality, "hostname": host.name}
