# SPDX-License-Identifier: Apache-2.0
"""What a controller has said to mtce-heartbeat for mtce-client, which may hear nothing where the other still does."""

import logging
import os
import pathlib
import time
from collections.abc import Callable

import msgspec

from mtce.heartbeat import wire

LOG = logging.getLogger(__name__)

NAME = "mtce-told.json"
# It is said once a second as long as it is meant.
FRESH_S = 10.0


class Told(msgspec.Struct):
    """:ivar at: in monotonic seconds, which are the same for all processes of a boot"""

    ending: wire.Ending
    at: float


class Keeper:
    """Keeps that this boot is to end, for mtce-client."""

    def __init__(self, run_path: pathlib.Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = run_path / NAME
        self._clock = clock
        self._is_said = False

    def keep(self, end: wire.End) -> None:
        try:
            new = self._path.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(Told(wire.Ending(end.boot_id, end.is_locked), self._clock())))
            os.replace(new, self._path)
            problem = ""
        except OSError as error:
            problem = f", but {self._path} was not written: {error.strerror}"
        if not self._is_said:
            self._is_said = True
            LOG.warning("%s wants this host reset%s", end.sender, problem)


def read(run_path: pathlib.Path, now: float) -> wire.Ending | None:
    """The boot that is to end, which may be an earlier one; None where none is, or that was said too long ago to be meant.

    :param now: monotonic seconds
    """
    try:
        told = msgspec.json.decode((run_path / NAME).read_bytes(), type=Told)
    except (OSError, msgspec.MsgspecError):
        return None
    return told.ending if abs(now - told.at) < FRESH_S else None
