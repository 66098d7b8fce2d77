# SPDX-License-Identifier: Apache-2.0
"""What tests and labs use of the system's own packages, by bindep.txt."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stx import exception

DEADLINE_S = 600


def missing(root: Path, profile: str) -> list[str]:
    """The packages that are not installed; none where the system's package manager is not known.

    :param profile: test or lab
    """
    program = Path(sys.executable).parent / "bindep"
    listed = subprocess.run(
        [program, "--brief", "--file", root / "bindep.txt", profile], capture_output=True, text=True, timeout=60, check=False
    )
    return listed.stdout.split() if listed.returncode == 1 else []


def install(names: list[str], log: Path) -> None:
    """Install packages of a Debian system.

    :raises exception.ConfigurationError: when that cannot be done, saying what to call instead
    """
    call = f"apt-get install {' '.join(names)}"
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise exception.ConfigurationError(f"The packages {', '.join(names)} are missing. Install them as root: {call}")
    # A run level of 1 keeps the packages from starting their services: the tests start their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with log.open("wb") as output:
        for argv in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *names]):
            ended = subprocess.run(argv, env=environment, stdout=output, stderr=output, timeout=DEADLINE_S, check=False)
    if ended.returncode != 0:
        raise exception.ConfigurationError(f"`{call}` did not succeed. {log} has the reason.")
