# SPDX-License-Identifier: Apache-2.0
"""The alarm that another one follows from; an index of the alarms that hide others."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("root_alarm_id", sa.String(15)))
    op.add_column("alarm", sa.Column("root_entity_instance_id", sa.String(255)))
    op.create_index(
        "ix_alarm_inhibiting",
        "alarm",
        ["entity_instance_id"],
        sqlite_where=sa.text("inhibit_alarms = 1"),
        postgresql_where=sa.text("inhibit_alarms"),
    )
