# SPDX-License-Identifier: Apache-2.0
"""What Service Management is told on the hosts of a lab."""

import json

from oslotest import base

from sm import configuration
from sm.cmd.configure import SHIPPED
from stxlab import services


class ToldTest(base.BaseTestCase):
    def parse(self, text: str, is_shipped: bool = True) -> configuration.Tables:
        return configuration.parse({**({"shipped": SHIPPED.read_text()} if is_shipped else {}), "own": text})

    def test_each_controller_knows_the_other_one_on_every_network(self) -> None:
        tables = self.parse(services.of_controller("controller-1", "standard", "key"))
        rows = tables["SERVICE_DOMAIN_INTERFACES"]
        self.assertEqual(
            {"mgmt": "controller-0=192.168.200.3", "cluster": "controller-0=192.168.208.3", "oam": "controller-0=192.0.2.3"},
            {row["interface_name"]: row["network_peer_address"] for row in rows},
        )
        self.assertEqual({"hmac-sha512"}, {row["auth_type"] for row in rows})

    def test_the_only_controller_of_a_simplex_system_has_no_other_one(self) -> None:
        told = json.loads(services.of_controller("controller-0", "simplex", "key"))
        self.assertNotIn("peer", told)
        self.assertNotIn("peer", told["services"]["postgres"]["parameters"])
        self.parse(json.dumps(told))

    def test_a_host_has_its_own_key_and_a_controller_what_all_keys_are_derived_from(self) -> None:
        networks = {"mgmt": "0.0.0.0"}
        told = [json.loads(services.of_heartbeat("a", networks, is_controller)) for is_controller in (True, False)]
        keys = [{name: value for name, value in each.items() if name.endswith("_file")} for each in told]
        shared = {"key_file": services.PULSE_KEY}
        self.assertEqual(
            [{**shared, "master_key_file": services.MASTER_KEY}, {**shared, "host_key_file": services.HOST_KEY}], keys
        )

    def test_a_host_that_only_votes_has_no_services(self) -> None:
        tables = self.parse(services.of_voter("compute-0", "key", {"mgmt": "0.0.0.0", "cluster": "192.168.208.10"}), False)
        self.assertEqual([], tables["SERVICES"])
        self.assertEqual({"mgmt", "cluster"}, {row["interface_name"] for row in tables["SERVICE_DOMAIN_INTERFACES"]})
