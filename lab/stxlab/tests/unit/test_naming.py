# SPDX-License-Identifier: Apache-2.0
"""Who names a lab's hosts, with a platform that is played by the test."""

from typing import Any

import fixtures
from keystoneauth1 import exceptions as auth_exceptions
from oslotest import base

from stxlab import naming

MAC = "02:4c:ab:00:00:02"
WANTED = {MAC: {"personality": "worker", "hostname": "compute-0"}}
BLANK = {"uuid": "1", "mgmt_mac": MAC, "personality": None, "hostname": None}
NAMED = {
    "uuid": "1",
    "mgmt_mac": MAC,
    "personality": "worker",
    "hostname": "compute-0",
    "administrative": "locked",
    "operational": "disabled",
    "availability": "offline",
}


class PlayedPlatform:
    """Answers each list of hosts with the next of those that it was given, the last one again and again."""

    def __init__(self, *lists: Any) -> None:
        self._lists = list(lists)
        self.patched: list[tuple[str, Any]] = []

    def get(self, url: str, headers: Any) -> Any:
        answer = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
        if isinstance(answer, Exception):
            raise answer
        return type("Answer", (), {"json": lambda self: {"ihosts": answer}})()

    def patch(self, url: str, json: Any) -> None:
        self.patched.append((url, json))


class AwaitOnlineTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.useFixture(fixtures.MonkeyPatch("stxlab.naming.time.monotonic", lambda: self.now))
        self.useFixture(fixtures.MonkeyPatch("stxlab.naming.time.sleep", self.sleep))
        self.said: list[str] = []
        self.useFixture(fixtures.MonkeyPatch("builtins.print", lambda text, flush: self.said.append(text)))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, *lists: Any) -> set[str]:
        self.platform = PlayedPlatform(*lists)
        return naming.await_online(self.platform, "http://x/v1/ihosts", WANTED, 10.0)

    def test_a_discovered_host_is_named_once_and_awaited(self) -> None:
        online = {**NAMED, "availability": "online"}
        self.assertEqual(set(), self.wait([], [BLANK], [NAMED], [{**NAMED, "install_state": "booting"}], [online]))
        changes = [
            {"op": "replace", "path": "/personality", "value": "worker"},
            {"op": "replace", "path": "/hostname", "value": "compute-0"},
        ]
        self.assertEqual([("http://x/v1/ihosts/1", changes)], self.platform.patched)
        self.assertEqual(
            [
                "not seen yet",
                "discovered",
                "locked disabled offline",
                "locked disabled offline (booting)",
                "locked disabled online",
            ],
            [text.removeprefix("compute-0 is ") for text in self.said],
        )

    def test_a_platform_that_does_not_answer_is_asked_again(self) -> None:
        online = {**NAMED, "availability": "online"}
        self.assertEqual(set(), self.wait(auth_exceptions.ServiceUnavailable(), [online]))
        self.assertEqual(1, sum("does not answer yet" in text for text in self.said))

    def test_hosts_that_do_not_come_are_named_at_the_deadline(self) -> None:
        self.assertEqual({"compute-0"}, self.wait([NAMED]))
