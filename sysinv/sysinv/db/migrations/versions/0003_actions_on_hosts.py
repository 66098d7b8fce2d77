# SPDX-License-Identifier: Apache-2.0
"""Actions on hosts: what is asked for, how far mtce is with it, and the password of a host's board."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("bm_password", sa.String(length=1023), nullable=True),
        sa.Column("action_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requested_action", sa.String(length=31), nullable=True),
        sa.Column("action_taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mtce_procedure", sa.String(length=31), nullable=True),
        sa.Column("mtce_stage", sa.String(length=31), nullable=True),
        sa.Column("mtce_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mtce_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mtce_boot_id", sa.String(length=63), nullable=True),
        sa.Column("mtce_failures", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mtce_cause", sa.String(length=31), nullable=True),
    ):
        op.add_column("i_host", column)
