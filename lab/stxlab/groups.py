# SPDX-License-Identifier: Apache-2.0
"""Groups of processes: everything that a lab starts is in one, so that it can be frozen, and ended whatever became of its parents.

They are control groups of the kernel, of either version: on version 1 one directory in each hierarchy that matters here.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from stxlab.errors import LabError

ROOT = Path("/sys/fs/cgroup")
NAMESPACE = "stxlab"
# On version 1: freezing, accounting of memory and CPU, and the hierarchies in which systemd makes groups of its own.
_HIERARCHIES = ("freezer", "memory", "cpu", "cpuacct", "pids", "systemd", "unified")
# The last process of a host that ends takes its disk away, and writes down first what is to be on it.
END_DEADLINE_S = 60.0
_POLL_S = 0.005
_TRIES = 100
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1_000
# Of each second: all labs, one, its hosts. A host that is powered on has its share while the group of its last life still fades.
_REAL_TIME_US = (950_000, 470_000, 460_000)


class GroupError(LabError):
    """The machine does not let a group be made, frozen or ended; the message says what to do."""


def roots() -> list[Path]:
    """Where groups can be made.

    :raises GroupError: when the machine has no control groups that can be written
    """
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    found = [ROOT / name for name in _HIERARCHIES if (ROOT / name / "cgroup.procs").exists()]
    if not (ROOT / "freezer" / "cgroup.procs").exists():
        raise GroupError(f"{ROOT} has no freezer: mount the control groups, or use a machine with systemd.")
    return found


class Group:
    """:param name: of the lab, or lab/host for the group of one host in it"""

    def __init__(self, name: str) -> None:
        self.name = name
        self._directories = [root / NAMESPACE / name for root in roots()]

    def make(self) -> None:
        """:raises GroupError: when it cannot be made"""
        for directory in self._directories:
            try:
                _make(directory)
            except OSError as error:
                raise GroupError(f"{directory} cannot be made ({error.strerror}): a lab needs root.") from error

    @property
    def entrances(self) -> list[str]:
        """Files into which a process writes its pid to join."""
        return [str(directory / "cgroup.procs") for directory in self._directories]

    def pids(self) -> set[int]:
        """All processes in it and below."""
        found: set[int] = set()
        for directory in self._directories:
            for place, _, _ in os.walk(directory):
                try:
                    found.update(int(line) for line in (Path(place) / "cgroup.procs").read_text().split())
                except OSError:
                    # It went while it was walked.
                    continue
        return found

    def memory_bytes(self) -> int:
        """What its processes use, without the page cache that can be had back."""
        for directory in self._directories:
            try:
                lines = (directory / "memory.stat").read_text().split("\n")
                values = {name: int(value) for name, value in (line.split() for line in lines if line)}
            except OSError:
                continue
            return values.get("total_rss", values.get("anon", 0)) + values.get("total_shmem", values.get("shmem", 0))
        return 0

    def limit_processors(self, stolen_percent: float) -> None:
        """Leave its processes only what is not stolen of the processors' time.

        :raises GroupError: when the kernel cannot
        """
        if stolen_percent:
            self._enable_processors()
        quota_us = max(_LEAST_QUOTA_US, round((100 - stolen_percent) / 100 * _PERIOD_US * (os.cpu_count() or 1)))
        for directory in self._directories:
            old, new = directory / "cpu.cfs_quota_us", directory / "cpu.max"
            if old.exists():
                directory.joinpath("cpu.cfs_period_us").write_text(str(_PERIOD_US))
                old.write_text(str(quota_us if stolen_percent else -1))
                return
            if new.exists():
                new.write_text(f"{quota_us if stolen_percent else 'max'} {_PERIOD_US}")
                return
        if stolen_percent:
            raise GroupError("This kernel cannot limit the processor time of a group (CFS_BANDWIDTH), so none can be stolen.")

    def _enable_processors(self) -> None:
        """On version 2, groups have their limits only where those above hand them down."""
        for directory in self._directories:
            for above in reversed(directory.parents):
                control = above / "cgroup.subtree_control"
                if above.is_relative_to(ROOT) and control.exists():
                    with contextlib.suppress(OSError):
                        control.write_text("+cpu")

    def allow_real_time(self, part_us: int) -> None:
        """Let its processes run before all others for a part of each second, where the kernel asks for that to be allowed.

        On version 1 each group has a share of what the one above it has; there is room for two labs of two controllers and some others
        each. Without a share its processes compete as any other.
        """
        for directory in self._directories:
            above = [place for place in reversed(directory.parents) if NAMESPACE in place.parts]
            for place, share_us in zip([*above, directory], [*_REAL_TIME_US, part_us], strict=False):
                if (place / "cpu.rt_runtime_us").exists():
                    with contextlib.suppress(OSError):
                        (place / "cpu.rt_runtime_us").write_text(str(share_us))

    def freeze(self) -> None:
        self._set_frozen(True)

    def thaw(self) -> None:
        self._set_frozen(False)

    def is_frozen(self) -> bool:
        """One that is not there, or goes meanwhile, is not."""
        for directory in self._directories:
            with contextlib.suppress(OSError):
                return (directory / "freezer.state").read_text().strip() != "THAWED"
            if directory.is_relative_to(ROOT / NAMESPACE):
                with contextlib.suppress(OSError):
                    return (directory / "cgroup.freeze").read_text().strip() == "1"
        return False

    def is_settled(self) -> bool:
        """Whether all of them have stopped, or run again: the kernel takes a moment to stop those that wait for it."""
        for directory in self._directories:
            with contextlib.suppress(OSError):
                return (directory / "freezer.state").read_text().strip() != "FREEZING"
            if directory.is_relative_to(ROOT / NAMESPACE):
                with contextlib.suppress(OSError):
                    return ("frozen 1" in (directory / "cgroup.events").read_text()) == self.is_frozen()
        return True

    def _set_frozen(self, is_frozen: bool) -> None:
        for directory in self._directories:
            _set_frozen(directory, is_frozen)

    def _thaw_all(self) -> None:
        """With those below: one that is frozen by itself would stay so, and its processes not even hear that they are killed."""
        for directory in self._directories:
            for place, _, _ in os.walk(directory):
                # It may have gone while it was walked.
                with contextlib.suppress(OSError):
                    _set_frozen(Path(place), False)

    def end(self) -> int:
        """Kill all its processes and remove it. Gives how many there were.

        :raises GroupError: when some do not die
        """
        deadline = time.monotonic() + END_DEADLINE_S
        killed: set[int] = set()
        self._kill(killed, deadline)
        while busy := self._remove():
            if time.monotonic() > deadline:
                raise GroupError(f"{busy} cannot be removed, as something is in it.")
            time.sleep(_POLL_S)
            # One that was on its way into it has come in since.
            self._kill(killed, deadline)
        for root in roots():
            # The last lab takes it along; others of this machine may have theirs in it.
            with contextlib.suppress(OSError):
                os.rmdir(root / NAMESPACE)
        return len(killed)

    def _kill(self, killed: set[int], deadline: float) -> None:
        while alive := self.pids():
            # None may start another while they are counted.
            self.freeze()
            for pid in self.pids() - {os.getpid()}:
                killed.add(pid)
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._thaw_all()
            if time.monotonic() > deadline:
                raise GroupError(f"{len(alive)} processes of {self.name} do not end even when killed: {sorted(alive)[:10]}.")
            time.sleep(_POLL_S)

    def _remove(self) -> str | None:
        """What is still there: emptied a moment ago, it may be busy."""
        busy = None
        for directory in self._directories:
            for place, _, _ in os.walk(directory, topdown=False):
                try:
                    os.rmdir(place)
                except FileNotFoundError:
                    continue
                except OSError:
                    busy = place
        return busy


def _make(directory: Path) -> None:
    for _ in range(_TRIES):
        # Another lab that was the last one may just take along what it would be in.
        with contextlib.suppress(FileNotFoundError):
            directory.mkdir(parents=True, exist_ok=True)
            return
    directory.mkdir(parents=True, exist_ok=True)


def _set_frozen(directory: Path, is_frozen: bool) -> None:
    old, new = directory / "freezer.state", directory / "cgroup.freeze"
    if old.exists():
        old.write_text("FROZEN" if is_frozen else "THAWED")
    elif new.exists() and directory.is_relative_to(ROOT / NAMESPACE):
        new.write_text("1" if is_frozen else "0")
