# SPDX-License-Identifier: Apache-2.0
"""How many alarms a second become durable, and how soon one that is set can be seen.

An alarm counts as durable when fm-manager has committed it. The client runs in a process of its own, through the host's spool.
"""

import os
import statistics
import time
from typing import Any

from bench.platform import Progress, embedded
from tests.functional.engines import wait_for

TOTAL = 10_000
BATCH = 100
SINGLE = 300

_SETS = """
    import sys, time
    from fm import client
    reporter, total, batch = client.FaultReporter(), int(sys.argv[1]), int(sys.argv[2])
    reporter.set_fault("200.006", "host=bench.process=first", "warm", "minor")
    begun = time.time()
    for start in range(0, total, batch):
        reporter.report(
            [client.set_alarm("200.006", f"host=bench.process=p{n}", f"process {n} failed", "minor") for n in range(start, start + batch)]
        )
    print(begun, time.time())
"""

_ONE_BY_ONE = """
    import sys, time
    from fm import client
    from fm.db import api
    reporter = client.FaultReporter()
    for number in range(int(sys.argv[1])):
        entity = f"host=bench.process=s{number}"
        begun = time.perf_counter()
        reporter.set_fault("200.006", entity, "failed", "minor")
        accepted = time.perf_counter()
        while not api.find_alarms(alarm_id="200.006", entity=entity):
            if time.perf_counter() - begun > 10:
                sys.exit("an alarm was not seen within 10 s")
            time.sleep(0.0005)
        print(1000 * (accepted - begun), 1000 * (time.perf_counter() - begun), flush=True)
        time.sleep(0.01)
"""


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    with embedded() as platform:
        token = platform.token()

        def stored() -> int:
            return int(platform.request("faultmanagement", "GET", "/v1/alarms/summary", token=token).json["minor"])

        before = stored()
        say(f"{TOTAL} alarms in batches of {BATCH}")
        begun, accepted = map(float, platform.python(_SETS, str(TOTAL), str(BATCH)).split())
        wait_for("all alarms are stored", lambda: stored() >= before + TOTAL + 1, 120, 0.01)
        done = time.time()
        figures["accepted_sets_per_s"] = round(TOTAL / (accepted - begun))
        figures["durable_sets_per_s_sqlite"] = round(TOTAL / (done - begun))
        say(f"{SINGLE} alarms one by one")
        rows = [tuple(map(float, line.split())) for line in platform.python(_ONE_BY_ONE, str(SINGLE)).splitlines()]
        for index, name in enumerate(("set_accepted", "set_to_visible")):
            values = sorted(row[index] for row in rows)
            figures[f"{name}_p50_ms"] = round(statistics.median(values), 2)
            figures[f"{name}_p99_ms"] = round(values[int(0.99 * len(values))], 2)
    return figures
