# SPDX-License-Identifier: Apache-2.0
"""Options of Configuration Management."""

from oslo_config import cfg

from stx.rest import options
from sysinv import addressing

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

conductor_opts = [
    cfg.StrOpt(
        "management_subnet",
        default="192.168.204.0/24",
        help="Subnet of the management network. Its second address is the active controller's, the next two are those of "
        "controller-0 and controller-1. Choose it before hosts are added: a host keeps the address that it got.",
    ),
    cfg.IntOpt(
        "management_start",
        default=10,
        min=addressing.FIRST_START,
        help="Which address of management_subnet, counted from the subnet's own, is the first that hosts get which are no "
        "controllers; each gets the lowest that is free. Raise it to keep more addresses for other things.",
    ),
    cfg.StrOpt(
        "pxeboot_subnet",
        default="169.254.202.0/24",
        help="Subnet of the network that hosts are installed from. Its second address is the active controller's there, which "
        "installers know as pxecontroller.",
    ),
    cfg.StrOpt(
        "dnsmasq_path",
        default="",
        help="Directory for the files that sysinv-conductor shares with dnsmasq: the addresses and names of hosts, the script "
        "that tells of leases, and what the script tells. Set it where dnsmasq serves the management network; empty means that "
        "hosts get no addresses from here and are not discovered.",
    ),
    cfg.StrOpt(
        "dnsmasq_pid_file",
        default="/run/dnsmasq.pid",
        help="Pid file of the dnsmasq that is told to read its files again when they have changed. Set it to what its option "
        "pid-file says.",
    ),
    cfg.StrOpt(
        "tftp_path",
        default="",
        help="Directory that boot loaders are served from. Below it, in pxelinux.cfg, is a file for each host that is to be "
        "installed. Empty means that hosts are not installed from here.",
    ),
    cfg.StrOpt(
        "secret_key_file",
        default="$state_path/sysinv.key",
        help="File with the key that the passwords of board management controllers and of SNMP informs are encrypted with in the "
        "database. It is made when the first password is stored. Set it to a place that both controllers have, and keep a copy apart "
        "from those of the database: without it the passwords must be given again.",
    ),
    cfg.URIOpt(
        "controller_url",
        default=f"http://controller:{PORT}",
        schemes=["http", "https"],
        help="Where an installer tells how far it is: this platform's API, by a name or an address that hosts reach while they "
        "are installed.",
    ),
]

api_opts = [
    *options.listening(PORT),
    cfg.URIOpt(
        "sm_url",
        default="http://127.0.0.1:7777",
        schemes=["http", "https"],
        help="Where the API of Service Management on this controller is: services and their groups are shown from there, and it is "
        "asked whether it would hand over. Change it where [sm_api] bind_host or bind_port is not the default.",
    ),
]


def register() -> None:
    CONF.register_opts(bootstrap_opts, group="bootstrap")
    CONF.register_opts(agent_opts, group="sysinv_agent")
    CONF.register_opts(conductor_opts, group="sysinv_conductor")
    CONF.register_opts(api_opts, group="sysinv_api")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    from sysinv.db.api import database

    return [
        ("bootstrap", bootstrap_opts),
        ("sysinv_agent", agent_opts),
        ("sysinv_api", api_opts),
        ("sysinv_conductor", conductor_opts),
        *database.list_opts(),
    ]
