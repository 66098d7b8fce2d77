# SPDX-License-Identifier: Apache-2.0
"""What the conductor keeps of SNMP, and what it tells Fault Management."""

from typing import Any

from fm import client as fm_client
from fm import manager
from stx import exception, rpc
from sysinv import snmp, vault
from sysinv.db import snmp as db_snmp
from sysinv.db.snmp import COMMUNITY, DESTINATION
from sysinv.tests.unit import base

INFORM = {
    "ip_address": "192.0.2.2",
    "type": "snmpv3_inform",
    "security_name": "watcher",
    "auth_password": "secret-auth",
    "priv_password": "secret-priv",
}


class SnmpTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="sysinv_conductor", secret_key_file=str(self.platform.path / "key"))

    def add(self, **values: Any) -> str:
        return self.conductor.create_trap_destination(self.context, {"community": "public", "ip_address": "192.0.2.1", **values})

    def refused(self, text: str, call: Any, *arguments: Any) -> None:
        self.assertIn(text, self.assertRaises(exception.StxException, call, self.context, *arguments).message)

    def test_what_is_kept_is_told(self) -> None:
        self.add(port=1162)
        self.conductor.create_trap_destination(self.context, INFORM)
        self.conductor.create_community(self.context, {"community": "public"})
        told = snmp.told()
        self.assertEqual(("public",), told.communities)
        expected = (
            fm_client.TrapDestination("192.0.2.1", 1162, "snmpv2c_trap", "public"),
            fm_client.TrapDestination("192.0.2.2", 162, "snmpv3_inform", "", "watcher", "secret-auth", "secret-priv"),
        )
        self.assertEqual(expected, told.destinations)
        self.assertTrue(told.system_name)
        self.assertEqual("RegionOne", told.region_name)

    def test_passwords_are_encrypted_where_they_are_kept(self) -> None:
        made = self.conductor.create_trap_destination(self.context, INFORM)
        self.assertNotIn("secret", str(db_snmp.all_of(DESTINATION)))
        self.conductor.update_trap_destination(self.context, made, {"auth_password": "secret-other"})
        row = db_snmp.get(DESTINATION, made)
        self.assertEqual(
            ("secret-other", "secret-priv"), tuple(vault.decrypt(row[f"{name}_password"]) for name in ("auth", "priv"))
        )

    def test_a_destination_whose_passwords_are_lost_is_left_out(self) -> None:
        self.add()
        self.conductor.create_trap_destination(self.context, INFORM)
        (self.platform.path / "key").unlink()
        self.assertEqual(["192.0.2.1"], [each.ip_address for each in snmp.told().destinations])

    def test_one_is_changed_and_deleted(self) -> None:
        made = self.add()
        self.conductor.update_trap_destination(self.context, made, {"port": 1162, "ip_address": "192.0.2.9"})
        self.assertEqual([("192.0.2.9", 1162)], [(each.ip_address, each.port) for each in snmp.told().destinations])
        self.conductor.delete_trap_destination(self.context, made)
        named = self.conductor.create_community(self.context, {"community": "public"})
        self.conductor.update_community(self.context, named, {"community": "private"})
        self.assertEqual((("private",), ()), (snmp.told().communities, snmp.told().destinations))
        self.conductor.delete_community(self.context, named)
        self.assertEqual((), snmp.told().communities)

    def test_what_is_refused_changes_nothing(self) -> None:
        made, named = self.add(), self.conductor.create_community(self.context, {"community": "public"})
        before = db_snmp.all_of(DESTINATION), db_snmp.all_of(COMMUNITY)
        self.refused("there already", self.conductor.create_trap_destination, {"ip_address": "192.0.2.1", "community": "c"})
        self.refused("printable ASCII", self.conductor.create_trap_destination, {"ip_address": "192.0.2.5"})
        self.refused("needs security_name", self.conductor.update_trap_destination, made, {"type": "snmpv3_inform"})
        self.refused("cannot be without", self.conductor.update_trap_destination, made, {"port": None})
        self.refused("uuid cannot be set", self.conductor.update_trap_destination, made, {"uuid": "x"})
        self.refused("there already", self.conductor.create_community, {"community": "public"})
        self.refused("nothing can be written", self.conductor.update_community, named, {"access": "rw"})
        self.refused("no community", self.conductor.delete_community, made)
        self.assertEqual(before, (db_snmp.all_of(DESTINATION), db_snmp.all_of(COMMUNITY)))

    def test_fault_management_is_told_and_found_again(self) -> None:
        teller = snmp.Teller()
        # Nobody is there to be told.
        teller.step()
        told: list[fm_client.Snmp] = []
        server = rpc.Server(manager.Manager(told.append))
        server.start()
        self.addCleanup(server.stop)
        self.add()
        teller.step()
        self.assertEqual([snmp.told()], told)

    def test_a_change_is_told_at_once(self) -> None:
        changes: list[str] = []
        served = base.conductor.Conductor()
        served.snmp_changed = lambda: changes.append("changed")
        made = served.create_trap_destination(self.context, {"ip_address": "192.0.2.1", "community": "c"})
        served.update_trap_destination(self.context, made, {"port": 1162})
        served.delete_trap_destination(self.context, made)
        named = served.create_community(self.context, {"community": "c"})
        served.update_community(self.context, named, {"community": "d"})
        served.delete_community(self.context, named)
        self.assertEqual(6, len(changes))
