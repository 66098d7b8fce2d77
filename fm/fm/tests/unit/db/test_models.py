# SPDX-License-Identifier: Apache-2.0
"""The tables and what the migrations make of an empty file."""

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
