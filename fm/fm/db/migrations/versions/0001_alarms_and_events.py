# SPDX-License-Identifier: Apache-2.0
"""Alarm types, active alarms, the event log, and how far each spool is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _stamped(*columns: sa.Column) -> list[sa.Column]:
    return [
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        *columns,
    ]


def _text(name: str, length: int = 255) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def _described() -> list[sa.Column]:
    return [
        _text("entity_type_id"),
        _text("entity_instance_id"),
        sa.Column("timestamp", sa.DateTime, nullable=False),
        _text("severity", 15),
        _text("reason_text"),
        _text("probable_cause"),
        _text("proposed_repair_action"),
        sa.Column("service_affecting", sa.Boolean, nullable=False),
        sa.Column("suppression", sa.Boolean, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "event_suppression",
        *_stamped(
            sa.Column("alarm_id", sa.String(15), nullable=False, unique=True),
            _text("description"),
            _text("suppression_status", 15),
            _text("mgmt_affecting", 15),
            _text("degrade_affecting", 15),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alarm",
        *_stamped(_text("alarm_id", 15), _text("alarm_state", 15), _text("alarm_type", 64)),
        *_described(),
        sa.Column("inhibit_alarms", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_alarm_instance", "alarm", ["alarm_id", "entity_instance_id"], unique=True)
    op.create_index("ix_alarm_entity", "alarm", ["entity_instance_id"])
    op.create_table(
        "event_log",
        *_stamped(_text("event_log_id", 15), _text("state", 15), _text("event_log_type", 64)),
        *_described(),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_log_timestamp", "event_log", ["timestamp", "id"])
    op.create_index("ix_event_log_entity", "event_log", ["entity_instance_id"])
    op.create_index("ix_event_log_event_log_id", "event_log", ["event_log_id"])
    op.create_table(
        "spool_position",
        sa.Column("sender", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
