# SPDX-License-Identifier: Apache-2.0
"""What systems, hosts and their parts are at first."""

import types
from typing import Any

import ddt

from stx import testing
from sysinv import defaults, states
from sysinv.db import api as db_api
from sysinv.db import models
from sysinv.tests.unit import base

_CREATED_WITH = {"id", "uuid", "created_at", "updated_at"}


class HostTest(testing.TestCase):
    def test_a_new_host_has_the_published_values(self) -> None:
        made = defaults.host("26.11")
        expected = {
            "administrative": "locked",
            "operational": "disabled",
            "availability": "offline",
            "subfunction_oper": "disabled",
            "subfunction_avail": "not-installed",
            "action": "none",
            "boot_device": "sda",
            "rootfs_device": "sda",
            "install_output": "text",
            "console": "ttyS0,115200",
            "tboot": "",
            "uptime": 0,
            "software_load": "26.11",
            "target_load": "26.11",
        }
        self.assertEqual(expected, {name: made[name] for name in expected})

    def test_every_column_has_a_value(self) -> None:
        columns = set(models.i_host.c.keys()) - _CREATED_WITH - {"forisystemid"}
        self.assertEqual(columns, set(defaults.host("26.11")))

    def test_columns_that_are_never_empty_are_not_empty(self) -> None:
        made = defaults.host("26.11")
        empty = [column.name for column in models.i_host.c if not column.nullable and made.get(column.name, "") is None]
        self.assertEqual([], empty)


class SystemTest(testing.TestCase):
    def options(self, **given: str) -> Any:
        values = {"system_name": "edge", "system_mode": "duplex", "timezone": "UTC", "region_name": "RegionOne", **given}
        return types.SimpleNamespace(**values)

    def test_a_standard_system_has_no_mode(self) -> None:
        self.assertIsNone(defaults.system(self.options(system_type=states.STANDARD), "26.11")["system_mode"])
        self.assertEqual("duplex", defaults.system(self.options(system_type=states.ALL_IN_ONE), "26.11")["system_mode"])

    def test_every_column_has_a_value(self) -> None:
        made = defaults.system(self.options(system_type=states.STANDARD), "26.11")
        self.assertEqual(set(models.i_system.c.keys()) - _CREATED_WITH, set(made))
        self.assertEqual(72, made["services"])


@ddt.ddt
class FillTest(testing.TestCase):
    @ddt.data(
        ("worker", ["Platform", "Platform", "Applications", "Applications"]),
        ("controller,worker", ["Platform", "Platform", "Applications", "Applications"]),
        ("controller", ["Platform"] * 4),
        ("storage", ["Platform"] * 4),
        ("", ["Platform"] * 4),
    )
    @ddt.unpack
    def test_the_platform_has_the_first_core_where_vms_run_and_else_all(self, subfunctions: str, expected: list[str]) -> None:
        filled = defaults.fill("cpu", base.INVENTORY["cpu"], subfunctions)
        self.assertEqual(expected, [record["allocated_function"] for record in filled])

    def test_nothing_is_reserved_of_the_memory(self) -> None:
        for record in defaults.fill("memory", base.INVENTORY["memory"], "worker"):
            self.assertEqual((0, None), (record["platform_reserved_mib"], record["vm_hugepages_nr_2M_pending"]))

    def test_a_device_is_named_by_its_address_and_not_enabled(self) -> None:
        (record,) = defaults.fill("pci", base.INVENTORY["pci"], "worker")
        self.assertEqual(("pci_0000_09_00_0", False), (record["name"], record["enabled"]))

    def test_what_the_agent_says_counts_more(self) -> None:
        (record,) = defaults.fill("pci", [{**base.INVENTORY["pci"][0], "enabled": True}], "worker")
        self.assertTrue(record["enabled"])

    def test_the_report_is_left_as_it_is(self) -> None:
        before = base.inventory_of_a_machine()
        for kind, records in before.items():
            defaults.fill(kind, records, "worker")
        self.assertEqual(base.INVENTORY, before)

    @ddt.data(*base.INVENTORY)
    def test_only_columns_are_filled(self, kind: str) -> None:
        for record in defaults.fill(kind, base.INVENTORY[kind], "worker"):
            self.assertLessEqual(set(record), set(db_api.TABLES[kind][0].c.keys()))
