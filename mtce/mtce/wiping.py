# SPDX-License-Identifier: Apache-2.0
"""python -m mtce.wiping: makes that nothing boots from the disks that this host's system is on, so that it is installed again.

The signatures of their file systems and their partition tables go; mtce-client calls it just before the host is reset.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from stx.commandline import Parser

PLACES = ("/", "/boot", "/boot/efi")
LIMIT_S = 30.0


class WipeError(Exception):
    """The disks are as they were; the message says why."""


def main() -> int:
    """Gives the exit code."""
    parser = Parser(
        prog="python -m mtce.wiping",
        description="Destroys the partition tables of the disks that this host runs from: it will not boot from them again.",
        example="python -m mtce.wiping --yes",
    )
    parser.add_argument("--yes", action="store_true", help="really do it; without this, say what would be wiped")
    arguments = parser.parse_args()
    try:
        devices = targets(json.loads(_run("lsblk", "--json", "--paths", "--output", "NAME,TYPE,MOUNTPOINTS")))
        if not devices:
            raise WipeError("No disk of this host's system was found.")
        for device in devices:
            print(f"wipe {device}")
            if arguments.yes:
                _run("wipefs", "--all", "--force", device)
    except WipeError as error:
        print(f"mtce.wiping: {error}", file=sys.stderr)
        return 1
    return 0


def targets(tree: dict[str, Any]) -> list[str]:
    """The devices to wipe, partitions before their disks.

    :param tree: what lsblk says
    """
    found: dict[str, None] = {}
    for disk in tree["blockdevices"]:
        parts = list(_with_children(disk))
        if disk["type"] == "disk" and any(place in PLACES for part in parts for place in part.get("mountpoints") or ()):
            found.update(dict.fromkeys(part["name"] for part in disk.get("children", ()) if part["type"] == "part"))
            found[disk["name"]] = None
    return list(found)


def _with_children(device: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield device
    for child in device.get("children", ()):
        yield from _with_children(child)


def _run(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise WipeError(f"{argv[0]}: {said}") from error


if __name__ == "__main__":
    sys.exit(main())
