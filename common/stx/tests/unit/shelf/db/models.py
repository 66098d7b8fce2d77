# SPDX-License-Identifier: Apache-2.0
"""Tables of the shelf's database: a column of every kind that lists are sorted by."""

import sqlalchemy as sa

metadata = sa.MetaData()

book = sa.Table(
    "book",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True),
    sa.Column("created_at", sa.DateTime),
    sa.Column("updated_at", sa.DateTime),
    sa.Column("title", sa.String(255), nullable=False, unique=True),
    sa.Column("language", sa.String(15)),
    sa.Column("pages", sa.Integer),
    sa.Column("weight", sa.Float),
    sa.Column("is_lent", sa.Boolean),
    sa.Column("contents", sa.JSON),
)

page = sa.Table(
    "page",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("book_id", sa.Integer, sa.ForeignKey("book.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
)
