# SPDX-License-Identifier: Apache-2.0
"""A lab of two controllers and one compute for other cluster managers: addresses and nothing else on them."""

import abc
import contextlib
import shutil
import uuid
from pathlib import Path

from bench.failover_product import ROOT, Product
from bench.peers import postgresql
from bench.peers.cluster_image import PeersImage
from stxlab import layout, seeds, topology
from stxlab.lab import Lab, Say
from stxlab.layout import Layout
from stxlab.machine import Machine

START_DEADLINE_S = 60.0
WANTED = topology.make("duplex", computes=1)


class ClusterPeer(Product):
    """A product on a lab of its own.

    :cvar clones_are_standbys: False when the product makes them standbys itself
    :param directory: of the lab
    """

    login = postgresql.LOGIN
    clones_are_standbys = True

    def __init__(self, directory: Path, say: Say) -> None:
        self.say = say
        self.lab = Lab(Layout(directory), PeersImage(ROOT, layout.cache_directory(), say), lambda _: None)
        self._cleanup = contextlib.ExitStack()

    def bring_up(self) -> None:
        self._cleanup.enter_context(self.lab.turn("bench sm-failover"))
        self._cleanup.callback(self._remove)
        # One that was killed left its own.
        self.lab.down()
        self.lab.layout.make()
        self.lab.layout.save(WANTED, self.lab.image.build())
        for host in WANTED.hosts:
            machine = self.lab.machine(host)
            machine.make_disk()
            seeds.put(machine.files.seed, host_files(host))
        self.lab.up(WANTED)
        for machine in self.lab.machines():
            self.lab.await_running(machine)
        first, second = self.controllers()
        for machine in (first, second):
            postgresql.configure(machine)
        postgresql.start(first)
        postgresql.clone(second, first.host.address("mgmt"), self.clones_are_standbys)
        self.start(first, second)

    @abc.abstractmethod
    def start(self, first: Machine, second: Machine) -> None:
        """Let the product have the controllers: the first one's database runs, the second one's is a copy of it."""

    def take_down(self) -> None:
        self._cleanup.close()

    def _remove(self) -> None:
        self.lab.down()
        shutil.rmtree(self.lab.layout.directory)


def host_files(host: topology.Host) -> dict[str, str]:
    """What a host has on its disk: its name, and its addresses."""
    names = "".join(f"{other.address('mgmt')} {other.name}\n" for other in WANTED.hosts)
    files = {
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
        "etc/hostname": f"{host.name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n{names}",
    }
    for network in host.networks():
        address = f"{host.address(network)}/{topology.SUBNETS[network].prefixlen}"
        files[f"etc/systemd/network/40-{network}.network"] = (
            f"[Match]\nName={network}\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nKeepConfiguration=static\n"
            f"Address={address}\n"
        )
    return files
