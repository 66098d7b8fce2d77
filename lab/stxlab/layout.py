# SPDX-License-Identifier: Apache-2.0
"""Where a lab keeps what: its directory, and the file that says which hosts it has."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from stxlab.errors import LabError
from stxlab.topology import Host, Topology


class NoLabError(LabError):
    """There is no lab in the directory."""


@dataclasses.dataclass(frozen=True)
class HostFiles:
    """:ivar disk: its disk, an image of a file system; it outlives the host's power
    :ivar root: where its file system is mounted, seen by its own processes only
    :ivar console: what it has printed since it was powered on
    :ivar sensors: a file a sensor of its board, which holds what it shows
    """

    directory: Path

    @property
    def disk(self) -> Path:
        return self.directory / "disk.img"

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def seed(self) -> Path:
        """Files that are put on the disk at the next power-on, and then are gone from here."""
        return self.directory / "seed"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    @property
    def holder(self) -> Path:
        """Names the process that holds the host while it is on."""
        return self.directory / "nspawn.pid"

    @property
    def clock(self) -> Path:
        """How far the host's wall clock is off: nanoseconds, a signed word of 64 bits in the machine's order, in a page of memory."""
        return self.directory / "clock"

    @property
    def sensors(self) -> Path:
        return self.directory / "sensors"

    @property
    def board(self) -> Path:
        """What its board controller is made of."""
        return self.directory / "board"

    @property
    def boot(self) -> Path:
        """What the board was told that the host shall start from."""
        return self.directory / "boot"

    @property
    def hardware(self) -> Path:
        """Which made-up server the host is from its next power-on on, where that was said."""
        return self.directory / "hardware"

    def server(self) -> int | None:
        """The number of that server."""
        try:
            return int(self.hardware.read_text())
        except FileNotFoundError:
            return None

    @property
    def power_lock(self) -> Path:
        return self.directory / "power.lock"


@dataclasses.dataclass(frozen=True)
class Layout:
    directory: Path

    @property
    def name(self) -> str:
        """What its groups of processes are called: different for each directory on the machine."""
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]

    @property
    def description(self) -> Path:
        return self.directory / "lab.json"

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def logs(self) -> Path:
        return self.directory / "log"

    @property
    def power_orders(self) -> Path:
        """A pipe into which boards write what shall be done with the power of their hosts."""
        return self.run / "power"

    @property
    def power_pid(self) -> Path:
        """Names the process that reads it."""
        return self.run / "power.pid"

    @property
    def certificate(self) -> Path:
        """What boards show to those who ask over TLS: their certificate, and its key."""
        return self.run / "redfish.pem"

    @property
    def fleet(self) -> Path:
        """What the process of the simulated hosts is told, and what it tells."""
        return self.run / "fleet"

    @property
    def faults(self) -> Path:
        """Which faults are in force."""
        return self.directory / "faults.json"

    @property
    def faults_lock(self) -> Path:
        return self.run / "faults.lock"

    @property
    def secrets(self) -> Path:
        """What the hosts of the lab share."""
        return self.directory / "secrets.json"

    def read_secrets(self) -> dict[str, str]:
        return dict(json.loads(self.secrets.read_text()))

    def host(self, host: Host) -> HostFiles:
        return HostFiles(self.directory / "hosts" / host.name)

    def make(self) -> None:
        for directory in (self.directory, self.run, self.logs):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def save(self, wanted: Topology, layers: Sequence[Path]) -> None:
        """Remember the hosts, and the image's layers that their disks lie over: others would not fit."""
        hosts = [dataclasses.asdict(host) for host in wanted.hosts]
        content = {"shape": wanted.shape, "hosts": hosts, "layers": [str(layer) for layer in layers]}
        new = self.description.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1))
        new.replace(self.description)

    def load(self) -> Topology:
        """:raises NoLabError: when there is none, or its file is damaged"""
        return self._load()[0]

    def layers(self) -> list[Path]:
        """:raises NoLabError: when there is none, or its file is damaged"""
        return self._load()[1]

    def _load(self) -> tuple[Topology, list[Path]]:
        try:
            content = json.loads(self.description.read_text())
            hosts = tuple(Host(**host) for host in content["hosts"])
            return Topology(content["shape"], hosts), [Path(layer) for layer in content["layers"]]
        except FileNotFoundError:
            raise NoLabError(f"There is no lab in {self.directory}. Start one: stx lab up") from None
        except (ValueError, TypeError, KeyError) as error:
            raise NoLabError(f"{self.description} is damaged ({error}). Begin again: stx lab down") from error


def default_directory() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(os.environ.get("STX_LAB_DIR") or f"{data}/starlingx-lab").absolute()


def cache_directory() -> Path:
    """Where images are kept for all labs."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("STX_LAB_CACHE") or f"{cache}/starlingx-lab").absolute()
