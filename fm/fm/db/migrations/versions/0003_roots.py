# SPDX-License-Identifier: Apache-2.0
"""The alarm that another one follows from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("root_alarm_id", sa.String(15)))
    op.add_column("alarm", sa.Column("root_entity_instance_id", sa.String(255)))
