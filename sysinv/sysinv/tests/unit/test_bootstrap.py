# SPDX-License-Identifier: Apache-2.0
"""What is in the database before the conductor serves, also in one of an earlier release."""

from alembic import command, config

from stx import testing
from sysinv import bootstrap
from sysinv.db import api as db_api
from sysinv.tests.unit import base


class AddressTest(base.SystemTest):
    def test_the_first_controller_has_its_address(self) -> None:
        self.assertEqual("192.168.204.3", self.host()["mgmt_ip"])

    def test_hosts_that_are_older_than_addresses_get_theirs(self) -> None:
        for number in range(2):
            self.create(number)
        db_api.create_host(base.discovered_row())
        for host in db_api.all_hosts():
            db_api.update_host(host["uuid"], {"mgmt_ip": None})
        bootstrap.Bootstrap().start()
        expected = {"controller-0": "192.168.204.3", "compute-0": "192.168.204.10", "compute-1": "192.168.204.11", None: None}
        self.assertEqual(expected, {host["hostname"]: host["mgmt_ip"] for host in db_api.all_hosts()})

    def test_a_host_keeps_its_address_also_when_the_network_is_another(self) -> None:
        self.create(1)
        self.platform.conf.config(group="sysinv_conductor", management_subnet="10.0.0.0/24")
        bootstrap.Bootstrap().start()
        self.assertEqual("192.168.204.10", self.host("compute-0")["mgmt_ip"])

    def test_a_network_that_is_full_keeps_nobody_from_starting(self) -> None:
        for number in range(2):
            made = self.create(number)
            db_api.update_host(made["uuid"], {"mgmt_ip": None})
        self.platform.conf.config(group="sysinv_conductor", management_subnet="10.0.0.0/29", management_start=6)
        bootstrap.Bootstrap().start()
        self.assertEqual(["10.0.0.6", None], [self.host(f"compute-{number}")["mgmt_ip"] for number in range(2)])


class UpgradeTest(testing.TestCase):
    def test_hosts_of_the_first_release_are_taken_over(self) -> None:
        platform = self.useFixture(testing.Platform())
        platform.conf.config(group="sysinv_database", connection=f"sqlite:///{platform.path}/sysinv.sqlite")
        self.addCleanup(db_api.database.reset)
        db_api.database._prepare_file()
        with db_api.database._begin(True) as connection:
            migration = config.Config()
            migration.set_main_option("script_location", "sysinv.db:migrations")
            migration.attributes["connection"] = connection
            command.upgrade(migration, "0001")
            text = connection.exec_driver_sql
            text(
                "INSERT INTO i_system (id, uuid, name, system_type, services, software_version, timezone, region_name,"
                " service_project_name, capabilities) VALUES (1, 'u', 'edge', 'Standard', 72, '26.11', 'UTC', 'R', 'services', '{}')"
            )
            text(
                "INSERT INTO i_host (forisystemid, uuid, hostname, personality, location, administrative, operational, availability,"
                " subfunction_oper, subfunction_avail, action, reserved, uptime, capabilities, boot_device, rootfs_device,"
                " install_output, console, tboot, software_load, target_load, clock_synchronization) VALUES (1, 'v', 'controller-0',"
                " 'controller', '{}', 'unlocked', 'enabled', 'available', 'enabled', 'available', 'none', 0, 7, '{}', 'sda', 'sda',"
                " 'text', 'tty0', '', '26.11', '26.11', 'ntp')"
            )
        bootstrap.Bootstrap().start()
        (host,) = db_api.all_hosts()
        expected = ("controller-0", 7, "192.168.204.3", 0)
        self.assertEqual(expected, tuple(host[name] for name in ("hostname", "uptime", "mgmt_ip", "install_silent_minutes")))
