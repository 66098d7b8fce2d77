# SPDX-License-Identifier: Apache-2.0
"""Pages and contents of books, and which books are lent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "page",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("book_id", sa.Integer, sa.ForeignKey("book.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    with op.batch_alter_table("book") as table:
        table.add_column(sa.Column("is_lent", sa.Boolean))
        table.add_column(sa.Column("contents", sa.JSON))
