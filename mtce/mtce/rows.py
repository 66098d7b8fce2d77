# SPDX-License-Identifier: Apache-2.0
"""A host's life as it is stored (pure)."""

from collections.abc import Mapping
from typing import Any

from mtce.life.model import Cause, Life, Procedure, Stage

Row = Mapping[str, Any]

# Stored under the same name.
_ALIKE = ("administrative", "operational", "availability", "subfunction_oper", "subfunction_avail", "action_taken")
_NAMED = {
    "mtce_procedure": "procedure",
    "mtce_stage": "stage",
    "mtce_attempts": "attempts",
    "mtce_boot_id": "boot_id",
    "mtce_number": "number",
    "mtce_failures": "failures",
    "mtce_cause": "cause",
}


def life_of(row: Row, now: float) -> Life:
    """As it was left; a stage begins anew. What is not understood, as of another version of the platform, counts as not there."""
    return Life(
        **{name: row[name] for name in _ALIKE},
        task=row["task"] or "",
        procedure=_one_of(Procedure, row["mtce_procedure"]),
        stage=_one_of(Stage, row["mtce_stage"]),
        attempts=row["mtce_attempts"],
        boot_id=row["mtce_boot_id"] or "",
        number=row["mtce_number"],
        failures=dict(row["mtce_failures"] or {}),
        cause=_one_of(Cause, row["mtce_cause"]),
        since=now,
    )


def changes(row: Row, life: Life) -> dict[str, Any]:
    """What is to be stored so that the row says how the life is."""
    wanted: dict[str, Any] = {name: getattr(life, name) for name in _ALIKE}
    for column, name in _NAMED.items():
        value = getattr(life, name)
        wanted[column] = (
            dict(value) if isinstance(value, Mapping) else str(value) if isinstance(value, str) and value else value or None
        )
    wanted["mtce_attempts"], wanted["mtce_number"], wanted["mtce_failures"] = life.attempts, life.number, dict(life.failures)
    wanted["task"] = life.task or None
    return {name: value for name, value in wanted.items() if (row[name] or None) != (value or None)}


def is_open(row: Row) -> bool:
    """Whether an operator asks for something that was not taken up."""
    return bool(row["action_number"] > row["action_taken"])


def is_installed(row: Row) -> bool | None:
    """Whether the installation of a host goes on or has ended well; None where its installer has told nothing."""
    return None if row["install_state"] is None else row["install_state"] != "failed"


def is_all_in_one(row: Row) -> bool:
    return "worker" in (row["subfunctions"] or "").split(",")[1:]


def _one_of(kind: Any, value: str | None) -> Any:
    return kind(value) if value in set(kind) else None
