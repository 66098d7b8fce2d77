# SPDX-License-Identifier: Apache-2.0
"""Who may do what with alarms and events (spec fm.md 6.8)."""

from stx.rest import policy

ALARM_GET = "fm:alarm:get"
ALARM_CREATE = "fm:alarm:create"
ALARM_MODIFY = "fm:alarm:modify"
ALARM_DELETE = "fm:alarm:delete"
EVENT_GET = "fm:event_log:get"
SUPPRESSION_GET = "fm:event_suppression:get"
SUPPRESSION_MODIFY = "fm:event_suppression:modify"


def list_rules() -> list[policy.policy.RuleDefault]:
    rule, read, configure = policy.rule, policy.READ, policy.CONFIGURE
    return [
        rule(
            ALARM_GET,
            read,
            "See active alarms and their summary.",
            ("GET", "/v1/alarms"),
            ("GET", "/v1/alarms/{uuid}"),
            ("GET", "/v1/alarms/summary"),
        ),
        rule(ALARM_CREATE, configure, "Raise an alarm or write a log.", ("POST", "/v1/alarms")),
        rule(ALARM_MODIFY, configure, "Change an active alarm.", ("PUT", "/v1/alarms/{uuid}")),
        rule(ALARM_DELETE, configure, "Clear an alarm by hand.", ("DELETE", "/v1/alarms/{uuid}")),
        rule(
            EVENT_GET,
            read,
            "See the event log.",
            ("GET", "/v1/event_log"),
            ("GET", "/v1/event_log/{uuid}"),
            ("GET", "/v1/event_log/stream"),
        ),
        rule(
            SUPPRESSION_GET,
            read,
            "See which alarm types are suppressed.",
            ("GET", "/v1/event_suppression"),
            ("GET", "/v1/event_suppression/{uuid}"),
        ),
        rule(SUPPRESSION_MODIFY, configure, "Suppress an alarm type.", ("PATCH", "/v1/event_suppression/{uuid}")),
    ]


policy.register(list_rules())
