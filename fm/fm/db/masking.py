# SPDX-License-Identifier: Apache-2.0
"""Which alarms others hide, such as those of a host that is locked (spec fm.md 5.2)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fm.db import models

_alarm = models.alarm


def is_inside(entity: Any, parent: Any) -> Any:
    """What begins with the parent and a dot; in the order of the column a slash is next to a dot, so an index finds it."""
    return sa.and_(entity >= parent + ".", entity < parent + "/")


def inhibiting() -> sa.Select[Any]:
    """The entities with alarms that hide others."""
    return sa.select(_alarm.c.entity_instance_id).where(_alarm.c.inhibit_alarms)


def is_masked(connection: Connection) -> Any:
    """Whether an alarm that allows it is hidden by one of the same entity or of one around it.

    Worked out at each look: what is stored would be wrong for what is raised while the other one is active. What hides others is
    never hidden itself.
    """
    by_length: dict[int, set[str]] = {}
    for entity in connection.execute(inhibiting()).scalars():
        by_length.setdefault(len(entity), set()).add(entity)
    # An entity is inside itself, too.
    entity = _alarm.c.entity_instance_id + "."
    # Names of a length together: the time it takes does not grow with how many hosts are locked.
    begins_so = [
        sa.func.substr(entity, 1, length + 1).in_([f"{name}." for name in around]) for length, around in by_length.items()
    ]
    return sa.and_(_may_be_masked(), sa.or_(sa.false(), *begins_so))


def _may_be_masked() -> Any:
    # Said as two equalities, SQLite makes an index of its own by them for the moment, of all alarms.
    return sa.not_(sa.or_(sa.not_(_alarm.c.suppression), _alarm.c.inhibit_alarms))


def masked(dialect: str) -> sa.Select[Any]:
    """The alarms that is_masked holds for, from indexes alone: a look at each alarm takes long where they are many.

    :param dialect: SQLAlchemy's name of the engine
    """
    entity, around = _alarm.c.entity_instance_id, inhibiting().distinct().subquery()
    found = sa.select(_alarm.c.id, _alarm.c.alarm_id, _alarm.c.severity).where(_may_be_masked())
    condition = is_inside(entity, around.c.entity_instance_id)
    if dialect == "postgresql":
        # In a join it expects a ninth of all alarms inside each, and may look at all of them; the offset keeps it from making one.
        each = found.where(condition).correlate(around).offset(0).lateral()
        inside = sa.select(each).select_from(sa.join(around, each, sa.true()))
    else:
        inside = found.join_from(around, _alarm, condition)
    same = found.join_from(around, _alarm, entity == around.c.entity_instance_id)
    # An alarm that several hide is there once.
    return sa.select(sa.union(same, inside).subquery())
