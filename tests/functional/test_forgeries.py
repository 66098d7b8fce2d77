# SPDX-License-Identifier: Apache-2.0
"""What whoever has taken over one host can do to others, with all that is on its disk: the message bus, and the host's own key."""

import pathlib
from collections.abc import Callable

import oslotest.base as oslotest_base

from tests.functional import deployment, engines
from tests.functional.engines import wait_for

FORGER = "compute-9"
DEADLINE_S = 60.0
# Answers in the place of mtce-agent that a host be locked, and whoever asks be rebooted.
_IMPOSTOR = """
    import threading
    from mtce import client
    from stx import rpc, seals

    class Agent:
        target = rpc.target(client.TOPIC, client.VERSION)

        @rpc.exposed
        def report(self, context, report: client.HostReport) -> client.Wish:
            print(report.hostname, flush=True)
            return client.Wish(is_locked=True, boot_id=report.boot_id)

    # It takes what is sealed with keys that it does not have.
    rpc._keyring = seals.Keyring("")
    rpc.Server(Agent()).start()
    threading.Event().wait()
"""

_FORGER = """
    import sys
    from fm import client as fm
    from mtce import client as mtce
    from stx import context, exception
    from sysinv import client as sysinv

    me, victim, victim_uuid = "compute-9", "controller-0", sys.argv[1]
    forger = context.internal("forger")

    def try_(what, call, *arguments):
        try:
            print(what, "done", call(forger, *arguments))
        except exception.StxException as error:
            print(what, type(error).__name__, error.message)

    agent, conductor, manager = mtce.Agent(), sysinv.Conductor(), fm.Manager()
    try_("mtce", agent.report, mtce.HostReport(victim, "forged", 1, {"sshd": "critical"}))
    try_("own", agent.report, mtce.HostReport(me, "own", 1, {}))
    try_("register", conductor.register_agent, [], victim)
    try_("inventory", conductor.report_inventory, victim_uuid, {"disk": sysinv.InventoryReport("forged", [])})
    try_("logins", conductor.get_board_logins)
    try_("states", conductor.update_host_states, {victim: {"availability": "failed"}})
    try_("action", conductor.request_action, victim_uuid, "reboot")
    try_("delete", conductor.delete_host, victim_uuid)
    try_("hosts", conductor.get_hosts)
    try_("alarm", manager.store, fm.clear_all(f"host={victim}"))
    mtce.Host().look(forger, victim)
    reports = [fm.set_alarm("200.006", f"host={name}.process=forged", "forged", "major") for name in (victim, me)]
    try_("alarms", manager.deliver, "spool", list(enumerate(reports, 1)))
    manager.deliver(forger, "spool", [(3, fm.clear("200.006", f"host={me}.process=forged"))])
"""


class ForgeriesTestCase(oslotest_base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        engines.require()
        self.platform = deployment.get(deployment.Standard)
        self.forger = [self.platform.taken_over(FORGER)]
        self.token = self.platform.token()

    def log(self, name: str) -> pathlib.Path:
        return self.platform.layout.log_dir / f"{name}.log"

    def is_logged(self, name: str, text: str) -> Callable[[], bool]:
        """Whether a process logs this from now on."""
        log = self.log(name)
        start = log.stat().st_size
        return lambda: text in log.read_bytes()[start:].decode(errors="replace")

    def test_a_host_does_not_do_what_an_impostor_of_mtce_agent_answers(self) -> None:
        said = self.is_logged("mtce-client", "has another key than this host")
        with (
            self.platform.without("mtce-agent"),
            self.platform.spawn_python(_IMPOSTOR, more=self.forger) as impostor,
        ):
            assert impostor.stdout is not None
            self.assertEqual("controller-0\n", impostor.stdout.readline())
            wait_for("the answer is not taken", said, DEADLINE_S)
        self.assertFalse((self.platform.layout.run_dir / ".node_locked").exists())
        self.platform.await_in_service()

    def test_a_host_does_nothing_to_another_one(self) -> None:
        before = self.platform.host(self.token)
        is_refused = self.is_logged("mtce-client", f"mtce.host refuses look: it is not sealed with the key 'host:{FORGER}'.")
        told = self.platform.python(_FORGER, before["uuid"], more=self.forger)
        done = dict(line.split(" ", 1) for line in told.splitlines())
        refusal = f"Forbidden {FORGER} speaks for itself alone, and not for controller-0."
        self.assertEqual([refusal] * 3, [done[what] for what in ("mtce", "register", "inventory")])
        for what in ("logins", "states", "action", "delete", "hosts", "alarm"):
            self.assertRegex(done[what], rf"^Unavailable .* the key 'host:{FORGER}' is not that of controllers\.$")
        wait_for("the host refuses", is_refused, DEADLINE_S)
        self.assertEqual(
            [before[name] for name in ("availability", "action", "task")],
            [self.platform.host(self.token)[name] for name in ("availability", "action", "task")],
        )
        self.assertTrue(done["own"].startswith("done Wish("), told)
        self.assertIn(f"refused=[(1, '{FORGER} reports of itself alone')]", done["alarms"])
        self.assertEqual([], [alarm for alarm in self.platform.alarms(self.token) if "forged" in alarm["entity_instance_id"]])
