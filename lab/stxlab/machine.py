# SPDX-License-Identifier: Apache-2.0
"""The power of one host: a container with its own systemd, file system and networks, which can end at any moment.

Its file system is the image with the host's own disk over it. It is mounted where only the host's processes see it, so that
nothing is left of it when they are gone.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stxembedded import process
from stxlab import enter, faultfile, hostoptions, seeds
from stxlab.errors import LabError
from stxlab.faultbook import Book
from stxlab.groups import Group
from stxlab.layout import Layout
from stxlab.network import Switch
from stxlab.topology import CONTROLLER, Host

DISK_GIB = 8
STOP_DEADLINE_S = 90.0
TURN_DEADLINE_S = 60.0
# A page of memory: hosts map it.
CLOCK_BYTES = 4096
# Of each second, for processes that run before all others.
_CONTROLLER_US, _OTHER_US = 95_000, 40_000
_POLL_S = 0.01
_NO_PROCESS_YET = "{} was powered on a moment ago and has no process yet. Try again."

# What the lab gives a host is put on its disk, and kept: a disk that the host has wiped has that again, and nothing else.
_DISK = """
fill_disk() {
    mkdir -p "$DISK_MOUNT/seed" "$DISK_MOUNT/upper" "$DISK_MOUNT/work"
    if [ -d "$SEED" ]; then
        cp -a "$SEED/." "$DISK_MOUNT/seed/"
        cp -a "$SEED/." "$DISK_MOUNT/upper/"
        rm -rf "$SEED"
    fi
}
assemble() {
    if [ -e "$DISK_MOUNT/upper/$WIPED" ]; then
        rm -rf "$DISK_MOUNT/upper" "$DISK_MOUNT/work"
        mkdir "$DISK_MOUNT/upper" "$DISK_MOUNT/work"
        cp -a "$DISK_MOUNT/seed/." "$DISK_MOUNT/upper/"
    fi
    mount -t overlay lab -o "lowerdir=$LOWER,upperdir=$DISK_MOUNT/upper,workdir=$DISK_MOUNT/work" "$ROOT"
}
"""
# Waits for its cables, then becomes the host. `loop` mounts let go of the image by themselves.
_START = """
set -e
umask 022
read -r go
mkdir -p "$ROOT" "$DISK_MOUNT"
mount -o loop,noatime,discard "$DISK" "$DISK_MOUNT"
@DISK@
fill_disk
assemble
# Of systemd-nspawn's own; what an earlier life left there would be in the way of a host that reboots.
mount -t tmpfs run /run
# It ends with this code when the host reboots.
code=133
while [ "$code" = 133 ]; do
    if [ -e "$ROOT/$WIPED" ]; then umount "$ROOT"; assemble; fi
    code=0
    # It has been up since now: what it makes of its uptime is not that of the machine.
    read -r up _ < /proc/uptime
    since_now="unshare --time --boottime -${up%.*}"
    $since_now true || since_now=
    $since_now systemd-nspawn --quiet --register=no --keep-unit --console=pipe --hostname="$HOST" --machine="$HOST" --resolv-conf=off \
        --timezone=off --link-journal=no --capability=all --network-namespace-path=/proc/self/ns/net \
        --bind-ro="$CLOCK:/run/stxlab/clock" --boot --directory="$ROOT" < /dev/null || code=$?
done
exit "$code"
""".replace("@DISK@", _DISK)


class PowerError(LabError):
    """The host is not in the state that the command needs, or did not get there."""


class AlreadyError(PowerError):
    """The host is on, or off, already."""


class Machine:
    """One host of a lab."""

    def __init__(self, layout: Layout, host: Host, switch: Switch) -> None:
        self.host = host
        self.files = layout.host(host)
        self.group = Group(f"{layout.name}/hosts/{host.name}")
        self._layout = layout
        self._switch = switch
        self._pid_file = self.files.holder

    def _holder(self) -> process.Process | None:
        """The process outside that holds the container."""
        return process.read_pid_file(self._pid_file)

    @property
    def leader(self) -> process.Process | None:
        """Process 1 of the host, as seen from outside; None when it is off, or was powered on a moment ago."""
        holder = self._holder()
        container = enter.child(holder.pid) if holder else None
        leader = enter.child(container.pid) if container else None
        # The container is set up by a process that is not in it.
        return leader if leader and enter.is_first(leader.pid) else None

    @property
    def hangs(self) -> bool:
        """One whose power is being cut stands still for a moment too, but without its first process."""
        return self.group.is_frozen() and self.leader is not None

    @property
    def is_on(self) -> bool:
        return bool(self._holder())

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One change of its power at a time, whoever wants it: a command, its board, Redfish.

        :raises PowerError: when another one does not end
        """
        self.files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + TURN_DEADLINE_S
        with self.files.power_lock.open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise PowerError(f"The power of {self.host.name} is being changed by another command.") from None
                    time.sleep(_POLL_S)
            yield

    @property
    def server(self) -> int:
        """Which made-up server the host is from its next power-on on."""
        chosen = self.files.server()
        return self.host.number if chosen is None else chosen

    def make_disk(self) -> None:
        """An empty disk, where there is none."""
        if self.files.disk.exists():
            return
        self.files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.files.disk.with_suffix(".new")
        with new.open("wb") as file:
            file.truncate(DISK_GIB * 2**30)
        enter.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-L", "disk", str(new)])
        new.replace(self.files.disk)

    def power_on(self, lower: Sequence[Path]) -> None:
        """Start the host; it boots while this returns. Faults of its cables and of its processors are as they were.

        :param lower: the image's layers, the topmost first
        :raises AlreadyError: when it is on
        """
        with self._turn():
            self._power_on(lower)

    def power_off(self) -> None:
        """Cut the power: the cables first, then everything that runs.

        :raises AlreadyError: when it is off
        """
        with self._turn():
            self._power_off()

    def reset(self, lower: Sequence[Path]) -> None:
        """Cut the power and give it back at once.

        :raises AlreadyError: when it is off
        """
        with self._turn():
            self._power_off()
            self._power_on(lower)

    def _power_on(self, lower: Sequence[Path]) -> None:
        if self.is_on:
            raise AlreadyError(f"{self.host.name} is on already.")
        self.make_disk()
        seeds.put(self.files.seed, {"etc/starlingx/hardware.json": json.dumps({"server": self.server})})
        if not self.files.clock.exists():
            self.files.clock.write_bytes(bytes(CLOCK_BYTES))
        # What an earlier life left: processes that hang in the kernel would hold the disk.
        self.group.end()
        self.group.make()
        # What decides who is active must not be late, nor what says that a host is there.
        self.group.allow_real_time(_CONTROLLER_US if self.host.personality == CONTROLLER else _OTHER_US)
        book = self._forget_hanging()
        self.group.limit_processors(book.on_host(self.host.name).stolen_percent)
        self.files.console.unlink(missing_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOST": self.host.name,
            "DISK": str(self.files.disk),
            "DISK_MOUNT": str(self.files.directory / "disk"),
            "ROOT": str(self.files.root),
            "SEED": str(self.files.seed),
            "CLOCK": str(self.files.clock),
            "WIPED": hostoptions.WIPED,
            "LOWER": ":".join(str(path) for path in lower),
        }
        argv = ["unshare", "--net", "--mount", "--propagation", "private", "/bin/sh", "-c", _START]
        started = enter.start(self.group.entrances, argv, self.files.console, environment, subprocess.PIPE)
        assert started.stdin is not None
        with started.stdin:
            enter.await_namespace(started.pid)
            process.write_pid_file(self._pid_file, started.pid)
            self._switch.plug(self.host, started.pid, book)
            started.stdin.write(b"go\n")

    def _power_off(self) -> None:
        if not self.is_on:
            raise AlreadyError(f"{self.host.name} is off already.")
        with contextlib.suppress(enter.RunError):
            self._switch.unplug(self.host)
        leader = self.leader
        # From now on it is off: what is left of it is on its way out.
        self._pid_file.unlink(missing_ok=True)
        if leader is not None:
            with contextlib.suppress(ProcessLookupError):
                # The kernel ends all others of its process name space with it, also those that are frozen.
                os.kill(leader.pid, signal.SIGKILL)
        self.group.end()
        self._forget_hanging()

    def _forget_hanging(self) -> Book:
        """A host that hung does so no more when its power was cut. Gives what is wrong with it still."""
        book = faultfile.read(self._layout)
        if not book.on_host(self.host.name).is_hung:
            return book
        with faultfile.changing(self._layout) as write:
            book = faultfile.read(self._layout).power_changed(self.host.name)
            write(book)
            self._switch.enforce(book)
        return book

    def shut_down(self) -> None:
        """Ask the host to end in good order.

        :raises AlreadyError: when it is off
        :raises PowerError: when it has not ended after STOP_DEADLINE_S
        """
        leader, holder = self.leader, self._holder()
        if holder is None:
            raise AlreadyError(f"{self.host.name} is off already.")
        if leader is None:
            raise PowerError(_NO_PROCESS_YET.format(self.host.name))
        # What systemd as process 1 takes for the power button (SIGRTMIN+4).
        os.kill(leader.pid, signal.SIGRTMIN + 4)
        deadline = time.monotonic() + STOP_DEADLINE_S
        while holder.is_running:
            if time.monotonic() > deadline:
                raise PowerError(f"{self.host.name} did not shut down within {STOP_DEADLINE_S:g} s. Cut its power: power-off")
            time.sleep(_POLL_S)
        with self._turn():
            # Unless somebody has powered it on again.
            if not self.is_on:
                self.group.end()
                self._pid_file.unlink(missing_ok=True)

    def argv(self, command: Sequence[str]) -> list[str]:
        """A command line that runs a command on the host.

        :raises PowerError: when it is off
        """
        leader = self.leader
        if leader is None:
            off = f"{self.host.name} is off. Power it on: stx lab power-on {self.host.name}"
            raise PowerError(_NO_PROCESS_YET.format(self.host.name) if self.is_on else off)
        kept = [f"{name}={os.environ[name]}" for name in ("TERM", "COLUMNS", "LINES") if name in os.environ]
        path = "PATH=/opt/starlingx/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return [*enter.into(leader.pid, "all"), "/usr/bin/env", "-i", "HOME=/root", "LANG=C.UTF-8", path, *kept, *command]

    def run(self, command: Sequence[str], deadline_s: float = 30.0) -> str:
        """What a command prints on the host."""
        return enter.run(self.argv(command), deadline_s=deadline_s)

    def state(self) -> str:
        """off, frozen, or what its systemd says of itself, such as starting, running or degraded."""
        if not self.is_on:
            return "off"
        if self.group.is_frozen():
            return "frozen" if self.hangs else "off"
        try:
            argv = [*self.argv(["systemctl", "is-system-running"])]
            told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
            return told or self._silent()
        except (PowerError, subprocess.TimeoutExpired):
            return self._silent()

    def _silent(self) -> str:
        """What one is that does not answer. Its power may have been cut while it was asked."""
        return "starting" if self.is_on else "off"
