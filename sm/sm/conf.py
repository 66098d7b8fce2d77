# SPDX-License-Identifier: Apache-2.0
"""Options of Service Management. What it runs is not here but in its database: sm-configure."""

from oslo_config import cfg

from stx.rest import options

CONF = cfg.CONF

API_PORT = 7777

sm_opts: list[cfg.Opt] = [
    cfg.StrOpt(
        "state_path",
        default="/var/lib/sm",
        help="Directory for what must outlive a power cut: the configured database, and whom this host voted for. It must be on a "
        "local disk that nobody else has; without its content a host must not vote again as if nothing had been.",
    ),
    cfg.StrOpt(
        "run_path",
        default="/run/sm",
        help="Directory for the database with states and for the control socket. It should be in memory: what is slow here delays "
        "what is shown, not what is done.",
    ),
    cfg.StrOpt(
        "reboot_command",
        default="systemctl reboot --force --force",
        help="Starts this host anew, when a service that needs the lease cannot be stopped. Change it to what resets the hardware "
        "for certain; empty leaves the host as it is.",
    ),
]

api_opts = options.listening(API_PORT)


def register() -> None:
    """May be called more than once."""
    CONF.register_opts(sm_opts, group="sm")
    CONF.register_opts(api_opts, group="sm_api")


register()


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator (entry point group oslo.config.opts)."""
    return [("sm", sm_opts), ("sm_api", api_opts)]
