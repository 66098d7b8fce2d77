# SPDX-License-Identifier: Apache-2.0
"""What the notifier finds in the database."""

from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.tests.unit import base
from stx import paging


class AlarmsTest(base.DatabaseTest):
    def test_they_are_those_of_the_list(self) -> None:
        db_api.store(
            [
                base.report(entity="host=compute-1", inhibit_alarms=True),
                base.report(entity="host=compute-1.process=sshd", suppression=True),
                base.report(entity="host=compute-2.process=sshd", suppression=True),
                base.report(entity="host=compute-2", alarm_id="200.004", severity="critical"),
            ]
        )
        kind = next(row for row in db_api.list_types(paging.Page(2000)) if row["alarm_id"] == "200.004")
        db_api.set_suppression(kind["uuid"], "suppressed")
        shown = ["host=compute-1", "host=compute-2.process=sshd"]
        self.assertEqual(shown, [alarm["entity_instance_id"] for alarm in db_outlets.alarms_after(0, 10)])
        self.assertEqual(shown, sorted(alarm["entity_instance_id"] for alarm in db_api.list_alarms(paging.Page(10))))
