# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: run on the connection that stx.db opened."""

from stx.db import run_migrations

run_migrations()
