# SPDX-License-Identifier: Apache-2.0
"""The tables and what the migrations make of an empty file."""

from sqlalchemy.engine import Connection

from fm.db import api as db_api
from fm.db import models
from fm.tests.unit import base
from stx import testing


class ModelsTest(base.DatabaseTest):
    def test_the_migrations_make_the_tables_of_the_models(self) -> None:
        testing.assert_migrations_match(db_api.database, models.metadata)

    def test_migrating_again_changes_nothing(self) -> None:
        db_api.store([base.report()])
        db_api.database.migrate()
        testing.assert_migrations_match(db_api.database, models.metadata)
        self.assertEqual(1, len(db_api.find_alarms()))

    def test_a_database_of_the_release_before_keeps_its_alarms(self) -> None:
        report = base.report()
        db_api.store([report])
        _go_back()
        db_api.database.migrate()
        testing.assert_migrations_match(db_api.database, models.metadata)
        self.assertEqual([(report.uuid, None)], [(alarm["uuid"], alarm["root_alarm_id"]) for alarm in db_api.find_alarms()])


@db_api.database.writer
def _go_back(connection: Connection) -> None:
    """Make the schema that of the first release."""
    for statement in (
        "DROP TABLE outlet",
        "DROP INDEX ix_alarm_kind",
        "DROP INDEX ix_alarm_inhibiting",
        "ALTER TABLE alarm DROP COLUMN root_alarm_id",
        "ALTER TABLE alarm DROP COLUMN root_entity_instance_id",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        connection.exec_driver_sql(statement)
