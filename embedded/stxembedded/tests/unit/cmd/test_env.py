# SPDX-License-Identifier: Apache-2.0
"""What `stx env` prints is evaluated by a real shell."""

import os
import subprocess
import sys
from pathlib import Path

import fixtures
from oslotest import base

from stx import exception
from stxembedded import config
from stxembedded.cmd import env, main
from stxembedded.config import Layout


class EnvTest(base.BaseTestCase):
    def evaluate(self, password: str, **environment: str) -> dict[str, str]:
        script = "\n".join(env.lines(Layout(Path("/nowhere")), "reader", password))
        values = {"PATH": "/usr/bin:/bin", **environment}
        done = subprocess.run(
            ["sh", "-euc", f"{script}\n{script}\nenv -0"], env=values, capture_output=True, text=True, check=True
        )
        return dict(entry.split("=", 1) for entry in done.stdout.rstrip("\0").split("\0"))

    def test_shell_gets_the_credentials_as_they_are(self) -> None:
        password = 'it\'s "$HOME" `id`;'
        found = self.evaluate(password)
        self.assertEqual(found["OS_PASSWORD"], password)
        self.assertEqual((found["OS_USERNAME"], found["OS_PROJECT_NAME"]), ("reader", "admin"))
        self.assertEqual(found["OS_AUTH_URL"], "http://127.0.0.1:5000/v3")

    def test_own_programs_come_first_in_the_path_once(self) -> None:
        programs = os.path.dirname(sys.executable)
        self.assertEqual(self.evaluate("x")["PATH"], f"{programs}:/usr/bin:/bin")

    def test_proxy_of_the_user_is_not_used_for_the_platform(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("http_proxy", "http://192.0.2.1:3128"))
        found = self.evaluate("x", no_proxy="example.org")
        self.assertEqual(found["no_proxy"].split(",")[:2], ["example.org", "127.0.0.1"])

    def test_without_a_platform_it_says_how_to_start_one(self) -> None:
        directory = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable("STX_COMMAND", "./stx"))
        arguments = main.parser().parse_args(["env", "--data-dir", directory])
        refused = self.assertRaises(exception.NotFound, env.run, arguments)
        self.assertTrue(refused.message.endswith(f"Start it with: ./stx up --data-dir {directory}"), refused.message)

    def test_user_may_be_chosen(self) -> None:
        layout = Layout(Path(self.useFixture(fixtures.TempDir()).path))
        layout.save()
        passwords = config.load_passwords(layout)
        arguments = main.parser().parse_args(["env", "--user", "operator", "--data-dir", str(layout.data_dir)])
        stdout = self.useFixture(fixtures.StringStream("stdout")).stream
        with fixtures.MonkeyPatch("sys.stdout", stdout):
            self.assertEqual(env.run(arguments), 0)
        stdout.seek(0)
        self.assertIn(passwords["operator"], stdout.read())
