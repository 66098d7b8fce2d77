# SPDX-License-Identifier: Apache-2.0
"""Options of Fault Management."""

from oslo_config import cfg

from stx.rest import options

CONF = cfg.CONF

PORT = 18002
# From 1 to 65535.
_PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"

fm_opts = [
    cfg.IntOpt(
        "spool_limit",
        default=100_000,
        min=1000,
        help="Fault reports that a host keeps while fm-manager cannot be reached; further ones are refused. A report takes about "
        "half a kilobyte of the disk that holds state_path.",
    ),
    cfg.IntOpt(
        "batch",
        default=500,
        min=1,
        max=5000,
        help="Fault reports that are delivered and stored in one transaction at the most. A larger batch takes more in a storm and "
        "delays the first report of it.",
    ),
    cfg.IntOpt(
        "event_log_max_size",
        default=100_000,
        min=1000,
        help="Events that are kept; the oldest go first. Raise it where the history of a large system must reach further back.",
    ),
    cfg.IntOpt(
        "event_log_max_age",
        default=365,
        min=0,
        max=36500,
        help="Days for which events are kept, counted from when they were stored, where event_log_max_size lets them stay so long; 0 for "
        "any time. Lower it where rules ask that history be forgotten.",
    ),
]

notify_opts = [
    cfg.IntOpt(
        "queue_limit",
        default=10_000,
        min=100,
        mutable=True,
        help="Events that wait at the most for a receiver which does not take them; the oldest are given up for it then, and alarm "
        "100.130 tells so. Events that have left the event log ([fm] event_log_max_size) wait no longer.",
    ),
    cfg.IntOpt(
        "max_age",
        default=3600,
        min=10,
        mutable=True,
        help="Seconds that an event waits for a receiver at the most before it is given up for it. Raise it where a receiver may be "
        "away for longer and still wants to know.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=10.0,
        min=0.1,
        max=60.0,
        mutable=True,
        help="Seconds that a receiver may take to answer. One that takes longer is tried again, after 1 to 30 seconds.",
    ),
    cfg.StrOpt(
        "webhook_url",
        default="",
        secret=True,
        mutable=True,
        help="URL that events are posted to as JSON: an object with system_name and a list of events. Empty: none.",
    ),
    cfg.StrOpt("webhook_token", default="", secret=True, mutable=True, help="Bearer token that is given to webhook_url."),
    cfg.StrOpt(
        "alertmanager_url",
        default="",
        secret=True,
        mutable=True,
        help="URL of an Alertmanager, or of what takes alerts as it does, without /api/v2/alerts. It is told of each change at once "
        "and of all alarms that the list shows once a minute; an alert that it hears no more of for four minutes has ended for it. "
        "Empty: none.",
    ),
    cfg.StrOpt(
        "alertmanager_token", default="", secret=True, mutable=True, help="Bearer token that is given to alertmanager_url."
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        mutable=True,
        help="PEM file with the authorities that certificates of https URLs are checked with. Empty: those that come with the "
        "platform's HTTP library.",
    ),
    cfg.StrOpt(
        "syslog",
        default="",
        regex=rf"\A(|/.+|.+:{_PORT})\Z",
        mutable=True,
        help="Where every event is written to as a line of JSON, with facility local5 and the tag fm-event.log: the path of a socket, "
        "such as /dev/log, or HOST:PORT for UDP. Empty: nowhere.",
    ),
    cfg.HostAddressOpt(
        "agent_bind_host",
        default="0.0.0.0",  # noqa: S104
        mutable=True,
        help="Address that the SNMP agent listens on. It listens while there is a community (system snmp-comm-add). Answers come from "
        "it: where the controllers have a floating address that managers ask, name that one.",
    ),
    cfg.PortOpt(
        "agent_port",
        default=161,
        min=1,
        mutable=True,
        help="UDP port that the SNMP agent listens on. Below 1024 it must be root's.",
    ),
]

api_opts = [
    *options.listening(PORT),
    cfg.IntOpt(
        "stream_listeners",
        default=16,
        min=1,
        max=1000,
        help="Readers of the stream of events at a time, in one process; further ones are refused. Each takes a thread, beside those "
        "that `threads` allows, and memory for up to 1000 events while it reads slowly. Raise it where more dashboards follow events.",
    ),
    cfg.IntOpt(
        "stream_lifetime",
        default=300,
        min=1,
        help="Seconds after which a stream of events ends, so that its reader comes back and its token and role are checked again. "
        "Readers lose nothing by that. Lower it where a role that is taken away must count sooner.",
    ),
]


def register() -> None:
    CONF.register_opts(fm_opts, group="fm")
    CONF.register_opts(notify_opts, group="fm_notify")
    CONF.register_opts(api_opts, group="fm_api")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    from fm.db.api import database

    return [("fm", fm_opts), ("fm_notify", notify_opts), ("fm_api", api_opts), *database.list_opts()]
