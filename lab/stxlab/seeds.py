# SPDX-License-Identifier: Apache-2.0
"""What a lab writes onto the disks of its hosts before their first power-on.

The first controller comes installed: somebody has to be there to install the others. All others are blank; they only carry the
secret of the message bus and a key of their own, as the medium of an installer would, and their addresses on networks that the platform
does not manage yet.
"""

import json
import shutil
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

from stx import hostkeys
from stxlab import topology
from stxlab.layout import Layout
from stxlab.topology import CONTROLLER, NETWORKS, SUBNETS, Host, Topology

# What hosts share, so that they believe each other.
HOST_SECRETS = ("bus", "sm", "pulse")
CONTROLLER_SECRETS = (*HOST_SECRETS, "database", "files", "board", "master")
_WANTS = "etc/systemd/system/multi-user.target.wants"


def write(layout: Layout, wanted: Topology, host: Host, secrets: Mapping[str, str]) -> None:
    seed = layout.host(host).seed
    shutil.rmtree(seed, ignore_errors=True)
    files = first_controller(wanted, host, secrets) if host is wanted.hosts[0] else blank(wanted, host, secrets)
    # Without one systemd takes it for the first boot ever, and enables or disables units as it thinks best.
    files["etc/machine-id"] = f"{uuid.uuid4().hex}\n"
    put(seed, files)


def put(seed: Path, files: Mapping[str, str]) -> None:
    """Have files put on a host's disk at its next power-on.

    :param files: what they hold, by name; "-> target" for a link
    """
    for name, content in files.items():
        path = seed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # On the host they have these modes too, whatever the mask of whoever calls.
        for directory in (path.parent, *path.parent.parents):
            if directory.is_relative_to(seed):
                directory.chmod(0o700 if directory.name == "starlingx" else 0o755)
        if content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_text(content)
            path.chmod(0o600 if "starlingx" in name else 0o644)


def blank(wanted: Topology, host: Host, secrets: Mapping[str, str]) -> dict[str, str]:
    """On mgmt and pxeboot it gets its addresses from the platform; on the others the platform gives none yet."""
    networks = {
        f"etc/systemd/network/40-{network}.network": static(network, host.address(network))
        for network in host.networks()
        if network in ("cluster", "oam")
    }
    if host.personality == CONTROLLER:
        return {**networks, "etc/starlingx/lab.json": _lab(wanted, secrets, CONTROLLER_SECRETS)}
    own = hostkeys.derive(secrets["master"].encode(), hostkeys.of_host(host.name)).decode()
    return {**networks, "etc/starlingx/lab.json": _lab(wanted, {**secrets, "own": own}, (*HOST_SECRETS, "own"))}


def first_controller(wanted: Topology, host: Host, secrets: Mapping[str, str]) -> dict[str, str]:
    networks = {f"etc/systemd/network/40-{network}.network": static(network, host.address(network)) for network in NETWORKS}
    return {
        **networks,
        "etc/hostname": f"{host.name}\n",
        "etc/hosts": _hosts(host),
        "etc/platform/platform.conf": "nodetype=controller\nsubfunction=controller\n",
        "etc/starlingx/lab.json": _lab(wanted, secrets, CONTROLLER_SECRETS),
        f"{_WANTS}/stx-bootstrap.service": "-> /etc/systemd/system/stx-bootstrap.service",
        f"{_WANTS}/stx-controller.target": "-> /etc/systemd/system/stx-controller.target",
        f"{_WANTS}/stx-host.target": "-> /etc/systemd/system/stx-host.target",
    }


def static(network: str, address: str) -> str:
    """A file of systemd-networkd for a port that has this address."""
    length = SUBNETS[network].prefixlen
    return f"[Match]\nName={network}\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nAddress={address}/{length}\n"


def _lab(wanted: Topology, secrets: Mapping[str, str], names: Collection[str]) -> str:
    shared = {f"{name}_secret": secrets[name] for name in names}
    return json.dumps({"shape": wanted.shape, **shared})


def _hosts(host: Host) -> str:
    return f"127.0.0.1 localhost\n{host.address('mgmt')} {host.name}\n{topology.floating_address('mgmt')} controller\n"
