# SPDX-License-Identifier: Apache-2.0
"""In which order rows of the event log are told to those who follow it."""

from collections.abc import Mapping, Sequence
from typing import Any

# A transaction that took an id and is not over after so many seconds is taken for one that failed.
GRACE_S = 5.0


class Order:
    """Gives rows in the order of their ids, each once.

    Transactions at the same time take their ids in one order and may be over in another: a row whose predecessor is missing waits for
    it a while. So who has the row with an id has all before it, and one number says where to go on.

    :ivar position: id up to which all was given
    """

    def __init__(self, position: int) -> None:
        self.position = position
        # When the row behind a gap was first seen, in monotonic seconds.
        self._seen: dict[int, float] = {}

    def take(self, rows: Sequence[Mapping[str, Any]], now: float) -> list[Mapping[str, Any]]:
        """Those of the rows that may be told, and go on behind them.

        :param rows: from the position on, by their ids
        :param now: monotonic seconds
        """
        ready = self.ready(rows, now)
        if ready:
            self.move(ready[-1]["id"])
        return ready

    def ready(self, rows: Sequence[Mapping[str, Any]], now: float) -> list[Mapping[str, Any]]:
        """Those of the rows that may be told, for one who may not get rid of them: they are given again until it moves on."""
        before = self.position
        for row in rows:
            if row["id"] != before + 1:
                self._seen.setdefault(row["id"], now)
            before = row["id"]
        before, ready = self.position, []
        for row in rows:
            if row["id"] != before + 1 and now < self._seen[row["id"]] + GRACE_S:
                break
            before = row["id"]
            ready.append(row)
        return ready

    def move(self, position: int) -> None:
        """Go on behind this id."""
        self.position = position
        self._seen = {row_id: seen for row_id, seen in self._seen.items() if row_id > position}
