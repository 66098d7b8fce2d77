# SPDX-License-Identifier: Apache-2.0
"""Carries a host's fault reports from its spool to fm-manager. One process a host runs it."""

import contextlib
import fcntl
import logging
import os
import socket
import threading
from typing import Any

import msgspec
from oslo_config import cfg

from fm import client
from stx import context, exception, service

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# Without a ring of the doorbell the spool is looked at this often.
ROUND_S = 2.0
BACKOFF_S = (0.05, 0.2, 0.5, 1.0, 2.0)


class Courier:
    """Reads, delivers, forgets; in that order, so that a death in between repeats reports and never loses one."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0

    def start(self) -> None:
        self._stopping.clear()
        self._spool = client.open_spool(is_courier=True)
        self._manager = client.Manager()
        self._context = context.internal("fm-courier")
        # It makes the directory, where it is missing.
        self._spool.read(0)
        self._lock = os.open(self._spool.lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._spool.close()
            raise exception.ConfigurationError(
                f"Another process delivers the fault reports in {self._spool.lock_file.parent} already: run only one on a host."
            ) from error
        self._doorbell = _bind(str(self._spool.doorbell))
        self._thread = threading.Thread(target=self._run, name="fm-courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"!", str(self._spool.doorbell))
        if self._thread is not None:
            self._thread.join(service.STOP_DEADLINE_S)
        self._doorbell.close()
        os.close(self._lock)
        self._spool.close()

    def is_healthy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                while not self._stopping.is_set() and self._deliver():
                    pass
                self._failures = 0
                self._wait(ROUND_S)
            except exception.Unavailable as error:
                self._failures += 1
                if self._failures == 1:
                    LOG.warning("Fault reports wait in the spool: %s", error.message)
                self._stopping.wait(BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1])
            except Exception:
                LOG.exception("Fault reports were not delivered; they stay in the spool")
                self._stopping.wait(BACKOFF_S[-1])

    def _deliver(self) -> bool:
        """Deliver one batch. Gives whether there may be more."""
        batch = self._spool.read(CONF.fm.batch)
        if not batch.reports:
            return False
        reports = [(sequence, _decoded(body)) for sequence, body in batch.reports]
        receipt = self._manager.deliver(self._context, batch.spool, reports)
        if self._failures:
            LOG.info("Fault reports are delivered again")
            self._failures = 0
        bodies = dict(reports)
        for sequence, reason in receipt.refused:
            LOG.error("A fault report is refused: %s. It was: %s", reason, bodies[sequence])
        self._spool.remove(batch.spool, receipt.up_to)
        return len(reports) == CONF.fm.batch

    def _wait(self, seconds: float) -> None:
        self._doorbell.settimeout(seconds)
        try:
            self._doorbell.recv(1)
            self._doorbell.setblocking(False)
            while True:
                self._doorbell.recv(1)
        except (TimeoutError, BlockingIOError):
            pass


def _decoded(body: bytes) -> Any:
    """A report as plain values; None, which the manager passes over, where it is none."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _bind(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    doorbell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    mask = os.umask(0o177)
    try:
        doorbell.bind(path)
    finally:
        os.umask(mask)
    return doorbell


def make_service() -> service.Service:
    return service.Service("fm-courier", [Courier()])
