# SPDX-License-Identifier: Apache-2.0
"""What answers to probes, and to those from other hosts, mean: answers, slow, lossy, silent; hears all, some, nobody.

A change is told with the moment at which it happened, which is earlier than the one at which it was certain.
"""

import collections
import dataclasses
import statistics
from collections.abc import Iterable

ANSWERS, SILENT, LOSSY, SLOW, NO_ADDRESS = "answers", "silent", "lossy", "slow", "no address"
HEARS_ALL, HEARS_NOBODY, IS_OFF = "hears all", "hears nobody", "is off"
# A probe without an answer is lost after this; longer delays look like silence.
DEADLINE_S = 1.0
# So many lost one after another are silence, and no bad luck: of 30 % loss, 2 in 1000 times.
SILENT_AFTER = 5
_WINDOW = 20
_LOSSY_FROM = 2
_RECENT = 5
_SLOW_FROM_S = 0.020
# By how much a delay must change to be told again.
_NEWS = 1.5


@dataclasses.dataclass(slots=True)
class _Probe:
    sent: float
    round_trip_s: float | None = None


class Reach:
    """What one host on one network does with probes."""

    def __init__(self) -> None:
        self._probes: collections.deque[_Probe] = collections.deque(maxlen=_WINDOW + 20)
        self._told = ""
        self._slow_s = 0.0

    def sent(self, at: float) -> None:
        self._probes.append(_Probe(at))

    def answered(self, sent: float, at: float) -> None:
        """:param sent: when the probe was sent that the answer is to"""
        for probe in reversed(self._probes):
            if probe.sent == sent:
                probe.round_trip_s = at - sent
                return

    def look(self, now: float) -> tuple[float, str] | None:
        """What has changed, and since when."""
        settled = [probe for probe in self._probes if probe.round_trip_s is not None or now - probe.sent > DEADLINE_S]
        if not settled:
            return None
        lost = 0
        while lost < len(settled) and settled[-1 - lost].round_trip_s is None:
            lost += 1
        if lost >= SILENT_AFTER or (lost == len(settled) and not self._told and lost > 1):
            return self._tell(SILENT, settled[-lost].sent)
        if self._told == SILENT:
            return self._after_silence(settled, lost)
        # Losses that go on may become silence.
        window = settled[-_WINDOW : len(settled) - lost]
        return self._quality(window) if window else None

    def _after_silence(self, settled: list[_Probe], lost: int) -> tuple[float, str] | None:
        if lost:
            return None
        # The losses before the first answer were the silence.
        first = len(settled)
        while first and settled[first - 1].round_trip_s is not None:
            first -= 1
        while self._probes and self._probes[0].sent < settled[first].sent:
            self._probes.popleft()
        self._told = ""
        return self._quality(settled[first:])

    def _quality(self, window: list[_Probe]) -> tuple[float, str] | None:
        lost = [probe for probe in window if probe.round_trip_s is None]
        times = [probe.round_trip_s for probe in window if probe.round_trip_s is not None]
        if len(lost) >= _LOSSY_FROM or (lost and self._told == LOSSY):
            return self._tell(LOSSY, lost[0].sent)
        middle_s = statistics.median(times[-_RECENT:]) if times else 0.0
        if times and middle_s >= _SLOW_FROM_S:
            since = next(probe.sent for probe in window if probe.round_trip_s is not None and probe.round_trip_s >= _SLOW_FROM_S)
            is_news = not self._slow_s / _NEWS <= middle_s <= self._slow_s * _NEWS
            if self._told == SLOW and is_news:
                self._told, since = "", window[-1].sent
            self._slow_s = middle_s if is_news else self._slow_s
            return self._tell(SLOW, since, f"{SLOW}, {self._slow_s * 1000:.0f} ms")
        if self._told == SLOW and len(times) < _RECENT:
            return None
        return self._tell(ANSWERS, window[-1].sent if self._told else window[0].sent)

    def _tell(self, what: str, since: float, text: str = "") -> tuple[float, str] | None:
        if what == self._told:
            return None
        self._told = what
        return since, text or what


class Rounds:
    """When hosts were asked, and until when that tells for certain how they answer, however late it was looked at."""

    def __init__(self) -> None:
        self._rounds: collections.deque[tuple[float, float]] = collections.deque()

    def add(self, begun: float, ended: float) -> None:
        self._rounds.append((begun, ended))

    def certain(self, now: float) -> float | None:
        """When the first began of the last rounds that make a silence, once all of them had the time to be answered."""
        while len(self._rounds) > SILENT_AFTER and now - self._rounds[SILENT_AFTER][1] > DEADLINE_S:
            self._rounds.popleft()
        if len(self._rounds) < SILENT_AFTER or now - self._rounds[SILENT_AFTER - 1][1] <= DEADLINE_S:
            return None
        return self._rounds[0][0]


def fresh_s(period_s: float) -> float:
    """How old a call may be to show that the caller is there."""
    return max(DEADLINE_S / 2, 3 * period_s)


def _by_number(name: str) -> tuple[str, int]:
    """compute-9 comes before compute-10."""
    text = name.rstrip("0123456789")
    return text, int(name[len(text) :] or 0)


class Hearing:
    """Whom one host hears on one network.

    :param period_s: how often each host calls
    """

    def __init__(self, period_s: float, now: float) -> None:
        self._period_s = period_s
        self._deadline_s = 2 * fresh_s(period_s)
        self._heard: dict[str, float] = {}
        self._begun = now
        self._expected_since: dict[str, float] = {}
        self._told = self._seen = ""

    def heard(self, sender: str, at: float) -> None:
        self._heard[sender] = at

    def look(self, expected: Iterable[str], now: float) -> tuple[float, str] | None:
        """What has changed, and since when.

        :param expected: hosts that can be heard
        """
        wanted = set(expected)
        self._expected_since = {name: self._expected_since.get(name, now) for name in wanted}
        last = {name: max(self._heard.get(name, self._begun), self._expected_since[name]) for name in wanted}
        missing = sorted((name for name, at in last.items() if now - at > self._deadline_s), key=_by_number)
        if not wanted or (not missing and not any(name in self._heard for name in wanted)):
            return None
        if not missing:
            text = HEARS_ALL
        elif len(missing) == len(wanted) and len(wanted) > 1:
            text = HEARS_NOBODY
        else:
            text = f"does not hear {', '.join(missing)}"
        # Several that vanish together are not found missing at the same look.
        is_steady, self._seen = text == self._seen, text
        if text == self._told or not is_steady:
            return None
        since = min(now, max(last[name] for name in missing) + self._period_s) if missing else now
        self._told = text
        return since, text
