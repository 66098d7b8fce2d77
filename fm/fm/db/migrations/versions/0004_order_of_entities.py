# SPDX-License-Identifier: Apache-2.0
"""Entities of alarms in the same order on both engines; an index to count alarms by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_alarm_kind", "alarm", ["alarm_id", "severity"])
    # SQLite has this order already.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("alarm", "entity_instance_id", type_=sa.String(255, collation="C"))
