# SPDX-License-Identifier: Apache-2.0
"""Tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

import prettytable


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows' values under their keys; what is not known is a dash."""
    made = prettytable.PrettyTable(list(rows[0]) if rows else [])
    made.align = "l"
    for row in rows:
        made.add_row(["-" if value is None else value for value in row.values()])
    return str(made.get_string())
