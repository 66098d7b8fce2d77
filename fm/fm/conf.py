# SPDX-License-Identifier: Apache-2.0
"""Options of Fault Management."""

from oslo_config import cfg

from stx.rest import options

CONF = cfg.CONF

PORT = 18002

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
    CONF.register_opts(api_opts, group="fm_api")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    from fm.db.api import database

    return [("fm", fm_opts), ("fm_api", api_opts), *database.list_opts()]
