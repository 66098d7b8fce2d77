# SPDX-License-Identifier: Apache-2.0
"""Labs for tests. Classes that want the same lab share it, one after another; it is taken down whatever becomes of them.

What it costs: an image, built once into the cache of all labs ($STX_LAB_CACHE), and a few seconds for the hosts to come up.
"""

import atexit
import contextlib
import fcntl
import functools
import io
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
from collections.abc import Callable, Iterator
from typing import Any

import pyroute2
from oslotest import base

from stxlab import enter, layout, registration, seeds, topology
from stxlab.cmd import main as command
from stxlab.errors import LabError
from stxlab.groups import Group
from stxlab.image import Image
from stxlab.lab import Lab
from stxlab.layout import Layout
from stxlab.machine import Machine

ROOT = pathlib.Path(__file__).parents[2]
_PREFIX = "stxlab-test-"
# A test has a home directory of its own: commands that it starts would build an image there.
os.environ["STX_LAB_CACHE"] = str(layout.cache_directory())
_YOUNG_S = 60.0
_BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")
# A program of each package that a lab needs of the system.
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ipmi_sim": "openipmi",
    "ipmitool": "ipmitool",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
}


@functools.cache
def missing() -> str | None:
    """Why a lab cannot run here; None when it can, and its image is there."""
    if os.getuid() != 0:
        return "a lab makes name spaces, bridges and mounts, which needs root"
    absent = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if absent:
        return f"a lab needs packages that are not installed: {' '.join(absent)}"
    try:
        Group("probe").make()
        Group("probe").end()
        enter.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"])
    except LabError as error:
        return str(error)
    image = new_image()
    try:
        image.build()
    except enter.RunError as error:
        *_, system = image.layers()
        if system.is_dir():
            raise
        # Nowhere to fetch a system from.
        return f"the system of a lab's hosts cannot be built here: {str(error).splitlines()[0]}"
    return None


def boot_id(machine: Machine) -> str:
    """The boot that a host is in.

    :raises LabError: when it is in none yet
    """
    found, own = machine.run(["cat", str(_BOOT_ID)]).strip(), _BOOT_ID.read_text().strip()
    if found == own:
        # It has no file of its own yet.
        raise LabError(f"{machine.host.name} boots.")
    return found


class LabTestCase(base.BaseTestCase):
    """Tests of one lab, which others may have used before: a test makes its hosts what it needs.

    :cvar wanted: the hosts that it has
    :cvar has_services: whether they run the platform; then the first controller serves, and the others are off and blank. Without it
        all are on at once, and have their addresses
    """

    wanted = topology.make("duplex", computes=1)
    has_services = False
    lab: Lab
    _shared: "_Shared"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := missing():
            raise unittest.SkipTest(reason)
        cls._shared = _share(cls.wanted, cls.has_services)
        cls.lab = cls._shared.lab

    def machine(self, name: str) -> Machine:
        return self.lab.machine(self.wanted.host(name))

    def inside(self, function: Callable[..., Any], *arguments: Any, deadline_s: float = 120.0) -> Any:
        """What a function gives when it is called where the lab's networks are."""
        return self._shared.inside.apply_async(function, arguments).get(deadline_s)

    def answers(self, name: str) -> bool:
        """Whether a controller is reached over oam."""
        return bool(self.inside(_answers, self.wanted.host(name).address("oam")))

    def command(self, *words: str) -> tuple[int, str]:
        """What a command of `stx lab` gives, and says."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = command.main([words[0], "--lab-dir", str(self.lab.layout.directory), *words[1:]], ROOT)
        return code, said.getvalue()

    def wait_for(self, what: str, is_done: Callable[[], bool], deadline_s: float = 60.0, period_s: float = 0.05) -> float:
        """Wait until something holds; gives the seconds that it took."""
        begun = time.monotonic()
        while not is_done():
            if time.monotonic() - begun > deadline_s:
                self.fail(f"{what}: not within {deadline_s:g} s")
            time.sleep(period_s)
        return time.monotonic() - begun


class _Shared:
    """A lab that is up, and a process where its networks are."""

    def __init__(self, wanted: topology.Topology, has_services: bool) -> None:
        self.wanted, self.has_services = wanted, has_services
        self.lab = new_lab()
        # An interrupted run does no clean-ups.
        atexit.register(self.end)
        try:
            self._bring_up()
        except BaseException:
            self.end()
            raise
        networks = f"/proc/{self.lab.switch.pid}/ns/net"
        self.inside = multiprocessing.get_context("fork").Pool(1, pyroute2.netns.setns, (networks,))

    def _bring_up(self) -> None:
        self.lab.layout.make()
        if not self.has_services:
            _leave_out_services(self.lab, self.wanted)
        self.lab.up(self.wanted)
        if self.has_services:
            first, *others = self.lab.machines()
            for machine in others:
                machine.power_off()
            registration.await_service(first)

    def end(self) -> None:
        if hasattr(self, "inside"):
            self.inside.terminate()
        remove(self.lab)
        atexit.unregister(self.end)


_kept: list[_Shared] = []


def _share(wanted: topology.Topology, has_services: bool) -> _Shared:
    """The lab that is up, when it is the wanted one; otherwise it is taken down, and another one brought up."""
    if _kept and (_kept[0].wanted, _kept[0].has_services) != (wanted, has_services):
        _kept.pop().end()
    if not _kept:
        _kept.append(_Shared(wanted, has_services))
    return _kept[0]


def new_lab() -> Lab:
    """A lab in a directory of its own, with nothing in it; for `remove` in the end."""
    _remove_orphans()
    directory = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX))
    # Held until this process ends, however it does.
    fcntl.flock(os.open(directory, os.O_RDONLY), fcntl.LOCK_EX)
    return Lab(Layout(directory), new_image(), _say)


def new_image() -> Image:
    """The image of the checkout."""
    return Image(ROOT, layout.cache_directory(), _say)


def remove(lab: Lab) -> None:
    lab.down()
    shutil.rmtree(lab.layout.directory, ignore_errors=True)


def _remove_orphans() -> None:
    """Take down the labs of tests that were killed."""
    for directory in pathlib.Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), _locked(directory):
            # One that was made a moment ago may not be held yet.
            if time.time() - directory.stat().st_ctime > _YOUNG_S:
                remove(Lab(Layout(directory), new_image(), _say))


@contextlib.contextmanager
def _locked(directory: pathlib.Path) -> Iterator[None]:
    """:raises BlockingIOError: when a process holds it"""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _leave_out_services(lab: Lab, wanted: topology.Topology) -> None:
    """Make the disks before the lab does, so that they have what these hosts need, and nothing else."""
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
        seeds.put(machine.files.seed, files)


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
