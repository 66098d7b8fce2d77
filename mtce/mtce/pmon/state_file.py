# SPDX-License-Identifier: Apache-2.0
"""What a monitor that is started again needs to know of its processes."""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtce.pmon.conf import Severity
from mtce.pmon.identity import Identity

LOG = logging.getLogger(__name__)

MAX_BYTES = 1024 * 1024
_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Saved:
    """What is kept of one process.

    :ivar is_up: it was up, or so the monitor thought
    :ivar is_stopped: an operator stopped it
    """

    failures: int = 0
    rounds: int = 0
    restarts: int = 0
    alarm: Severity | None = None
    reason: str = ""
    is_up: bool = False
    is_stopped: bool = False
    identity: Identity | None = None


def load(path: Path) -> dict[str, Saved]:
    """What an earlier monitor saved since the host booted; nothing when the file is absent, foreign or damaged."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        if content["version"] != _VERSION or content["boot_id"] != _boot_id():
            return {}
        return {str(name): _read(values) for name, values in content["processes"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        LOG.warning("%s is not usable (%s); the processes are judged anew", path, error)
        return {}


def _read(values: dict[str, Any]) -> Saved:
    identity = values["identity"]
    return Saved(
        failures=int(values["failures"]),
        rounds=int(values["rounds"]),
        restarts=int(values["restarts"]),
        alarm=Severity(values["alarm"]) if values["alarm"] else None,
        reason=str(values["reason"]),
        is_up=bool(values["is_up"]),
        is_stopped=bool(values["is_stopped"]),
        identity=Identity(int(identity["pid"]), int(identity["start_ticks"])) if identity else None,
    )


def save(path: Path, processes: Mapping[str, Saved]) -> None:
    """Replace the file in one step. It outlives the monitor, not the host, so it need not reach the disk.

    :raises OSError:
    """
    content = {
        "version": _VERSION,
        "boot_id": _boot_id(),
        "processes": {name: dataclasses.asdict(saved) for name, saved in processes.items()},
    }
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(json.dumps(content).encode())
    new.replace(path)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
