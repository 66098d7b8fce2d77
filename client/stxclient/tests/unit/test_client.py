# SPDX-License-Identifier: Apache-2.0
"""Tests of the client as a whole."""

import pathlib
import subprocess
import sys

from keystoneauth1 import session

import stxclient
from stxclient import client
from stxclient.tests.unit import sessions

FOLDER = pathlib.Path(stxclient.__file__).parent


class ClientTest(sessions.LibraryTest):
    def test_nothing_is_sent_before_the_first_call(self) -> None:
        self.assertEqual((0, []), (self.wire.tokens_given, self.wire.requests))

    def test_one_token_serves_all_requests(self) -> None:
        list(self.client.systems.list())
        list(self.client.alarms.list())
        self.assertEqual(1, self.wire.tokens_given)
        self.assertEqual(2, len(self.wire.requests))

    def test_session_gets_a_deadline_when_it_has_none(self) -> None:
        made = session.Session()
        client.Client(made)
        self.assertEqual(client.DEFAULT_TIMEOUT_S, made.timeout)

    def test_deadline_of_a_session_is_not_changed(self) -> None:
        made = session.Session(timeout=7)
        client.Client(made, timeout=3)
        self.assertEqual(7, made.timeout)


class WallsTest(sessions.LibraryTest):
    def test_no_component_is_imported(self) -> None:
        modules = [
            ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
            for path in FOLDER.rglob("*.py")
            if "tests" not in path.parts
        ]
        self.assertGreater(len(modules), 10)
        code = (
            "import importlib, sys\n"
            f"for name in {modules!r}: importlib.import_module(name)\n"
            "print(sorted({name.partition('.')[0] for name in sys.modules} & {'stx', 'fm', 'sysinv', 'mtce', 'stxembedded'}))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(("[]\n", ""), (done.stdout, done.stderr))
