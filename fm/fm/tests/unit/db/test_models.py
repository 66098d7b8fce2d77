# SPDX-License-Identifier: Apache-2.0
"""The tables and what the migrations make of an empty file."""

from alembic import autogenerate
from alembic.runtime import migration
from sqlalchemy.engine import Connection

from fm.db import api as db_api
from fm.db import models
from fm.tests.unit import base


@db_api.database.reader
def _differences(connection: Connection) -> list[object]:
    return autogenerate.compare_metadata(migration.MigrationContext.configure(connection), models.metadata)


class ModelsTest(base.DatabaseTest):
    def test_the_migrations_make_the_tables_of_the_models(self) -> None:
        self.assertEqual([], _differences())

    def test_migrating_again_changes_nothing(self) -> None:
        db_api.store([base.report()])
        db_api.database.migrate()
        self.assertEqual([], _differences())
        self.assertEqual(1, len(db_api.find_alarms()))
