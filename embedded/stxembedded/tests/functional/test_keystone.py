# SPDX-License-Identifier: Apache-2.0
"""A real Keystone: started, used by many at once, filled, stopped, and started again."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import stat
import sys
import uuid
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import fixtures
import requests
from keystoneauth1 import exceptions as auth_exceptions
from oslotest import base

from stx import exception, testing
from stxembedded import config, identity, process
from stxembedded.accounts import Service, User
from stxembedded.config import Layout
from stxembedded.platform import answers
from stxembedded.tests.waiting import wait_for


class Instance:
    """A Keystone of its own, in a directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        ports = {service: testing.free_port() for service in config.PORTS}
        self.layout = Layout(data_dir, ports=ports)
        self.layout.save()
        self.passwords = config.load_passwords(self.layout)
        self.configure()
        self.argv = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "stxembedded.keystone",
            "--config-file",
            str(self.layout.keystone_conf),
        ]

    def configure(self) -> None:
        config.write_configuration(self.layout, self.passwords)

    def start(self, **environment: str) -> None:
        env = {**os.environ, **environment}
        self.child = process.start(self.argv, self.layout.pid_file("keystone"), self.layout.output("keystone"), env)
        wait_for(lambda: answers(self.layout.auth_url) or self.child.poll() is not None, 60)

    def stop(self) -> int:
        self.child.terminate()
        return self.child.wait(60)

    def said(self) -> str:
        return self.layout.output("keystone").read_text()

    def session(self, user: str = "admin", project: str = "admin") -> Any:
        return identity.connect(self.layout.auth_url, self.passwords[user], user, project)

    def ensure(self, **options: Any) -> list[str]:
        wanted = self.layout.catalogue(), self.layout.users(self.passwords)
        return identity.ensure_identity(self.layout.auth_url, self.passwords["admin"], *wanted, **options)


class KeystoneTest(base.BaseTestCase):
    """One Keystone for all of them: each test leaves it as useful as it found it."""

    directory: ClassVar[fixtures.TempDir]
    keystone: ClassVar[Instance]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.directory = fixtures.TempDir()
        cls.directory.setUp()
        cls.addClassCleanup(cls.directory.cleanUp)
        cls.keystone = Instance(Path(cls.directory.path))
        cls.keystone.start()
        cls.addClassCleanup(cls.keystone.stop)

    def setUp(self) -> None:
        super().setUp()
        self.keystone.ensure()

    def test_files_are_private(self) -> None:
        for path in self.keystone.layout.data_dir.rglob("*"):
            # The database has files that come and go.
            with contextlib.suppress(FileNotFoundError):
                self.assertEqual(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), 0, str(path))

    def test_process_is_the_one_that_its_pid_file_names(self) -> None:
        named = process.read_pid_file(self.keystone.layout.pid_file("keystone"))
        assert named is not None
        self.assertEqual(named.pid, self.keystone.child.pid)

    def test_no_secret_is_logged_or_an_argument(self) -> None:
        # Of its whole life, so from the first start on.
        token = self.keystone.session().get_token()
        said = "".join(path.read_text() for path in self.keystone.layout.log_dir.iterdir())
        for secret in (token, *self.keystone.passwords.values()):
            self.assertNotIn(secret, said)
            self.assertNotIn(secret, Path(f"/proc/{self.keystone.child.pid}/cmdline").read_text())

    def test_everybody_can_log_in_with_the_roles_that_are_wanted(self) -> None:
        for user, project, roles in (
            ("admin", "admin", {"admin", "configurator", "operator", "reader"}),
            ("operator", "admin", {"operator", "reader"}),
            ("reader", "admin", {"reader"}),
            ("fm", "services", {"admin", "service", "configurator", "operator", "reader"}),
        ):
            session = self.keystone.session(user, project)
            held = set(session.auth.get_access(session).role_names)
            self.assertLessEqual(roles, held, user)
            if user in {"operator", "reader"}:
                self.assertEqual(held, roles, user)

    def test_catalogue_names_the_services(self) -> None:
        session = self.keystone.session("reader")
        for service in self.keystone.layout.catalogue():
            for interface in ("public", "internal", "admin"):
                found = session.get_endpoint(service_type=service.type, interface=interface, region_name="RegionOne")
                self.assertEqual(found, service.url)

    def test_second_look_finds_nothing_to_do_with_two_requests(self) -> None:
        with mock.patch.object(requests.Session, "request", autospec=True, side_effect=requests.Session.request) as request:
            self.assertEqual(self.keystone.ensure(), [])
        self.assertEqual(request.call_count, 2)

    def test_what_goes_missing_is_made_again(self) -> None:
        session, url = self.keystone.session(), self.keystone.layout.auth_url
        user = session.get(f"{url}/users?name=operator").json()["users"][0]["id"]
        service = session.get(f"{url}/services?type=platform").json()["services"][0]["id"]
        endpoint = session.get(f"{url}/endpoints?service_id={service}&interface=internal").json()["endpoints"][0]["id"]
        session.delete(f"{url}/users/{user}")
        session.delete(f"{url}/endpoints/{endpoint}")
        self.assertEqual(
            self.keystone.ensure(),
            ["user operator", "role operator of user operator in project admin", "internal endpoint of sysinv"],
        )
        self.assertEqual(self.keystone.ensure(), [])
        self.assertTrue(self.keystone.session("operator").get_token())

    def test_endpoint_that_moved_is_corrected(self) -> None:
        wanted = [Service("platform", "sysinv", "http://127.0.0.1:1/v1")]
        arguments = self.keystone.layout.auth_url, self.keystone.passwords["admin"]
        changes = identity.ensure_identity(*arguments, wanted, [])
        self.assertEqual(changes, [f"{interface} endpoint of sysinv" for interface in ("public", "internal", "admin")])
        self.assertEqual(len(self.keystone.ensure()), 3)

    def test_password_is_given_anew_when_asked_for(self) -> None:
        arguments = self.keystone.layout.auth_url, self.keystone.passwords["admin"]
        changes = identity.ensure_identity(
            *arguments, [], [User("reader", "another password", "admin", ("reader",))], reset_passwords=True
        )
        self.assertEqual(changes, ["password of user reader"])
        self.assertRaises(auth_exceptions.Unauthorized, self.keystone.session("reader").get_token)
        self.keystone.ensure(reset_passwords=True)
        self.assertTrue(self.keystone.session("reader").get_token())

    def test_wrong_administrator_password_is_told(self) -> None:
        refused = self.assertRaises(
            exception.Unavailable, identity.ensure_identity, self.keystone.layout.auth_url, "wrong", [], []
        )
        self.assertIn(self.keystone.layout.auth_url, refused.message)

    def test_many_at_once_get_tokens_while_others_write(self) -> None:
        session, url = self.keystone.session(), self.keystone.layout.auth_url
        session.get_token()

        def write(_: int) -> None:
            values = {"name": uuid.uuid4().hex, "password": "x" * 20, "domain_id": "default"}
            user = session.post(f"{url}/users", json={"user": values}).json()["user"]["id"]
            session.patch(f"{url}/users/{user}", json={"user": {"password": "y" * 20}})
            session.delete(f"{url}/users/{user}")

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            tokens = [pool.submit(lambda: self.keystone.session().get_token()) for _ in range(40)]
            writes = [pool.submit(write, number) for number in range(12)]
            for future in (*tokens, *writes):
                future.result()
        self.assertNotIn("locked", self.keystone.said())

    def test_second_one_on_the_same_port_says_so_and_leaves_the_first_alone(self) -> None:
        before = self.keystone.layout.pid_file("keystone").read_text()
        output = self.keystone.layout.log_dir / "second.out"
        second = process.start(self.keystone.argv, self.keystone.layout.run_dir / "second.pid", output)
        self.assertEqual(second.wait(60), 1)
        self.assertIn(f"cannot listen on 127.0.0.1 port {self.keystone.layout.ports['keystone']}", output.read_text())
        self.assertEqual(self.keystone.layout.pid_file("keystone").read_text(), before)


class LifeTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keystone = Instance(Path(self.useFixture(fixtures.TempDir()).path))
        self.addCleanup(self.keystone.stop)

    def test_later_start_keeps_everything_and_takes_over_another_password_and_port(self) -> None:
        self.keystone.start()
        self.keystone.ensure()
        token = self.keystone.session().get_token()
        self.assertEqual(self.keystone.stop(), 0)
        self.keystone.passwords["admin"] = "another password"
        ports = {**self.keystone.layout.ports, "keystone": testing.free_port()}
        self.keystone.layout = Layout(self.keystone.layout.data_dir, ports=ports)
        self.keystone.configure()
        self.keystone.start()
        self.assertEqual(self.keystone.ensure(), [])
        session = self.keystone.session()
        self.assertEqual(session.get_endpoint(service_type="identity"), self.keystone.layout.auth_url)
        reader = self.keystone.session("reader")
        found = reader.get(f"{self.keystone.layout.auth_url}/auth/tokens", headers={"X-Subject-Token": reader.get_token()})
        self.assertEqual(found.json()["token"]["user"]["name"], "reader")
        # A token of before is void, because the password was changed; one of another user would still be good.
        refused = session.get(f"{self.keystone.layout.auth_url}/auth/tokens", headers={"X-Subject-Token": token}, raise_exc=False)
        self.assertEqual(refused.status_code, 404)

    def test_it_tells_when_it_is_ready_and_when_it_stops_and_ends_well(self) -> None:
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(told.close)
        told.bind(str(self.keystone.layout.run_dir / "notify"))
        told.settimeout(60)
        self.keystone.start(NOTIFY_SOCKET=told.getsockname())
        self.assertEqual(told.recv(100), b"READY=1")
        self.keystone.child.send_signal(signal.SIGTERM)
        self.assertEqual(told.recv(100), b"STOPPING=1")
        self.assertEqual(self.keystone.child.wait(60), 0)
        self.assertEqual(self.keystone.said(), "")

    def test_it_says_in_one_line_why_it_cannot_start(self) -> None:
        (self.keystone.layout.data_dir / "keystone").write_text("in the way")
        self.keystone.start()
        self.assertEqual(self.keystone.child.wait(60), 1)
        self.assertRegex(self.keystone.said(), r"^Keystone did not start: .*\n$")
