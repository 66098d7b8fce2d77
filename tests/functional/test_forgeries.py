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
