# SPDX-License-Identifier: Apache-2.0
"""The tables and what the migrations make of an empty file."""

from stx import testing
from sysinv.db import api as db_api
from sysinv.db import models
from sysinv.tests.unit import base


class ModelsTest(base.SystemTest):
    def test_the_migrations_make_the_tables_of_the_models(self) -> None:
        testing.assert_migrations_match(db_api.database, models.metadata)

    def test_migrating_again_changes_nothing(self) -> None:
        before = self.host()
        db_api.database.migrate()
        testing.assert_migrations_match(db_api.database, models.metadata)
        self.assertEqual(before, self.host())
