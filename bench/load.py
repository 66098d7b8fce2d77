# SPDX-License-Identifier: Apache-2.0
"""A small HTTP load generator: the same GET again and again over persistent connections.

It works in a process of its own, so that neither the caller nor a server inside the caller shares
its interpreter lock. The load is closed: every connection asks again as soon as it has its answer.
"""

import dataclasses
import http.client
import json
import math
import pathlib
import subprocess
import sys
import threading
import time
import typing
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence

WARM_UP_S = 0.5
ANSWER_TIMEOUT_S = 30.0
RETRY_PAUSE_S = 0.05
START_ALLOWANCE_S = 10.0


class LoadError(Exception):
    """The load could not be generated at all."""


class Result(typing.TypedDict):
    """What one measurement gave.

    Rate and latencies are of good answers alone; with none the latencies are None.
    """

    requests: int
    requests_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    errors: int
    first_error: str | None
    body_bytes: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one request ended.

    :ivar finished: monotonic time in seconds
    :ivar problem: why it is no good answer, None where it is one
    """

    finished: float
    latency_s: float
    body_bytes: int
    problem: str | None = None


class Spec(typing.TypedDict):
    """What the generating process is told."""

    url: str
    headers: dict[str, str]
    seconds: float
    concurrency: int


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of a sorted sequence that is not empty."""
    rank = math.ceil(len(ordered) * percent / 100)
    return ordered[max(rank, 1) - 1]


def summarise(outcomes: Iterable[Outcome], opened: float, closed: float) -> Result:
    """What was answered between two monotonic times, in seconds.

    Requests in flight at either edge count by when they finished, which keeps the rate of slow
    answers unbiased. An error counts even after the close, or a server that hangs would look clean.
    """
    after_warm_up = [outcome for outcome in outcomes if outcome.finished >= opened]
    good = [o for o in after_warm_up if o.problem is None and o.finished < closed]
    problems = [o.problem for o in after_warm_up if o.problem is not None]
    latencies = sorted(outcome.latency_s * 1000 for outcome in good)
    return {
        "requests": len(good),
        "requests_per_s": len(good) / (closed - opened),
        "p50_ms": percentile(latencies, 50) if latencies else None,
        "p99_ms": percentile(latencies, 99) if latencies else None,
        "errors": len(problems),
        "first_error": problems[0] if problems else None,
        "body_bytes": max((outcome.body_bytes for outcome in good), default=0),
    }


def measure(url: str, headers: Mapping[str, str], seconds: float, concurrency: int) -> Result:
    """GET ``url`` over ``concurrency`` connections for ``seconds`` after a short warm-up.

    :raises LoadError: when the generating process fails or does not end in time
    """
    spec: Spec = {
        "url": url,
        "headers": dict(headers),
        "seconds": seconds,
        "concurrency": concurrency,
    }
    # The headers may hold a token: standard input, unlike arguments, shows in no process list.
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(pathlib.Path(__file__).resolve())],
            input=json.dumps(spec),
            capture_output=True,
            text=True,
            check=False,
            timeout=WARM_UP_S + seconds + ANSWER_TIMEOUT_S + START_ALLOWANCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"The load on {url} did not end within {error.timeout:.0f} s.") from error
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise LoadError(f"The load on {url} could not be generated: {last_line}")
    return typing.cast("Result", json.loads(done.stdout))


def ask(connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> Outcome:
    """Send one request and read its whole answer."""
    started = time.monotonic()
    size, problem = 0, None
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        size = len(response.read())
        if response.status != http.client.OK:
            problem = f"HTTP {response.status} {response.reason}"
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        problem = f"{type(error).__name__}: {error}"
    finished = time.monotonic()
    return Outcome(finished, finished - started, size, problem)


def generate(spec: Spec) -> Result:
    """Carry a measurement out in this process."""
    url = urllib.parse.urlsplit(spec["url"])
    if url.scheme != "http" or url.hostname is None:
        raise LoadError(f"{spec['url']} is no http:// address of a server.")
    host, port = url.hostname, url.port
    target = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    opened = time.monotonic() + WARM_UP_S
    closed = opened + spec["seconds"]
    pause = threading.Event()

    def keep_asking(outcomes: list[Outcome]) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
        while time.monotonic() < closed:
            outcomes.append(ask(connection, target, spec["headers"]))
            if outcomes[-1].problem is not None:
                pause.wait(RETRY_PAUSE_S)
        connection.close()

    per_connection: list[list[Outcome]] = [[] for _ in range(spec["concurrency"])]
    threads = [threading.Thread(target=keep_asking, args=(o,)) for o in per_connection]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return summarise((o for outcomes in per_connection for o in outcomes), opened, closed)


def main() -> int:
    """Read what to do from standard input, write the result to standard output."""
    try:
        result = generate(json.load(sys.stdin))
    except LoadError as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(result, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
