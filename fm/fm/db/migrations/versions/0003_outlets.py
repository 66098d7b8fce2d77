# SPDX-License-Identifier: Apache-2.0
"""How far those outside have been told, each by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "outlet",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
