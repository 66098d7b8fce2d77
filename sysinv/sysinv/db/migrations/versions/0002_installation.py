# SPDX-License-Identifier: Apache-2.0
"""How long the installer of a host has been silent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("i_host", sa.Column("install_silent_minutes", sa.Integer(), nullable=False, server_default="0"))
