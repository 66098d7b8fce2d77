# SPDX-License-Identifier: Apache-2.0
"""Options of Host Management."""

from oslo_config import cfg

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
]


def register() -> None:
    CONF.register_opts(pmon_opts, group="pmon")
    CONF.register_opts(agent_opts, group="mtce")
    CONF.register_opts(guard_opts, group="mtce_guard")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    return [("pmon", pmon_opts), ("mtce", agent_opts), ("mtce_guard", guard_opts)]
