# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the tests of every component: options, message bus and databases of their own, and a REST client with real middleware."""

import contextlib
import json
import pathlib
import random
import socket
from collections.abc import Callable
from typing import Any
from urllib import parse

import fixtures
import sqlalchemy as sa
import webob
from alembic import autogenerate
from alembic.runtime import migration
from keystonemiddleware import fixture as ksm_fixture
from keystonemiddleware import opts as ksm_opts
from oslo_config import fixture as config_fixture
from oslo_messaging import conffixture
from oslo_utils import uuidutils
from oslotest import base
from sqlalchemy.engine import Connection

from stx import config, db, exception, inproc, rpc
from stx.rest import policy

# The migrated, empty file of each component: migrating anew for every test takes longer than most tests.
_migrated: dict[str, bytes] = {}


_given_ports: set[int] = set()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody has, and that the kernel gives to nobody else before it is used. None comes twice."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(max(1024, lowest // 2), max(2048, lowest))
        with contextlib.suppress(OSError), socket.socket(type=kind) as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given_ports:
                _given_ports.add(port)
                return port


class Platform(fixtures.Fixture):
    """Options, message bus and state directory for one test.

    :ivar path: an empty directory that is also state_path and run_path
    """

    def __init__(self, *databases: db.Database) -> None:
        self._databases = databases

    def _setUp(self) -> None:
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # No power is cut, and a busy disk takes a second for what it is to keep.
        self.useFixture(fixtures.MonkeyPatch("stx.db.SQLITE_SYNCHRONOUS", "OFF"))
        config.register()
        self.conf = self.useFixture(config_fixture.Config())
        self.conf.conf([], project="starlingx", default_config_files=[])
        self.conf.config(host="controller-0", state_path=str(self.path), run_path=str(self.path))
        self.useFixture(conffixture.ConfFixture(self.conf.conf)).transport_url = "inproc://"
        rpc.reset()
        inproc.reset()
        self.addCleanup(inproc.reset)
        self.addCleanup(rpc.reset)
        for database in self._databases:
            self._make(database)

    def _make(self, database: db.Database) -> None:
        file = self.path / f"{database.component}.sqlite"
        self.conf.config(group=database.group, connection=f"sqlite:///{file}")
        database.reset()
        self.addCleanup(database.reset)
        if database.component not in _migrated:
            database.migrate()
            database.reset()
            _migrated[database.component] = file.read_bytes()
        file.touch(0o600)
        file.write_bytes(_migrated[database.component])


def assert_migrations_match(database: db.Database, metadata: sa.MetaData) -> None:
    """Assert that a migrated database has the tables that `metadata` declares, and no others."""

    @database.reader
    def differences(connection: Connection) -> list[Any]:
        context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
        return autogenerate.compare_metadata(context, metadata)

    assert not differences(), f"the migrations of {database.component} and its tables differ: {differences()}"


class Answer:
    """What a REST service answered."""

    def __init__(self, response: webob.Response) -> None:
        self.status = response.status_int
        self.headers = response.headers
        self.body = response.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fault(self) -> str:
        """The error's text, decoded as StarlingX clients do."""
        return str(json.loads(self.json["error_message"])["faultstring"])


class Rest(fixtures.Fixture):
    """Requests to an application in this process, through all its middleware, by users with given roles.

    :param make_application: the component's
    """

    def __init__(self, make_application: Callable[[], Any]) -> None:
        self._make_application = make_application

    def _setUp(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rest.policy._enforcer", None))
        conf = self.useFixture(config_fixture.Config())
        for group, options in ksm_opts.list_auth_token_opts():
            conf.register_opts(list(options), group=group)
        conf.config(group="keystone_authtoken", www_authenticate_uri="http://127.0.0.1/identity")
        self._tokens = self.useFixture(ksm_fixture.AuthTokenFixture())
        self.application = self._make_application()
        policy.enforcer()

    def token(self, *roles: str, project: str = "admin", domain: str = "default") -> str:
        token = uuidutils.generate_uuid()
        who = {"user_id": "u1", "user_name": "someone", "project_id": "p1", "project_name": project, "project_domain_id": domain}
        self._tokens.add_token_data(token_id=token, role_list=list(roles), **who)
        return token

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        roles: tuple[str, ...] = ("admin",),
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """:param body: sent as it is when it is bytes, else as JSON
        :param token: instead of one with `roles`; "" sends none
        """
        if query:
            path += "?" + parse.urlencode(query, doseq=True)
        request = webob.Request.blank(path, method=method)
        token = self.token(*roles) if token is None else token
        if token:
            request.headers["X-Auth-Token"] = token
        if body is not None:
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.content_type = "application/json"
        request.headers.update(headers or {})
        return Answer(request.get_response(self.application))

    def get(self, path: str, **query: Any) -> Answer:
        return self.request("GET", path, **query)


class TestCase(base.BaseTestCase):
    """Base of unit tests."""

    def assert_raises_with(
        self, error: type[exception.StxException], text: str, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Assert that `call` raises `error` with `text` in its message."""
        raised = self.assertRaises(error, call, *args, **kwargs)
        self.assertIn(text, raised.message)
