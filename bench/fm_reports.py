# SPDX-License-Identifier: Apache-2.0
"""Fault reports in numbers: a process of the host makes them, through its spool, and sees when fm-manager has committed them."""

import typing

import sqlalchemy as sa

from tests.functional.deployment import Deployment, Standard

BATCH = 100
HOSTS = 200

# Alarm n is always the same one: on one of the hosts, of one of the severities.
_PRELUDE = f"""
    import sys, time
    from fm import client
    from fm.db import api

    reporter = client.FaultReporter()

    def entity(number):
        return f"host=compute-{{number % {HOSTS}}}.process=p{{number}}"

    def set_one(number):
        severity = ("critical", "major", "minor", "warning")[number % 4]
        return client.set_alarm("200.006", entity(number), f"process {{number}} has failed", severity)

    def clear_one(number):
        return client.clear("200.006", entity(number))

    def lock_one(number):
        return client.set_alarm("200.001", f"host=compute-{{number}}", "it was locked", "warning")

    def log_one(number):
        return client.log("200.020", f"host=compute-{{number % {HOSTS}}}.event=discovered", "it was discovered")

    def await_alarm(name, is_active, pause_s):
        give_up_at = time.monotonic() + 100
        while bool(api.find_alarms(alarm_id="200.006", entity=name)) != is_active:
            if time.monotonic() > give_up_at:
                sys.exit(f"{{name}}: not stored within 100 s")
            time.sleep(pause_s)
"""

# What is behind others in the spool is stored after them: an alarm is set before all, and cleared behind them.
_MANY = """
    make, first, last, batch, step = globals()[sys.argv[1] + "_one"], *map(int, sys.argv[2:])
    mark = "host=bench.process=mark"
    reporter.set_fault("200.006", mark, "being measured", "minor")
    await_alarm(mark, True, 0.01)
    begun = time.perf_counter()
    for start in range(first, last, batch):
        reporter.report([make(first + (number - first) * step) for number in range(start, min(start + batch, last))])
    accepted = time.perf_counter()
    reporter.clear_fault("200.006", mark)
    await_alarm(mark, False, 0.01)
    print(accepted - begun, time.perf_counter() - begun)
"""

_SINGLE = """
    first, last = map(int, sys.argv[1:])
    api.find_alarms(alarm_id="200.006", entity="warm")
    for number in range(first, last):
        begun = time.perf_counter()
        reporter.report([set_one(number)])
        accepted = time.perf_counter()
        await_alarm(entity(number), True, 0.0005)
        print(1000 * (accepted - begun), 1000 * (time.perf_counter() - begun), flush=True)
        time.sleep(0.01)
"""


class Rates(typing.NamedTuple):
    """Reports a second that were accepted by the spool, and that were committed by fm-manager."""

    accepted_per_s: float
    durable_per_s: float


def many(platform: Deployment, what: str, numbers: range) -> Rates:
    """Report in batches, and wait until all is committed.

    :param what: `set` or `clear` the alarms of these numbers, `lock` the hosts, or `log` as many events
    """
    arguments = (what, numbers.start, numbers.start + len(numbers), BATCH, 1)
    return _rates(platform, len(numbers), arguments)


def same(platform: Deployment, number: int, times: int) -> Rates:
    """Set one alarm again and again."""
    return _rates(platform, times, ("set", number, number + times, BATCH, 0))


def _rates(platform: Deployment, count: int, arguments: tuple[object, ...]) -> Rates:
    accepted_s, durable_s = map(float, platform.python(_PRELUDE + _MANY, *map(str, arguments)).split())
    return Rates(count / accepted_s, count / durable_s)


def singly(platform: Deployment, numbers: range) -> tuple[list[float], list[float]]:
    """Set alarms one by one. Gives, each sorted, the milliseconds until the spool had them, and until they could be read."""
    printed = platform.python(_PRELUDE + _SINGLE, str(numbers.start), str(numbers.stop)).splitlines()
    accepted, visible = zip(*(map(float, line.split()) for line in printed), strict=True)
    return sorted(accepted), sorted(visible)


def settle(platform: Standard) -> tuple[int, int]:
    """Have PostgreSQL do at once what it does by itself within a minute. Gives how many alarms are active, and events kept."""
    engine = sa.create_engine(platform.postgresql.url("fm"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
            alarms, events = (
                connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() for table in ("alarm", "event_log")
            )
            return alarms, events
    finally:
        engine.dispose()
