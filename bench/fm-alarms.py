# SPDX-License-Identifier: Apache-2.0
"""How many alarms a second become durable, how soon one can be seen, what lists cost when there are many, and a storm of one alarm.

An alarm counts as durable when fm-manager has committed it. Reports come from a process of their own, through the host's spool;
readers ask the REST service one at a time.
"""

import os
import statistics
from typing import Any

from bench import fm_reports, load
from bench.platform import Progress, embedded, standard
from stxclient.transport import PAGE_SIZE
from stxembedded import process
from tests.functional.deployment import Deployment, Standard

TOTAL = 10_000
SINGLE = 300
STORM = 50_000
# No other measurement uses this one.
STORM_ALARM = 99_999
# Set on top of those that are active, and cleared again.
ADDED = 2_000
ROUNDS = 3
FEW, MANY = 1_000, 10_000
EVENTS = 100_000
LOCKED_HOSTS = 20
# The pages are as long as those that our own client asks for.
PATHS = {
    "list_alarms_page": f"/v1/alarms?limit={PAGE_SIZE}",
    "list_events_page": f"/v1/event_log?limit={PAGE_SIZE}",
    "summary": "/v1/alarms/summary",
}
READ_S = 5.0


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    with embedded() as platform:
        figures |= _sets(say, platform, "sqlite")
    with standard() as platform:
        figures |= _sets(say, platform, "postgresql")
        figures |= _storm(say, platform)
        figures |= _crowd(say, platform)
        figures |= _reads(say, platform)
    return figures


def _sets(say: Progress, platform: Deployment, engine: str) -> dict[str, float]:
    """Many alarms where none is active, then single ones; cleared at the end."""
    say(f"{TOTAL} alarms in batches of {fm_reports.BATCH}, on {engine}")
    rates = fm_reports.many(platform, "set", range(TOTAL))
    say(f"{SINGLE} alarms one by one")
    accepted, visible = fm_reports.singly(platform, range(TOTAL, TOTAL + SINGLE))
    fm_reports.many(platform, "clear", range(TOTAL + SINGLE))
    suffix = "" if engine == "sqlite" else f"_{engine}"
    figures = {
        f"accepted_sets_per_s{suffix}": round(rates.accepted_per_s),
        f"durable_sets_per_s_{engine}": round(rates.durable_per_s),
    }
    for name, values in (("set_accepted", accepted), ("set_to_visible", visible)):
        for percent in (50, 99):
            figures[f"{name}_p{percent}_ms{suffix}"] = round(load.percentile(values, percent), 2)
    return figures


def _storm(say: Progress, platform: Standard) -> dict[str, float]:
    """One alarm that is set again and again."""
    say(f"{STORM} times the same alarm")
    before = _memory_mib(platform)
    rates = fm_reports.same(platform, STORM_ALARM, STORM)
    after = _memory_mib(platform)
    query = f"q.field=entity_instance_id&q.op=eq&q.value=process=p{STORM_ALARM}"
    alarms, events = (
        len(platform.request("faultmanagement", "GET", f"/v1/{name}?{query}").json[name]) for name in ("alarms", "event_log")
    )
    if (alarms, events) != (1, 1):
        raise RuntimeError(f"{STORM} identical sets made {alarms} alarms and {events} events instead of one of each")
    return {
        "storm_sets_per_s": round(rates.durable_per_s),
        "storm_memory_before_mib": round(before, 1),
        "storm_memory_growth_mib": round(after - before, 1),
    }


def _memory_mib(platform: Standard) -> float:
    """Resident memory of fm-manager."""
    found = process.read_pid_file(platform.layout.pid_file("fm-manager"))
    if found is None:
        raise RuntimeError("fm-manager does not run")
    return found.memory_mib


def _crowd(say: Progress, platform: Standard) -> dict[str, float]:
    """The same work with few and with many active alarms, in turns. Leaves `MANY` of them."""
    rates: dict[int, list[float]] = {FEW: [], MANY: []}
    fm_reports.many(platform, "set", range(FEW))
    for turn in range(ROUNDS):
        if turn:
            fm_reports.many(platform, "clear", range(FEW, MANY))
        for size, found in rates.items():
            if size == MANY:
                fm_reports.many(platform, "set", range(FEW, MANY))
            say(f"{ADDED} alarms beside {size} active ones")
            added = range(size, size + ADDED)
            found.append(fm_reports.many(platform, "set", added).durable_per_s)
            fm_reports.many(platform, "clear", added)
    few, many = (statistics.median(found) for found in rates.values())
    return {
        f"durable_sets_per_s_at_{FEW}_active": round(few),
        f"durable_sets_per_s_at_{MANY}_active": round(many),
        "durable_sets_ratio_many_to_few_active": round(many / few, 2),
    }


def _reads(say: Progress, platform: Standard) -> dict[str, float]:
    """Lists and counts where many alarms are active, some of which are hidden, and the event log is full."""
    fm_reports.many(platform, "lock", range(LOCKED_HOSTS))
    _, kept = fm_reports.settle(platform)
    say(f"the event log is filled, {EVENTS - kept} events are missing")
    fm_reports.many(platform, "log", range(EVENTS - kept))
    alarms, events = fm_reports.settle(platform)
    figures: dict[str, float] = {"alarms_active": alarms, "events_kept": events}
    base, headers = platform.layout.url("faultmanagement"), {"X-Auth-Token": platform.token()}
    for name, path in PATHS.items():
        say(f"GET {path}")
        result = load.measure(base + path, headers, READ_S, 1)
        if result["errors"]:
            raise RuntimeError(f"{path}: {result['errors']} errors, the first: {result['first_error']}")
        for part in ("p50_ms", "p99_ms"):
            figures[f"{name}_{part}"] = round(result[part] or 0.0, 2)
    figures["list_page_p99_ms"] = max(figures["list_alarms_page_p99_ms"], figures["list_events_page_p99_ms"])
    return figures
