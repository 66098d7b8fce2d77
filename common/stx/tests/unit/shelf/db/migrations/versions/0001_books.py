# SPDX-License-Identifier: Apache-2.0
"""Books."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "book",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("title", sa.String(255), nullable=False, unique=True),
        sa.Column("language", sa.String(15)),
        sa.Column("pages", sa.Integer),
        sa.Column("weight", sa.Float),
    )
