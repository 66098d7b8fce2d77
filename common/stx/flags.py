# SPDX-License-Identifier: Apache-2.0
"""Files by which processes of one host know how it is; they live as long as its boot (spec mtce-sm.md A1)."""

import pathlib

RUN_PATH = pathlib.Path("/run/starlingx")
# An operator has locked the host.
LOCKED = ".node_locked"
# Its tests have passed in this boot.
GOENABLED = "goenabled"


def is_locked(run_path: pathlib.Path) -> bool:
    return (run_path / LOCKED).exists()


def is_in_service(run_path: pathlib.Path) -> bool:
    """Whether the host has been tested for service, and is not locked."""
    return (run_path / GOENABLED).exists() and not is_locked(run_path)
