# SPDX-License-Identifier: Apache-2.0
"""Runs on a blank host of a lab: waits until the platform has named the host, then makes it that.

It does what the installer of a real host does, over the same interface: the boot file that is served for the host's MAC address says
what the host is to be, and progress is posted where that file says. Unpacking the image is already done here.
"""

import http.client
import json
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping

from stxlab import hostoptions, seeds, services, topology

POLL_S = 0.5
DEADLINE_S = 5
# Of a program, while others of the machine boot too.
PROGRAM_S = 60
MOST_BYTES = 16384
_DEVICES = pathlib.Path("/sys/class/net")
_LEASES = pathlib.Path("/run/systemd/netif/leases")
_SERVER = re.compile(r"^SERVER_ADDRESS=([0-9.]+)$", re.MULTILINE)
_APPEND = re.compile(r"^\s*append\s+(.*)$", re.MULTILINE | re.IGNORECASE)


def main() -> None:
    options = await_orders()
    notify = options["tisnotify"]
    report(notify, "preinstall", "")
    install(options)
    report(notify, "installed", "")
    subprocess.run(["systemctl", "reboot", "--no-block"], check=True, timeout=PROGRAM_S)


def await_orders() -> dict[str, str]:
    """What the platform wants the host to be; it is asked until it says."""
    said = False
    while True:
        server, name = boot_server(), f"01-{own_mac().replace(':', '-')}"
        if server and (content := fetch(f"tftp://{server}/pxelinux.cfg/{name}")):
            return parse(content)
        if server and not said:
            print(f"this host waits at {server} for a name; its MAC address is {own_mac()}", flush=True)
            said = True
        time.sleep(POLL_S)


def own_mac() -> str:
    return pathlib.Path("/sys/class/net/mgmt/address").read_text().strip()


def boot_server() -> str | None:
    """Who gave an address on the network that hosts are installed over."""
    index = pathlib.Path("/sys/class/net/pxeboot/ifindex").read_text().strip()
    try:
        found = _SERVER.search((_LEASES / index).read_text())
    except OSError:
        return None
    return found.group(1) if found else None


def fetch(url: str) -> str | None:
    argv = ["curl", "--silent", "--fail", "--max-time", str(DEADLINE_S), "--max-filesize", str(MOST_BYTES), url]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=2 * DEADLINE_S)
    return done.stdout if done.returncode == 0 else None


def parse(content: str) -> dict[str, str]:
    """The kernel's arguments in a boot file, by name; those without a value have an empty one."""
    found = _APPEND.search(content)
    words = found.group(1).split() if found else []
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def report(url: str, state: str, info: str) -> None:
    """Tell how far it is. That it is not heard is no reason to stop."""
    body = json.dumps({"install_state": state, "install_state_info": info}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S):
            pass
    except (OSError, http.client.HTTPException) as error:
        print(f"progress was not taken: {error}", flush=True)


def install(options: Mapping[str, str]) -> None:
    hostname, controller = options["stx.hostname"], topology.floating_address("mgmt")
    given = json.loads(pathlib.Path("/etc/starlingx/lab.json").read_text())
    secret, is_controller = given["bus_secret"], options["stx.personality"] == topology.CONTROLLER
    subfunctions = options.get("stx.subfunctions", options["stx.personality"])
    files = {
        "/etc/hostname": f"{hostname}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n{controller} controller\n",
        "/etc/starlingx/starlingx.conf": _configuration(
            hostname, f"rabbit://stx:{secret}@{controller}:5672/", subfunctions, is_controller
        ),
    }
    for name, content in files.items():
        write(name, content)
    if is_controller:
        install_controller(hostname, given)
    else:
        install_voter(hostname, given)
    subprocess.run(["systemctl", "enable", "stx-host.target"], check=True, timeout=PROGRAM_S)
    # Last: with it a host is not blank, and what has failed before is not begun again.
    write("/etc/platform/platform.conf", f"nodetype={options['stx.personality']}\nsubfunction={subfunctions}\n")


def install_controller(hostname: str, given: Mapping[str, str]) -> None:
    """The second controller: it has addresses of its own, and gets data and the system's files from the first one."""
    from stxlab import bootstrap

    host = next(host for host in services.controllers(given["shape"]) if host.name == hostname)
    for network in ("mgmt", "pxeboot"):
        write(f"/etc/systemd/network/40-{network}.network", seeds.static(network, host.address(network)))
    shutil.rmtree(services.PGDATA, ignore_errors=True)
    bootstrap.configure_controller(hostname, given)
    subprocess.run(["systemctl", "enable", "stx-controller.target"], check=True, timeout=PROGRAM_S)


def install_voter(hostname: str, given: Mapping[str, str]) -> None:
    """Any other host: it votes for the active controller."""
    networks = own_networks()
    write(services.PULSE_KEY, f"{given['pulse_secret']}\n")
    write(services.HOST_KEY, f"{given['own_secret']}\n")
    write(services.PULSE_SETTINGS, services.of_heartbeat(hostname, networks, is_controller=False))
    told = "/etc/starlingx/sm.yaml"
    write(told, services.of_voter(hostname, given["sm_secret"], networks))
    argv = ["/opt/starlingx/bin/sm-configure", "load", "--without-shipped", told]
    subprocess.run(argv, check=True, timeout=PROGRAM_S)
    subprocess.run(["systemctl", "enable", "sm-voter.service"], check=True, timeout=PROGRAM_S)


def own_networks() -> dict[str, str]:
    """This host's addresses; the one for management is given to it when it boots."""
    found = cluster_address()
    return {"mgmt": "0.0.0.0"} | ({"cluster": found} if found else {})


def cluster_address() -> str | None:
    """This host's address on the cluster network, where it has one."""
    try:
        text = pathlib.Path("/etc/systemd/network/40-cluster.network").read_text()
    except FileNotFoundError:
        return None
    found = re.search(r"^Address=([0-9.]+)/", text, re.MULTILINE)
    return found.group(1) if found else None


def write(name: str, content: str) -> None:
    """A file that only root reads where secrets may be in it."""
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600 if "starlingx" in name else 0o644)
    path.write_text(content)


def _configuration(hostname: str, bus: str, subfunctions: str, is_controller: bool) -> str:
    devices = [path.name for path in _DEVICES.iterdir()]
    of_mtce = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
        for group, values in hostoptions.options(devices, cluster_address()).items()
    )
    keys = "".join(f"{name} = {file}\n" for name, file in services.key_option(is_controller).items())
    return (
        f"[DEFAULT]\nhost = {hostname}\ntransport_url = {bus}\nlog_dir = /var/log/starlingx\n"
        f"state_path = /var/lib/starlingx\nrun_path = /run/starlingx\n{keys}"
        f"[pmon]\nsubfunctions = {subfunctions}\nconf_dir = /etc/pmon.d\n{of_mtce}"
    )


if __name__ == "__main__":
    main()
