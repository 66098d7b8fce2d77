# SPDX-License-Identifier: Apache-2.0
"""Columns of the output: what is shown under which label, for people and for programs."""

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cliff import columns as cliff_columns

from stxclient import resources

# All but tabulator and line feed.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Structured(cliff_columns.FormattableColumn[Any]):
    """A list or object: JSON text for people, itself for programs."""

    def human_readable(self) -> str:
        return json.dumps(self._value, sort_keys=True, ensure_ascii=False)


class Named(cliff_columns.FormattableColumn[Any]):
    """A code: its name for people, itself for programs."""

    def __init__(self, value: Any, name: str) -> None:
        super().__init__(value)
        self._name = name

    def human_readable(self) -> str:
        return self._name


class Escaped(cliff_columns.FormattableColumn[Any]):
    """Text with control characters: escapes for people, whose terminal would obey them; itself for programs."""

    def human_readable(self) -> str:
        return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", self._value)


def plain(value: Any) -> Any:
    """The value as it is, only that structured ones are readable in a table, and no text commands the terminal."""
    if isinstance(value, dict | list):
        return Structured(value)
    return Escaped(value) if isinstance(value, str) and _CONTROL.search(value) else value


def gib(mib: Any) -> Any:
    """MiB as GiB with three decimals, rounded down so that what is available is never overstated."""
    return math.floor(mib / 1024 * 1000) / 1000 if isinstance(mib, int | float) else mib


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a list, or one line of a single object.

    :ivar label: its name in the output
    :ivar field: the object's field, where it is not the label; None: the label
    :ivar form: makes what is shown of the field's value
    :ivar source: makes what is shown of the whole object, instead
    :ivar optional: left out of a single object when it has no value
    """

    label: str
    field: str | None = None
    form: Callable[[Any], Any] = plain
    source: Callable[[resources.Resource], Any] | None = None
    optional: bool = False

    def value(self, item: resources.Resource) -> Any:
        """What the column shows of an object."""
        if self.source is not None:
            return self.source(item)
        value = item.get(self.field or self.label)
        return None if value is None else self.form(value)

    def is_in(self, item: resources.Resource) -> bool:
        """Whether a single object has this line: fields differ between releases of the service."""
        if self.optional:
            return self.value(item) not in (None, "")
        return self.source is not None or (self.field or self.label) in item


def named(*labels: str) -> tuple[Column, ...]:
    """Columns whose labels are the names of the fields."""
    return tuple(Column(label) for label in labels)


def table(columns: Sequence[Column], items: Iterable[resources.Resource]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Labels and rows."""
    return tuple(column.label for column in columns), [tuple(column.value(item) for column in columns) for item in items]


def sheet(columns: Sequence[Column], item: resources.Resource) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Labels and values of one object."""
    lines = [(column.label, column.value(item)) for column in columns if column.is_in(item)]
    return tuple(label for label, _ in lines), tuple(value for _, value in lines)
