# SPDX-License-Identifier: Apache-2.0
"""Who of those that a host cannot do without is silent for too long (spec mtce-sm.md A6.3)."""

from collections.abc import Collection, Iterable


class Quorum:
    """:param members: those that check in
    :param silence_s: how long one may be silent
    :param turn_s: time is looked at as often as this; where more has passed, the watchdog was held up, and so may the members have been
    :param heard: members that have checked in in this boot; one that never has is no reason to start a host anew, again and again
    """

    def __init__(self, members: Collection[str], silence_s: float, turn_s: float, heard: Iterable[str] = ()) -> None:
        self._members = frozenset(members)
        self._silence_s = silence_s
        self._turn_s = turn_s
        self._silent_s = {member: 0.0 for member in heard if member in self._members}
        self._complaints: dict[str, str] = {}
        self._looked_at: float | None = None

    @property
    def heard(self) -> frozenset[str]:
        return frozenset(self._silent_s)

    def hear(self, member: str, complaint: str = "") -> bool:
        """A member checks in; False when it is none.

        :param complaint: why the host cannot go on, by what the member knows
        """
        if member not in self._members:
            return False
        self._silent_s[member] = 0.0
        self._complaints[member] = complaint
        return True

    def pass_time(self, now: float, is_locked: bool) -> None:
        """Time goes on.

        :param now: monotonic seconds
        :param is_locked: nobody needs to check in on a host that is locked
        """
        passed = 0.0 if self._looked_at is None else min(max(now - self._looked_at, 0.0), 2 * self._turn_s)
        self._looked_at = now
        for member in self._silent_s:
            self._silent_s[member] = 0.0 if is_locked else self._silent_s[member] + passed
        if is_locked:
            self._complaints.clear()

    def verdict(self) -> str:
        """Why the host is to be started anew; empty while all is well."""
        silent = sorted(member for member, silent_s in self._silent_s.items() if silent_s > self._silence_s)
        reasons = [f"{member} has said nothing for {self._silence_s:g} s" for member in silent]
        reasons += [complaint for _, complaint in sorted(self._complaints.items()) if complaint]
        return "; ".join(reasons)
