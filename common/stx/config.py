# SPDX-License-Identifier: Apache-2.0
"""Options that every process has, and how a process reads its configuration."""

import os
import socket
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log
from oslo_reports import opts as reports_opts

from stx import flags, version

CONF = cfg.CONF

default_opts = [
    cfg.HostAddressOpt(
        "host",
        default=socket.gethostname(),
        sample_default="controller-0",
        help="Name of this host as the platform knows it. It names the host's RPC queues, its alarm spool and its reports, so it "
        "must stay the same over restarts. Change it only where the platform gave the host another name than the system has.",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/starlingx",
        help="Directory for what a process keeps over restarts: spools, databases of a single-machine installation, secrets. "
        "It must be on a local disk and readable by the platform's user only.",
    ),
    cfg.StrOpt(
        "run_path",
        default=str(flags.RUN_PATH),
        help="Directory for what lives as long as the machine is up: sockets, process ids, flags.",
    ),
    cfg.StrOpt(
        "host_key_file",
        default="",
        help="File with this host's own key, one a line; the first one signs, all are taken. What the host says over the message bus is "
        "sealed with it, and what it is told is taken only with it, so that whoever has taken over another host can do neither. Set it "
        "on every host that is no controller; where there is one host only, none is needed.",
    ),
    cfg.StrOpt(
        "master_key_file",
        default="",
        help="File with the master key, one a line; the first one signs, all are taken. The keys of all hosts follow from it, and what "
        "controllers say to each other is sealed with one of their own. Set it on controllers, and nowhere else: where it is set, "
        "requests without a seal are refused.",
    ),
]

metrics_opts = [
    cfg.HostAddressOpt(
        "bind_host",
        default="127.0.0.1",
        help="Address of the metrics page. Keep it on loopback unless a collector on another host must reach it: the page has no "
        "authentication.",
    ),
    cfg.PortOpt(
        "port",
        default=0,
        help="TCP port of the process's /metrics page (Prometheus text format) and /healthcheck. 0 turns both off.",
    ),
]


def register() -> None:
    """Register the options that every process has. May be called more than once."""
    CONF.register_opts(default_opts)
    CONF.register_opts(metrics_opts, group="metrics")
    if "debug" not in CONF:
        log.register_options(CONF)


def parse(argv: Sequence[str], prog: str, config_files: Sequence[str] | None = None) -> None:
    """Read options and set up logging for the process `prog`.

    :raises SystemExit: with a sentence when an option or a configuration file is unknown or malformed
    """
    register()
    log.set_defaults(
        default_log_levels=[
            *log.get_default_log_levels(),
            "alembic=WARNING",
            "asyncio=INFO",
            "oslo_service=WARNING",
            "futurist=WARNING",
        ]
    )
    try:
        CONF(
            list(argv),
            project="starlingx",
            prog=prog,
            version=version.VERSION,
            default_config_files=config_files or _default_files(prog),
        )
    except cfg.Error as error:
        raise SystemExit(f"{prog}: {error}") from error
    reports_opts.set_defaults(CONF)
    log.setup(CONF, prog, version.VERSION)


def _default_files(prog: str) -> list[str]:
    names = ("/etc/starlingx/starlingx.conf", f"/etc/starlingx/{prog}.conf")
    return [name for name in names if os.path.exists(name)]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator (entry point group oslo.config.opts)."""
    from stx.inproc import inproc_opts
    from stx.pulse import pulse_opts

    return [("DEFAULT", default_opts), ("metrics", metrics_opts), ("pulse", pulse_opts), ("inproc", inproc_opts)]
