# SPDX-License-Identifier: Apache-2.0
"""A controller that belongs to one measurement: embedded, or with PostgreSQL and RabbitMQ."""

import contextlib
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator

from tests.functional import deployment, engines


@contextlib.contextmanager
def embedded() -> Iterator[deployment.Embedded]:
    """A controller with fresh data, ended and removed afterwards."""
    platform = deployment.Embedded()
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


@contextlib.contextmanager
def standard() -> Iterator[deployment.Standard]:
    """One with a process for each service, PostgreSQL and RabbitMQ, ended and removed afterwards.

    :raises RuntimeError: saying what is missing on this machine
    """
    if reason := engines.missing():
        raise RuntimeError(reason)
    platform = deployment.Standard()
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


@contextlib.contextmanager
def work_directory() -> Iterator[pathlib.Path]:
    path = pathlib.Path(tempfile.mkdtemp(prefix="stx-bench-", dir="/var/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Progress:
    """Says on standard error what is going on, unless only figures are wanted."""

    def __init__(self, json: bool) -> None:
        self._is_quiet = json
        self._begun = time.monotonic()

    def __call__(self, text: str) -> None:
        if not self._is_quiet:
            print(f"[{time.monotonic() - self._begun:5.1f} s] {text}", file=sys.stderr, flush=True)
