# SPDX-License-Identifier: Apache-2.0
"""What the platform needs in Keystone; the rest is tested with a real one."""

from pathlib import Path

import fixtures
from oslotest import base

from stx import exception, testing
from stxembedded import config, identity
from stxembedded.config import Layout


class IdentityTest(base.BaseTestCase):
    def test_passwords_that_keystone_did_not_get_stay_pending(self) -> None:
        ports = {service: testing.free_port() for service in config.PORTS}
        layout = Layout(Path(self.useFixture(fixtures.TempDir()).path), ports=ports)
        layout.save()
        passwords = config.load_passwords(layout)
        refused = self.assertRaises(exception.Unavailable, identity.ensure_platform, layout, passwords)
        self.assertIn(layout.auth_url, refused.message)
        self.assertTrue(layout.passwords_pending.exists())
