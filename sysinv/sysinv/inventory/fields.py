# SPDX-License-Identifier: Apache-2.0
"""Numbers, clean text and JSON from a machine's raw attributes; nothing here raises on junk."""

import json
import re
from typing import Any

Record = dict[str, Any]

MIB = 1024 * 1024

_NUMBER = re.compile(r"-?(0x[0-9a-f]{1,16}|[0-9]{1,18})", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", re.ASCII)
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}


def number(value: object) -> int | None:
    """The whole number that a sysfs attribute or a JSON value holds: 12, "12" or "0x0c"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(digits := value.strip().lower()):
        return None
    return int(digits, 16) if "x" in digits else int(digits)


def boolean(value: object) -> bool | None:
    """A JSON boolean, or the "0" and "1" that older tools print."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None


def text(value: object, limit: int = 255) -> str | None:
    """Printable text in one line of at most `limit` characters; None when nothing is left.

    Firmware pads with blanks and NULs, and what a neighbour sends may hold anything.
    """
    if not isinstance(value, str):
        return None
    words = "".join(sign if sign.isprintable() else " " for sign in value).split()
    return " ".join(words)[:limit] or None


def ids(value: str | None) -> list[int]:
    """The numbers of a kernel list such as "0-1,4", ascending."""
    found: set[int] = set()
    for part in (value or "").split(","):
        if match := _RANGE.fullmatch(part.strip()):
            first = int(match[1])
            found.update(range(first, int(match[2] or first) + 1))
    return sorted(found)


def document(source: str) -> Any:
    """What a JSON text says; None when it isn't JSON."""
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> Record:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Record]:
    """The JSON objects of a list; one object alone counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
