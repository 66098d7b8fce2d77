# SPDX-License-Identifier: Apache-2.0
"""Options of Host Management."""

from oslo_config import cfg, types

CONF = cfg.CONF

pmon_opts = [
    cfg.MultiStrOpt(
        "conf_dir",
        default=["/etc/pmon.d"],
        help="Directory with one .conf file for each process to watch; may be given more than once. Send the process SIGHUP after "
        "adding a file. Of two files for one process the first counts.",
    ),
    cfg.PortOpt("pulse_port", default=2200, help="UDP port on loopback to which actively monitored processes answer."),
    cfg.ListOpt(
        "subfunctions",
        default=["controller"],
        help="What this host is, of controller, worker, storage. A process of a subfunction is watched once that is configured.",
    ),
]

guard_opts = [
    cfg.MultiStrOpt(
        "conf_dir",
        default=["/etc/pmon-guard.d"],
        help="Directory of the drop-in file that tells how to keep mtce-client running. Used by a controller without systemd only.",
    ),
]

_UNTIL = "It has no effect once the service parameters of platform maintenance are applied, which have one of this name."

agent_opts = [
    cfg.FloatOpt(
        "report_period",
        default=5.0,
        min=0.1,
        help="Seconds between two reports of a host that all is as it was; a change is reported at once.",
    ),
    cfg.FloatOpt(
        "report_timeout",
        default=15.0,
        min=0.5,
        help="Seconds without a report after which a host's process monitor counts as failed: alarm 200.006, and the host degraded.",
    ),
    cfg.URIOpt(
        "sm_url",
        default="http://127.0.0.1:7777",
        schemes=["http", "https"],
        help="Where the API of Service Management on this controller is: a swact is asked for there when an operator wants it, or this "
        "controller has failed. Change it where [sm_api] bind_host or bind_port is not the default.",
    ),
    cfg.IntOpt(
        "heartbeat_period",
        default=100,
        min=100,
        max=1000,
        mutable=True,
        help="Milliseconds between two pulses that every host has to answer. A longer one costs less and finds losses later."
        f" {_UNTIL}",
    ),
    cfg.IntOpt(
        "heartbeat_degrade_threshold",
        default=6,
        min=4,
        max=100,
        mutable=True,
        help=f"So many pulses missed in a row degrade a host. Not more than heartbeat_failure_threshold. {_UNTIL}",
    ),
    cfg.IntOpt(
        "heartbeat_failure_threshold",
        default=10,
        min=10,
        max=100,
        mutable=True,
        help=f"After so many pulses missed in a row a host is lost, and heartbeat_failure_action follows. {_UNTIL}",
    ),
    cfg.StrOpt(
        "heartbeat_failure_action",
        default="fail",
        choices=[
            ("fail", "the host fails, and is recovered"),
            ("degrade", "it is degraded while it is lost"),
            ("alarm", "only the alarm is raised"),
            ("none", "no pulses are sent"),
        ],
        mutable=True,
        help="What becomes of a host that is lost. Take another one than fail for work on the network, and put it back after that."
        f" {_UNTIL}",
    ),
    cfg.IntOpt(
        "mnfa_threshold",
        default=2,
        min=2,
        max=100,
        mutable=True,
        help=f"When so many hosts in service miss pulses together, the network is to blame, and none is failed. {_UNTIL}",
    ),
    cfg.IntOpt(
        "mnfa_timeout",
        default=0,
        min=0,
        max=86400,
        mutable=True,
        help=f"Seconds after which hosts that are spared so fail all the same; 0 for never. {_UNTIL}",
    ),
    cfg.IntOpt(
        "worker_boot_timeout",
        default=720,
        min=1,
        mutable=True,
        help="Seconds in which a worker or a storage host has to boot and to report. Raise it for hardware that boots slowly."
        f" {_UNTIL}",
    ),
    cfg.IntOpt(
        "controller_boot_timeout",
        default=1200,
        min=1,
        mutable=True,
        help=f"Seconds in which a controller has to boot and to report. {_UNTIL}",
    ),
    cfg.FloatOpt(
        "power_cycle_cool_off",
        default=300.0,
        min=0.0,
        mutable=True,
        help="Seconds without power for a host that is power-cycled because one of its sensors is critical. Raise it for hardware that "
        "cools slowly.",
    ),
]

host_opts = [
    cfg.BoolOpt(
        "may_reboot",
        default=True,
        help="Whether mtce-agent may reboot this host, reset it, and wipe its disks. Set it to false where the host is somebody's "
        "workstation: what needs a reboot then is left to its user. It takes a mtce-client that systemd has started in any case.",
    ),
]

tasks_opts = [
    cfg.DictOpt(
        "addresses",
        default={},
        help="Addresses of this host by network, such as cluster:192.168.205.5, that only the host itself knows. The active controller "
        "sends it pulses there.",
    ),
    cfg.StrOpt(
        "goenabled_dir",
        default="/etc/goenabled.d",
        help="Directory of tests that must pass before the host is taken into service: each executable file is called with `start`, "
        "all at the same time, and passes with the exit code 0. Those in its directory `worker` are for the worker's part of a "
        "controller that carries virtual machines too. They are run as root, so only root may be able to change them.",
    ),
    cfg.FloatOpt("goenabled_timeout", default=600.0, min=1.0, help="Seconds after which a test that has not ended has failed."),
    cfg.StrOpt(
        "services_dir",
        default="/etc/services.d",
        help="Directory of what a host's own services are started and stopped by: the executable files in its directories "
        "`controller`, `worker` and `storage`, as the host's subfunctions are, are called in the order of their names with `start` "
        "or `stop`. What a script leaves running must have its output elsewhere. Only root may be able to change them.",
    ),
    cfg.FloatOpt(
        "services_timeout",
        default=300.0,
        min=1.0,
        help="Seconds that all scripts of services_dir may take together. The one that runs then is killed and has failed.",
    ),
    cfg.StrOpt(
        "wipe_command",
        default="",
        help="What makes that nothing boots from the host's disks, when the host is to be installed anew. Without it the partition "
        "tables of the disks that its system is on are destroyed. Change it where the host boots from elsewhere.",
    ),
]

_PERCENT = types.Float(min=0.0, max=100.0)

resources_opts = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether mtce-client watches how much of its host's resources is used up, and raises alarms. Set it to false where the "
        "host has work that is not the platform's.",
    ),
    cfg.FloatOpt("audit_period", default=30.0, min=0.1, help="Seconds between two looks at processors, memory and file systems."),
    cfg.FloatOpt("link_period", default=5.0, min=0.1, help="Seconds between two looks at the links of `networks`."),
    cfg.FloatOpt("start_delay", default=10.0, min=0.0, help="Seconds after the start until the first look: a boot uses much."),
    cfg.ListOpt(
        "cpu",
        item_type=_PERCENT,
        default=[80.0, 90.0, 95.0],
        help="Percent of the platform's processors in use from which alarm 100.101 is minor, major and critical. With two values it "
        "is major and critical only; empty turns the alarm off.",
    ),
    cfg.ListOpt(
        "platform_cpus",
        item_type=types.Integer(min=0),
        default=[],
        help="Numbers of the processors that the platform runs on, where others are set aside for virtual machines. Empty: all.",
    ),
    cfg.ListOpt(
        "memory",
        item_type=_PERCENT,
        default=[70.0, 80.0, 90.0],
        help="As `cpu`, for memory that is not set aside as huge pages, alarm 100.103.",
    ),
    cfg.ListOpt(
        "file_systems", item_type=_PERCENT, default=[70.0, 80.0, 90.0], help="As `cpu`, for each file system, alarm 100.104."
    ),
    cfg.ListOpt(
        "ignored_file_systems",
        default=[],
        help="Where file systems are mounted that may be full. Those without a device, read-only ones and images never count.",
    ),
    cfg.DictOpt(
        "networks",
        default={},
        help="Devices of the networks oam, mgmt and cluster, such as mgmt:eth0,oam:eth1: alarms 100.106 to 100.111 when one has no "
        "link. The ports of a bond, and what a VLAN is on, are found by themselves.",
    ),
]


def register() -> None:
    CONF.register_opts(pmon_opts, group="pmon")
    CONF.register_opts(agent_opts, group="mtce")
    CONF.register_opts(host_opts, group="mtce")
    CONF.register_opts(tasks_opts, group="mtce_host")
    CONF.register_opts(resources_opts, group="mtce_resources")
    CONF.register_opts(guard_opts, group="mtce_guard")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    return [
        ("pmon", pmon_opts),
        ("mtce", [*agent_opts, *host_opts]),
        ("mtce_host", tasks_opts),
        ("mtce_resources", resources_opts),
        ("mtce_guard", guard_opts),
    ]
