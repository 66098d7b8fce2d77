# SPDX-License-Identifier: Apache-2.0
"""Rows of the event log."""

import datetime
from typing import Any

MOMENT = datetime.datetime(2026, 11, 23, 10, 0, 0, 5)


def event(number: int = 1, **values: Any) -> dict[str, Any]:
    """A row as the database gives it; by default 200.006 was set."""
    return {
        "id": number,
        "uuid": f"e0000000-0000-4000-8000-{number:012}",
        "created_at": MOMENT,
        "event_log_id": "200.006",
        "state": "set",
        "timestamp": MOMENT,
        "entity_type_id": "host.process",
        "entity_instance_id": "host=compute-1.process=sshd",
        "severity": "major",
        "reason_text": "a process has failed",
        "event_log_type": "operational-violation",
        "probable_cause": "unknown",
        "proposed_repair_action": "Look at it.",
        "service_affecting": True,
        "suppression": False,
        "is_suppressed": False,
        **values,
    }
