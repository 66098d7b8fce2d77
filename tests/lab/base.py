# SPDX-License-Identifier: Apache-2.0
"""A lab for the tests of a class, taken down whatever becomes of them.

What it costs: an image, built once into the cache of all labs ($STX_LAB_CACHE), and a few seconds for the hosts to come up.
"""

import atexit
import multiprocessing
import multiprocessing.pool
import os
import pathlib
import shutil
import socket
import tempfile
import time
import unittest
import uuid
from collections.abc import Callable
from typing import Any

import pyroute2
from oslotest import base

from stxlab import layout, topology
from stxlab.image import Image
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.machine import Machine

ROOT = pathlib.Path(__file__).parents[2]
# A program of each package that a lab needs of the system.
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ipmi_sim": "openipmi",
    "ipmitool": "ipmitool",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
}


def missing() -> str | None:
    """Why a lab cannot run here; None when it can."""
    if os.getuid() != 0:
        return "a lab makes name spaces, bridges and mounts, which needs root"
    absent = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"a lab needs packages that are not installed: {' '.join(absent)}" if absent else None


class LabTestCase(base.BaseTestCase):
    """Tests of one lab, which all of them share.

    :cvar wanted: the hosts that it has
    :cvar has_services: whether they run the platform; without it they are up at once, and have their addresses
    """

    wanted = topology.make("simplex")
    has_services = True
    lab: Lab
    _inside: multiprocessing.pool.Pool

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := missing():
            raise unittest.SkipTest(reason)
        directory = pathlib.Path(tempfile.mkdtemp(prefix="stxlab-"))
        cls.lab = Lab(Layout(directory), Image(ROOT, layout.cache_directory(), _say), _say)
        cls.addClassCleanup(_remove, cls.lab)
        # An interrupted run does no clean-ups.
        atexit.register(_remove, cls.lab)
        if not cls.has_services:
            _leave_out_services(cls.lab, cls.wanted)
        cls.lab.up(cls.wanted)
        networks = f"/proc/{cls.lab.switch.pid}/ns/net"
        cls._inside = multiprocessing.get_context("fork").Pool(1, pyroute2.netns.setns, (networks,))
        cls.addClassCleanup(cls._inside.terminate)

    def machine(self, name: str) -> Machine:
        return self.lab.machine(self.wanted.host(name))

    def inside(self, function: Callable[..., Any], *arguments: Any, deadline_s: float = 60.0) -> Any:
        """What a function gives when it is called where the lab's networks are."""
        return self._inside.apply_async(function, arguments).get(deadline_s)

    def answers(self, name: str) -> bool:
        """Whether a controller is reached over oam."""
        return bool(self.inside(_answers, self.wanted.host(name).address("oam")))

    def wait_for(self, what: str, is_done: Callable[[], bool], deadline_s: float = 60.0, period_s: float = 0.05) -> float:
        """Wait until something holds; gives the seconds that it took."""
        begun = time.monotonic()
        while not is_done():
            if time.monotonic() - begun > deadline_s:
                self.fail(f"{what}: not within {deadline_s:g} s")
            time.sleep(period_s)
        return time.monotonic() - begun


def _remove(lab: Lab) -> None:
    lab.down()
    shutil.rmtree(lab.layout.directory, ignore_errors=True)


def _leave_out_services(lab: Lab, wanted: topology.Topology) -> None:
    """Make the disks before the lab does, so that they have what these hosts need, and nothing else."""
    lab.layout.make()
    for host in wanted.hosts:
        machine = lab.machine(host)
        machine.make_disk()
        files = {
            "etc/machine-id": f"{uuid.uuid4().hex}\n",
            "etc/hostname": f"{host.name}\n",
            # A host that has it is not blank, so nobody installs it.
            "etc/platform/platform.conf": "",
        }
        for network in host.networks():
            address = f"{host.address(network)}/{topology.SUBNETS[network].prefixlen}"
            files[f"etc/systemd/network/40-{network}.network"] = f"[Match]\nName={network}\n\n[Network]\nAddress={address}\n"
        for name, content in files.items():
            path = machine.files.seed / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def _answers(address: str) -> bool:
    """Nobody listens on the port, which a host that runs says at once."""
    try:
        socket.create_connection((address, 9), 0.5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    """What a lab tells of its steps is of no use in a test."""
