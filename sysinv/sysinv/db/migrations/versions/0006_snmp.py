# SPDX-License-Identifier: Apache-2.0
"""Who may ask over SNMP, and who gets traps."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _table(name: str, *columns: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uuid"),
        sqlite_autoincrement=True,
    )


def upgrade() -> None:
    _table(
        "i_community",
        sa.Column("community", sa.String(length=255), nullable=False, unique=True),
        sa.Column("view", sa.String(length=255), nullable=False),
        sa.Column("access", sa.String(length=255), nullable=False),
    )
    _table(
        "i_trap_destination",
        sa.Column("ip_address", sa.String(length=255), nullable=False, unique=True),
        sa.Column("community", sa.String(length=255), nullable=True),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("transport", sa.String(length=255), nullable=False),
        sa.Column("security_name", sa.String(length=255), nullable=True),
        sa.Column("auth_password", sa.Text(), nullable=True),
        sa.Column("priv_password", sa.Text(), nullable=True),
    )
