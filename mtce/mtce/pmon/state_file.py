# SPDX-License-Identifier: Apache-2.0
"""What a monitor that is started again needs to know of its processes: all of it in one boot, after a boot their alarms only."""

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
    :ivar owes_clear: Fault Management may have an alarm of it that is out of date
    """

    failures: int = 0
    rounds: int = 0
    restarts: int = 0
    alarm: Severity | None = None
    reason: str = ""
    is_up: bool = False
    is_stopped: bool = False
    identity: Identity | None = None
    owes_clear: bool = False

    @property
    def may_have_alarm(self) -> bool:
        return self.alarm is not None or self.owes_clear


def load(path: Path) -> dict[str, Saved] | None:
    """What an earlier monitor saved; None when the file is absent, foreign or damaged."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        if content["version"] != _VERSION:
            raise ValueError(f"it has version {content['version']}")
        processes = {str(name): _read(values) for name, values in content["processes"].items()}
        if content["boot_id"] == _boot_id():
            return processes
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        LOG.warning("%s is not usable (%s); the processes are judged anew", path, error)
        return None
    # With the boot everything begins anew, but Fault Management has the alarms still.
    return {name: Saved(owes_clear=True) for name, saved in processes.items() if saved.may_have_alarm}


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
        # The first release did not write it.
        owes_clear=bool(values.get("owes_clear", False)),
    )


def save(path: Path, processes: Mapping[str, Saved]) -> None:
    """Replace the file in one step. While it speaks of alarms it must outlive the host, so it is on the disk on return.

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
        # A file that is lost without an alarm in it costs a clear that changes nothing, so the common save need not wait.
        is_durable = any(saved.may_have_alarm for saved in processes.values())
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)
    if is_durable:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
