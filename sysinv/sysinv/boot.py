# SPDX-License-Identifier: Apache-2.0
"""Keeps the files that hosts are named, addressed and installed by as the database says."""

import contextlib
import logging
import os
import pathlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from sysinv import addressing, boot_files, dnsmasq, leases
from sysinv.db import api as db_api

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# How often all is looked at, also when nothing is known to have changed.
CHECK_S = 60.0
# After a file could not be written.
RETRY_S = 10.0

QUEUE = "leases"
SCRIPT = "lease-update.sh"
HOSTS, NAMES, LEASES = "dnsmasq.hosts", "dnsmasq.addn_hosts", "dnsmasq.leases"
PXELINUX = "pxelinux.cfg"


class Publisher:
    """Writes the files. Changes of hosts are written in one go at the next step, so that dnsmasq is nudged once for many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due_at = clock()
        self._is_nudged = False
        self._was_told = False

    def nudge(self) -> None:
        """Hosts have changed: write what differs at the next step."""
        self._is_nudged = True

    def step(self) -> None:
        """:raises exception.Unavailable: when the database is away; the next step tries again"""
        now = self._clock()
        if now < self._due_at and not self._is_nudged:
            return
        # Before hosts are read, so that a change that comes meanwhile is written at the next step.
        self._due_at, self._is_nudged = now, False
        try:
            self._publish()
            self._due_at = now + CHECK_S
        except OSError as error:
            LOG.error("The files that hosts boot by are not up to date, next try in %d s: %s", RETRY_S, error)
            self._due_at = now + RETRY_S

    def _publish(self) -> None:
        hosts = db_api.all_hosts()
        options = CONF.sysinv_conductor
        if options.dnsmasq_path:
            # The script is run elsewhere.
            directory = pathlib.Path(options.dnsmasq_path).absolute()
            _make(directory)
            _make(directory / QUEUE)
            replace(directory / SCRIPT, leases.script(str(directory / QUEUE)), 0o755)
            networks = addressing.network(options.management_subnet), addressing.network(options.pxeboot_subnet)
            contents = {HOSTS: boot_files.dnsmasq_hosts(hosts), NAMES: boot_files.dnsmasq_names(hosts, *networks)}
            changed = [name for name, content in contents.items() if replace(directory / name, content)]
            # At first always: what ran before may have ended between writing and this.
            if changed or not self._was_told:
                dnsmasq.hang_up(pathlib.Path(options.dnsmasq_pid_file))
                self._was_told = True
        if options.tftp_path:
            _make(pathlib.Path(options.tftp_path))
            publish_pxelinux(pathlib.Path(options.tftp_path) / PXELINUX, boot_files.pxelinux(hosts, options.controller_url))
        if options.dnsmasq_path:
            # Last: that this cannot be said keeps no file from being written.
            self._free(hosts, pathlib.Path(options.dnsmasq_path) / LEASES)

    @staticmethod
    def _free(hosts: Sequence[Mapping[str, Any]], path: pathlib.Path) -> None:
        """Have addresses free that hosts got which another machine had before: one that was deleted, or has another card now."""
        addresses = {host["mgmt_ip"]: host["mgmt_mac"].lower() for host in hosts if host["mgmt_ip"] and host["mgmt_mac"]}
        for lease in leases.in_the_way(dnsmasq.held(path), addresses):
            LOG.info("%s is %s's now: the lease of %s ends", lease.address, addresses[lease.address], lease.mac)
            dnsmasq.release(lease)


def publish_pxelinux(directory: pathlib.Path, wanted: Mapping[str, str]) -> None:
    """Make the boot loader's files of hosts those that are wanted. What somebody else put there stays."""
    _make(directory)
    default = directory / "default"
    if not default.exists() or _is_ours(default):
        replace(default, boot_files.PXELINUX_DEFAULT)
    for name, content in wanted.items():
        replace(directory / name, content)
    for path in directory.iterdir():
        if boot_files.is_pxelinux_name(path.name) and path.name not in wanted and _is_ours(path):
            path.unlink(missing_ok=True)


def _make(directory: pathlib.Path) -> None:
    """dnsmasq and its script run as other users."""
    if not directory.is_dir():
        _make(directory.parent)
        directory.mkdir()
        directory.chmod(0o755)


def _is_ours(path: pathlib.Path) -> bool:
    return (_content(path) or "").startswith(boot_files.MARK)


def _content(path: pathlib.Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError, IsADirectoryError):
        return None


def replace(path: pathlib.Path, content: str, mode: int = 0o644) -> bool:
    """Have a file with this content: who reads it sees all of the old or all of the new. Gives whether it had another."""
    if _content(path) == content:
        return False
    descriptor, new = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)
        raise
    return True
