# SPDX-License-Identifier: Apache-2.0
"""Conditions on a list: the grammar of `--query` and its form on the wire (spec fm.md 6.1 and 7)."""

import dataclasses
import re
from collections.abc import Iterable

OPERATORS = {"!=": "ne", ">=": "ge", "<=": "le", ">": "gt", "<": "lt", "=": "eq"}
TYPES = ("integer", "float", "string", "boolean", "datetime")

_CONDITION = re.compile(r"\s*(?P<field>[\w.]+)\s*(?P<op>!=|>=|<=|>|<|=)\s*(?P<value>.*?)\s*", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Condition:
    """One condition.

    :ivar op: one of lt, le, eq, ne, ge, gt
    :ivar type: one of TYPES, or empty to let the service decide
    """

    field: str
    value: str
    op: str = "eq"
    type: str = ""


def parse(text: str) -> list[Condition]:
    """Reads `field[op][type::]value;field…`, for example `severity=major;alarm_id=100.101`.

    :raises ValueError: naming the part that cannot be read
    """
    conditions = [_condition(part) for part in text.split(";") if part.strip()]
    if not conditions:
        raise ValueError("the query is empty: give field=value, several separated by semicolons")
    return conditions


def _condition(part: str) -> Condition:
    matched = _CONDITION.fullmatch(part)
    if not matched:
        operators = " ".join(OPERATORS)
        raise ValueError(f"{part.strip()!r} is not a condition: give field, one of {operators}, value")
    kind, separator, rest = matched["value"].partition("::")
    if separator and kind in TYPES:
        return Condition(matched["field"], rest, OPERATORS[matched["op"]], kind)
    return Condition(matched["field"], matched["value"], OPERATORS[matched["op"]])


def parameters(conditions: Iterable[Condition]) -> list[tuple[str, str]]:
    """The conditions as query parameters, which run in parallel: the n-th q.op belongs to the n-th q.field."""
    conditions = list(conditions)
    pairs: list[tuple[str, str]] = []
    for condition in conditions:
        pairs += [("q.field", condition.field), ("q.op", condition.op), ("q.value", condition.value)]
    if any(condition.type for condition in conditions):
        pairs += [("q.type", condition.type) for condition in conditions]
    return pairs
