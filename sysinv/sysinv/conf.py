# SPDX-License-Identifier: Apache-2.0
"""Options of Configuration Management."""

from oslo_config import cfg

from stx.rest import options

CONF = cfg.CONF

PORT = 6385

bootstrap_opts = [
    cfg.StrOpt(
        "system_name",
        default="starlingx",
        help="Name of the system, used when its database is made; change it later with `system modify`.",
    ),
    cfg.StrOpt(
        "system_type",
        default="All-in-one",
        choices=["All-in-one", "Standard"],
        help="Whether controllers also carry workloads. Fixed when the system's database is made.",
    ),
    cfg.StrOpt(
        "system_mode",
        default="simplex",
        choices=["simplex", "duplex", "duplex-direct"],
        help="Number of controllers of an All-in-one system: one, or two. Not used by a Standard system.",
    ),
    cfg.StrOpt("timezone", default="UTC", help="Time zone that users see, used when the system's database is made."),
    cfg.StrOpt("region_name", default="RegionOne", help="Keystone region of the system's services."),
]

agent_opts = [
    cfg.IntOpt(
        "audit_period",
        default=60,
        min=1,
        help="Seconds between two looks at the machine. Only what changed is reported. Lower it to see hot-plugged hardware sooner.",
    ),
]

api_opts = options.listening(PORT)


def register() -> None:
    CONF.register_opts(bootstrap_opts, group="bootstrap")
    CONF.register_opts(agent_opts, group="sysinv_agent")
    CONF.register_opts(api_opts, group="sysinv_api")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    from sysinv.db.api import database

    return [
        ("bootstrap", bootstrap_opts),
        ("sysinv_agent", agent_opts),
        ("sysinv_api", api_opts),
        *database.list_opts(),
    ]
