# SPDX-License-Identifier: Apache-2.0
"""Several values in the one text that a table has for them: name=value,name=value."""

import re
from collections.abc import Mapping
from typing import Any


def parameters(given: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(given.items()))


def read_parameters(text: str) -> dict[str, str]:
    """The reverse; a comma ends a value where a name and = follow it."""
    found = re.split(r",(?=[\w-]+=)", text) if text else []
    return dict(pair.split("=", 1) for pair in found if "=" in pair)
