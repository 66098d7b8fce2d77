# SPDX-License-Identifier: Apache-2.0
"""Tables of the fm database (spec fm.md 3)."""

import sqlalchemy as sa

metadata = sa.MetaData()


def _stamped(name: str, *columns: sa.Column) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        *columns,
        sqlite_autoincrement=True,
    )


event_suppression = _stamped(
    "event_suppression",
    sa.Column("alarm_id", sa.String(15), nullable=False, unique=True),
    sa.Column("description", sa.String(255), nullable=False),
    sa.Column("suppression_status", sa.String(15), nullable=False, default="unsuppressed"),
    sa.Column("mgmt_affecting", sa.String(15), nullable=False, default="warning"),
    sa.Column("degrade_affecting", sa.String(15), nullable=False, default="none"),
)

# Ordered by its characters' numbers on both engines, so that all that is inside an entity is one range of an index.
_entity = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")

alarm = _stamped(
    "alarm",
    sa.Column("alarm_id", sa.String(15), nullable=False),
    sa.Column("alarm_state", sa.String(15), nullable=False),
    sa.Column("entity_type_id", sa.String(255), nullable=False),
    sa.Column("entity_instance_id", _entity, nullable=False),
    sa.Column("timestamp", sa.DateTime, nullable=False),
    sa.Column("severity", sa.String(15), nullable=False),
    sa.Column("reason_text", sa.String(255), nullable=False),
    sa.Column("alarm_type", sa.String(64), nullable=False),
    sa.Column("probable_cause", sa.String(255), nullable=False),
    sa.Column("proposed_repair_action", sa.String(255), nullable=False),
    sa.Column("service_affecting", sa.Boolean, nullable=False),
    sa.Column("suppression", sa.Boolean, nullable=False),
    sa.Column("inhibit_alarms", sa.Boolean, nullable=False),
    # No foreign key: it may be raised later, or be over already.
    sa.Column("root_alarm_id", sa.String(15)),
    sa.Column("root_entity_instance_id", sa.String(255)),
    # What makes an alarm one: uniqueness is the database's business, not a habit of its writer.
)
sa.Index("uq_alarm_instance", alarm.c.alarm_id, alarm.c.entity_instance_id, unique=True)
sa.Index("ix_alarm_entity", alarm.c.entity_instance_id)
# The summary counts by these.
sa.Index("ix_alarm_kind", alarm.c.alarm_id, alarm.c.severity)
# Every list asks for these few.
sa.Index(
    "ix_alarm_inhibiting",
    alarm.c.entity_instance_id,
    # As queries say it: SQLite compares words.
    sqlite_where=sa.text("inhibit_alarms = 1"),
    postgresql_where=alarm.c.inhibit_alarms,
)

event_log = _stamped(
    "event_log",
    sa.Column("event_log_id", sa.String(15), nullable=False),
    sa.Column("state", sa.String(15), nullable=False),
    sa.Column("timestamp", sa.DateTime, nullable=False),
    sa.Column("entity_type_id", sa.String(255), nullable=False),
    sa.Column("entity_instance_id", sa.String(255), nullable=False),
    sa.Column("severity", sa.String(15), nullable=False),
    sa.Column("reason_text", sa.String(255), nullable=False),
    sa.Column("event_log_type", sa.String(64), nullable=False),
    sa.Column("probable_cause", sa.String(255), nullable=False),
    sa.Column("proposed_repair_action", sa.String(255), nullable=False),
    sa.Column("service_affecting", sa.Boolean, nullable=False),
    sa.Column("suppression", sa.Boolean, nullable=False),
)
sa.Index("ix_event_log_timestamp", event_log.c.timestamp, event_log.c.id)
sa.Index("ix_event_log_entity", event_log.c.entity_instance_id)
sa.Index("ix_event_log_event_log_id", event_log.c.event_log_id)

# How far each host's spool has been stored, so that a report delivered twice counts once.
spool_position = sa.Table(
    "spool_position",
    metadata,
    sa.Column("sender", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
)

# How far each of those outside has been told of the event log, and how many events could not be told.
outlet = sa.Table(
    "outlet",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
)
