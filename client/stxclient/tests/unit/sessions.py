# SPDX-License-Identifier: Apache-2.0
"""Tests of the library: a real keystoneauth session on the stub of the wire."""

from typing import Any

from keystoneauth1 import session
from keystoneauth1.identity import v3
from oslotest import base

from stxclient import client
from stxclient.tests.unit import wire


class LibraryTest(base.BaseTestCase):
    """A test with a client that has credentials."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = self.useFixture(wire.Wire())
        self.client = self.connected()

    def session(self, **wrong: Any) -> session.Session:
        """A session with the right credentials, but for those that are given."""
        credentials = {
            "auth_url": f"{self.wire.url}/v3",
            "username": wire.USER,
            "password": wire.PASSWORD,
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        made = session.Session(auth=v3.Password(**{**credentials, **wrong}))
        self.addCleanup(made.session.close)
        return made

    def connected(self, **options: Any) -> client.Client:
        """A client with options."""
        return client.Client(self.session(), **options)
