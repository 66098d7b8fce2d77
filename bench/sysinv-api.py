# SPDX-License-Identifier: Apache-2.0
"""How fast hosts are listed and shown, beside Ironic's node list with the same number of nodes.

Both are one process of Python on SQLite on this machine and take turns. Ours checks a Keystone token at every request; Ironic
runs without authentication.
"""

import os
import pathlib
import sqlite3
import statistics
import uuid
from typing import Any

from bench import load
from bench.peers.ironic import IronicPeer
from bench.platform import Progress, embedded, work_directory

SECONDS = 4.0
ROUNDS = 3
CONCURRENCY = 4


def main(json: bool) -> dict[str, Any]:
    say = Progress(json)
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0], "concurrency": CONCURRENCY}
    cache = pathlib.Path(os.environ.get("STX_PEERS", pathlib.Path.home() / ".cache" / "starlingx-peers"))
    cache.mkdir(parents=True, exist_ok=True)
    with work_directory() as directory, embedded() as platform:
        for hosts in (100, 1000):
            _add_hosts(platform, hosts)
            token = platform.token()
            base, headers = platform.layout.url("platform"), {"X-Auth-Token": token, "Accept": "application/json"}
            say(f"{hosts} hosts; the peer starts (its first installation takes a minute)")
            with IronicPeer(directory, hosts, cache) as peer:
                pairs = {
                    "list_100": ((f"{base}/v1/ihosts/detail?limit=100", headers), (peer.detail_url, peer.headers)),
                    "one": ((f"{base}/v1/ihosts/1", headers), None),
                }
                if hosts == 1000:
                    pairs["list_1000"] = ((f"{base}/v1/ihosts/detail?limit=1000", headers), None)
                for name, (ours, theirs) in pairs.items():
                    say(f"{name} of {hosts}")
                    _measure(figures, f"{name}_of_{hosts}", ours, theirs)
    ratio = figures["list_100_of_100_requests_per_s"] / figures["ironic_detail_list_100_of_100_requests_per_s"]
    figures["ratio_to_ironic_detail_100"] = round(ratio, 2)
    figures["ratio_to_ironic_detail_100_of_1000"] = round(
        figures["list_100_of_1000_requests_per_s"] / figures["ironic_detail_list_100_of_1000_requests_per_s"], 2
    )
    return figures


def _measure(figures: dict[str, Any], name: str, ours: tuple, theirs: tuple | None) -> None:
    """Measure in turns, so that a change of the machine's speed meets both."""
    results: dict[str, list[load.Result]] = {}
    for _ in range(ROUNDS):
        for key, side in ((name, ours), (f"ironic_detail_{name}", theirs)):
            if side is not None:
                results.setdefault(key, []).append(load.measure(*side, SECONDS, CONCURRENCY))
    for key, runs in results.items():
        errors = sum(run["errors"] for run in runs)
        if errors:
            raise RuntimeError(f"{key}: {errors} errors, the first: {runs[0]['first_error']}")
        for part in ("requests_per_s", "p50_ms", "p99_ms"):
            figures[f"{key}_{part}"] = round(statistics.median(run[part] for run in runs), 2)


def _add_hosts(platform: Any, total: int) -> None:
    """Fill the database up to `total` hosts, as full as a provisioned one; an embedded system takes no second by REST."""
    database = platform.layout.state_dir / "sysinv.sqlite"
    with sqlite3.connect(database, timeout=30) as connection:
        connection.row_factory = sqlite3.Row
        pattern = dict(connection.execute("SELECT * FROM i_host ORDER BY id LIMIT 1").fetchone())
        (there,) = connection.execute("SELECT count(*) FROM i_host").fetchone()
        for number in range(there, total):
            row = {
                **pattern,
                "id": None,
                "uuid": str(uuid.uuid4()),
                "hostname": f"compute-{number}",
                "personality": "worker",
                "subfunctions": "worker",
                "mgmt_mac": f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
                "mgmt_ip": f"192.168.{208 + (number >> 8)}.{number & 255}",
                "administrative": "locked",
                "operational": "disabled",
                "availability": "offline",
            }
            names = ", ".join(row)
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO i_host ({names}) VALUES ({marks})", list(row.values()))
