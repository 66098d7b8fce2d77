# SPDX-License-Identifier: Apache-2.0
"""What a controller has said to mtce-heartbeat for mtce-client, which may hear nothing where the other still does."""

import logging
import os
import pathlib

import msgspec

from mtce.heartbeat import wire

LOG = logging.getLogger(__name__)

NAME = "mtce-told.json"


def keep(run_path: pathlib.Path, end: wire.End) -> None:
    """That this boot is to end."""
    ending = wire.Ending(end.boot_id, end.is_locked)
    if read(run_path) == ending:
        return
    LOG.warning("%s wants this host reset", end.sender)
    new = run_path / f"{NAME}.new"
    try:
        new.write_bytes(msgspec.json.encode(ending))
        os.replace(new, run_path / NAME)
    except OSError as error:
        # It is said again.
        LOG.error("%s was not written: %s", run_path / NAME, error.strerror)


def read(run_path: pathlib.Path) -> wire.Ending | None:
    """The boot that is to end, which may be an earlier one; None where none is."""
    try:
        return msgspec.json.decode((run_path / NAME).read_bytes(), type=wire.Ending)
    except (OSError, msgspec.MsgspecError):
        return None
