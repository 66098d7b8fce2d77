# SPDX-License-Identifier: Apache-2.0
"""What an SNMP manager walks through: single objects and tables, in the order of their object identifiers."""

import bisect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fm.notify import mib

Found = tuple[mib.Oid, mib.Kind | str, Any]
# Rows that are read at once, and for how long they are good (spec fm.md 8.1).
PAGE = 200
CACHE_S = 1.0


class Scalars:
    """Objects of which there is one each.

    :param objects: what gives kind and value, by identifier without the final 0
    """

    def __init__(self, objects: Mapping[mib.Oid, Callable[[], tuple[str, Any]]]) -> None:
        self._objects = {(*oid, 0): give for oid, give in objects.items()}
        self._order = sorted(self._objects)

    def get(self, oid: mib.Oid) -> Found | None:
        give = self._objects.get(oid)
        return (oid, *give()) if give else None

    def next(self, oid: mib.Oid) -> Found | None:
        at = bisect.bisect_right(self._order, oid)
        return self.get(self._order[at]) if at < len(self._order) else None


class Table:
    """Rows by number, read in pages; a walk goes through one column after another.

    :param base: identifier of the entry
    :param columns: their numbers by name of the attribute
    :param after: gives the rows whose number is larger than this one, ascending, as many as that at the most
    """

    def __init__(
        self,
        base: mib.Oid,
        columns: Mapping[str, int],
        after: Callable[[int, int], Sequence[Mapping[str, Any]]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base
        self._names = {number: name for name, number in columns.items()}
        self._after = after
        self._monotonic = monotonic
        self._page: Sequence[Mapping[str, Any]] = ()
        self._ids: list[int] = []
        self._page_after, self._page_at = 0, float("-inf")

    def get(self, oid: mib.Oid) -> Found | None:
        if len(oid) != len(self._base) + 2 or oid[:-2] != self._base or oid[-2] not in self._names:
            return None
        row = self._following(oid[-1] - 1)
        return self._instance(oid[-2], row) if row is not None and row["id"] == oid[-1] else None

    def next(self, oid: mib.Oid) -> Found | None:
        """The first instance behind this one."""
        column, index = 0, 0
        if oid[: len(self._base)] == self._base:
            column, index = (*oid[len(self._base) :], 0, 0)[:2]
        elif oid > self._base:
            return None
        for number in sorted(self._names):
            if number < column:
                continue
            row = self._following(index if number == column else 0)
            if row is not None:
                return self._instance(number, row)
        return None

    def _instance(self, number: int, row: Mapping[str, Any]) -> Found:
        name = self._names[number]
        return ((*self._base, number, row["id"]), *mib.coded(name, row[name]))

    def _following(self, index: int) -> Mapping[str, Any] | None:
        """The first row whose number is larger."""
        is_fresh = self._monotonic() - self._page_at < CACHE_S
        if not is_fresh or index < self._page_after or (len(self._ids) == PAGE and index >= self._ids[-1]):
            self._page = self._after(index, PAGE)
            self._ids = [row["id"] for row in self._page]
            self._page_after, self._page_at = index, self._monotonic()
        at = bisect.bisect_right(self._ids, index)
        return self._page[at] if at < len(self._page) else None
