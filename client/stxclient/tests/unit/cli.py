# SPDX-License-Identifier: Apache-2.0
"""Runs the commands in this process, against the stub of the wire."""

import contextlib
import dataclasses
import io
import json
import logging
import os
import sys
from typing import Any
from unittest import mock

import fixtures
from oslotest import base

from stxclient import shell
from stxclient.tests.unit import wire


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, decoded."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table on the output, its heading first."""
        lines = [line for line in self.out.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def password_environment(where: wire.Wire) -> dict[str, str]:
    """What an openrc file sets."""
    return {
        "OS_AUTH_URL": f"{where.url}/v3",
        "OS_USERNAME": wire.USER,
        "OS_PASSWORD": wire.PASSWORD,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": "RegionOne",
        "OS_IDENTITY_API_VERSION": "3",
    }


class CliTest(base.BaseTestCase):
    """A test of commands. The environment has the credentials that an operator's has."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = self.useFixture(wire.Wire())
        self.folder = self.useFixture(fixtures.TempDir()).path
        for name in list(os.environ):
            if name.startswith(("OS_", "SYSTEM_", "FM_", "CLIFF_")) and not name.startswith(("OS_TEST", "OS_STD", "OS_LOG")):
                self.setenv(name, None)
        # An empty file, so that none of this machine is found.
        self.setenv("OS_CLIENT_CONFIG_FILE", self.write("clouds.yaml", ""))
        for name, value in password_environment(self.wire).items():
            self.setenv(name, value)

    def setenv(self, name: str, value: str | None) -> None:
        """Sets an environment variable, or removes it, for this test."""
        self.useFixture(fixtures.EnvironmentVariable(name, value))

    def write(self, name: str, text: str) -> str:
        """Writes a file; gives its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run_command(self, name: str, *argv: str) -> Outcome:
        """Runs `system` or `fm`."""
        return captured(lambda: shell.main(name, list(argv)))

    def system(self, *argv: str) -> Outcome:
        """Runs `system`."""
        return self.run_command("system", *argv)

    def fm(self, *argv: str) -> Outcome:
        """Runs `fm`."""
        return self.run_command("fm", *argv)

    def done(self, outcome: Outcome) -> Outcome:
        """The outcome, which must be success."""
        self.assertEqual((0, ""), (outcome.code, outcome.err))
        return outcome

    def fails(self, outcome: Outcome, code: int, *words: str) -> None:
        """The outcome must be a failure that is told in one line."""
        self.assertEqual(code, outcome.code, outcome)
        self.assertEqual("", outcome.out)
        self.assertNotIn("Traceback", outcome.err)
        self.assertEqual(1, len(outcome.err.strip().splitlines()), outcome.err)
        for word in words:
            self.assertIn(word, outcome.err)


def captured(call: Any) -> Outcome:
    """What a call writes and returns, or exits with."""
    out, err = io.StringIO(), io.StringIO()
    root, library = logging.getLogger(), logging.getLogger("keystoneauth")
    before = root.handlers[:], root.level, library.level
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(sys, "stdin", io.StringIO()):
        try:
            code = call()
        except SystemExit as exit_:
            code = exit_.code or 0
        finally:
            root.handlers[:] = before[0]
            root.setLevel(before[1])
            library.setLevel(before[2])
    return Outcome(code, out.getvalue(), err.getvalue())
