# SPDX-License-Identifier: Apache-2.0
"""Under load, manager, courier, database and broker are killed at random: what was accepted is told once and in order."""

import collections
import contextlib
import itertools
import json
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

from oslotest import base as oslotest_base
from testtools import content

from stxembedded import process
from tests.functional import deployment, engines
from tests.functional.deployment import wait_for

ROUNDS = int(os.environ.get("STX_KILL_ROUNDS", "5"))
# Each run draws anew what is done and when; how it all meets differs even with the same seed.
SEED = int(os.environ.get("STX_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
HOSTS = ("chaos-0", "chaos-1", "chaos-2")
SERVICES = ("fm-manager", "fm-courier")
VICTIMS = (*SERVICES, "postgresql", "rabbitmq")
DELIVERY_DEADLINE_S = 120

# Runs in a process of its own until it is told to end. A line that it prints is a call that has returned: these reports are accepted.
_LOAD = """
    import json, random, signal, sys, threading
    from fm import client

    seed, hosts = int(sys.argv[1]), sys.argv[2:]
    stopping, printing = threading.Event(), threading.Lock()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    reporter = client.FaultReporter()

    def step(random, host):
        entity = f"host={host}.process=p{random.randrange(8)}"
        kind = random.choices(("set", "clear", "clear-all"), (60, 38, 2))[0]
        if kind == "set":
            # Few words and severities, so that many an alarm is set as it is already.
            severity, reason = random.choice(("minor", "major")), f"it failed with code {random.randrange(2)}"
            return (kind, entity, severity, reason), client.set_alarm("200.006", entity, reason, severity)
        if kind == "clear":
            return (kind, entity), client.clear("200.006", entity)
        return (kind, f"host={host}"), client.clear_all(f"host={host}")

    def report(host):
        own = random.Random(f"{seed} {host}")
        while not stopping.is_set():
            steps = [step(own, host) for _ in range(own.choice((1, 1, 1, 4)))]
            reporter.report([report for _, report in steps])
            with printing:
                print(json.dumps([said for said, _ in steps]), flush=True)
            stopping.wait(own.uniform(0, 0.02))

    threads = [threading.Thread(target=report, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

Said = tuple[str, ...]


class Model:
    """What reports come to: which alarms are active, and of each alarm the events."""

    def __init__(self) -> None:
        self.active: dict[str, Said] = {}
        self.events: dict[str, list[Said]] = collections.defaultdict(list)

    def take(self, kind: str, entity: str, *says: str) -> None:
        if kind == "set" and self.active.get(entity) != says:
            self.active[entity] = says
            self.events[entity].append((kind, *says))
        elif kind == "clear" and entity in self.active:
            self.events[entity].append((kind, *self.active.pop(entity)))
        elif kind == "clear-all":
            for inside in [name for name in self.active if name.startswith(f"{entity}.")]:
                self.take("clear", inside)


class StandardKillsTestCase(oslotest_base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        engines.require()
        self.addDetail("seed", content.text_content(f"STX_KILL_SEED={SEED} STX_KILL_ROUNDS={ROUNDS}"))
        self.platform = deployment.get(deployment.Standard)
        self.token = self.platform.token()
        self.random = random.Random(SEED)

    def shown(self) -> tuple[dict[str, Said], dict[str, list[Said]]]:
        """Active alarms and events of each, as the REST service has them."""
        active, events = {}, collections.defaultdict(list)
        for alarm in self.platform.alarms(self.token):
            active[alarm["entity_instance_id"]] = (alarm["severity"], alarm["reason_text"])
        for event in self.platform.events(self.token, "&q.field=entity_instance_id&q.op=eq&q.value=host%3Dchaos-"):
            events[event["entity_instance_id"]].append((event["state"], event["severity"], event["reason_text"]))
        return {entity: says for entity, says in active.items() if entity.startswith("host=chaos-")}, events

    def waiting(self) -> int:
        """How many reports the host has that are not known to be stored."""
        path = self.platform.layout.state_dir / "spool" / "fm-spool.sqlite"
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            return int(connection.execute("SELECT count(*) FROM report").fetchone()[0])

    def revive(self) -> None:
        """Start what has ended, as Service Management does: a manager that finds no database when it starts gives up."""
        for name in SERVICES:
            if process.read_pid_file(self.platform.layout.pid_file(name)) is None:
                self.platform.start_service(name)

    def await_delivery(self) -> None:
        def is_delivered() -> bool:
            self.revive()
            return self.waiting() == 0

        wait_for("the reports are stored", is_delivered, DELIVERY_DEADLINE_S, 0.2)

    def clear(self) -> None:
        code = (
            "import sys\nfrom fm import client\nfor host in sys.argv[1:]:\n    client.FaultReporter().clear_all(f'host={host}')"
        )
        self.platform.python(code, *HOSTS)
        self.await_delivery()

    def victims(self) -> Iterator[str]:
        """Each of them comes soon, also when there are few rounds."""
        while True:
            yield from self.random.sample(VICTIMS, len(VICTIMS))

    @contextlib.contextmanager
    def away(self, victim: str) -> Iterator[None]:
        """Killed for as long as the block takes, then started again."""
        if victim not in SERVICES:
            with getattr(self.platform, victim).away():
                yield
            return
        self.platform.kill_service(victim)
        try:
            yield
        finally:
            self.revive()

    @contextlib.contextmanager
    def load(self, accepted: list[list[Any]]) -> Iterator[None]:
        """Alarms are set and cleared for as long as the block takes; what was accepted is appended."""
        with self.platform.spawn_python(_LOAD, str(SEED), *HOSTS) as client:
            reader = threading.Thread(target=lambda: accepted.extend(json.loads(line) for line in client.stdout), daemon=True)
            reader.start()
            wait_for("the first reports", lambda: bool(accepted))
            yield
            client.send_signal(signal.SIGTERM)
            self.assertEqual(0, client.wait(60))
            reader.join(60)
            self.assertFalse(reader.is_alive())

    def test_random_kills_under_load_lose_and_double_nothing_and_keep_the_order(self) -> None:
        accepted: list[list[Any]] = []
        self.addCleanup(self.clear)
        pause = threading.Event()
        with self.load(accepted):
            for victim in itertools.islice(self.victims(), ROUNDS):
                # Nobody sets it: the moment is what the seed draws, and whatever is going on then is met.
                pause.wait(self.random.uniform(0, 2))
                with self.away(victim):
                    pause.wait(self.random.choice((0, self.random.uniform(0, 1))))
                self.revive()
        self.await_delivery()
        model = Model()
        for kind, *says in (said for call in accepted for said in call):
            model.take(kind, *says)
        active, events = self.shown()
        self.assertEqual(model.active, active)
        for entity, told in model.events.items():
            self.assertEqual(told, events.pop(entity, []), entity)
        self.assertEqual({}, events)
