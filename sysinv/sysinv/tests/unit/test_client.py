# SPDX-License-Identifier: Apache-2.0
"""How other components reach the conductor."""

import inspect

from sysinv import client, conductor
from sysinv.db import api as db_api
from sysinv.db import models
from sysinv.tests.unit import base


class ClientTest(base.SystemTest):
    def test_every_method_of_the_conductor_has_its_face(self) -> None:
        exposed = {name for name, method in inspect.getmembers(conductor.Conductor) if getattr(method, "_rpc_exposed", False)}
        self.assertEqual(exposed, {name for name in vars(client.Conductor) if not name.startswith("_")})

    def test_what_mtce_decides_are_columns_of_a_host(self) -> None:
        self.assertLessEqual(set(client.STATE_FIELDS), set(models.i_host.c.keys()))

    def test_a_new_host_has_nothing_open(self) -> None:
        (found,) = client.Conductor().get_hosts(self.context)
        self.assertEqual((0, 0, {}), tuple(found[name] for name in ("action_number", "action_taken", "mtce_failures")))

    def test_hosts_come_without_the_passwords_of_their_boards(self) -> None:
        db_api.update_host(self.host()["uuid"], {"bm_password": "encrypted"})
        (found,) = client.Conductor().get_hosts(self.context)
        self.assertTrue(found["has_bm_password"])
        self.assertNotIn("encrypted", str(found))

    def test_hosts_come_with_all_their_attributes(self) -> None:
        (found,) = client.Conductor().get_hosts(self.context)
        expected = self.host()
        self.assertEqual(set(expected), set(found))
        plain = {name: value for name, value in expected.items() if not name.endswith("_at")}
        self.assertEqual(plain, {name: found[name] for name in plain})
