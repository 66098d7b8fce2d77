# SPDX-License-Identifier: Apache-2.0
"""Where a REST service listens. Apart from the service itself, so that processes without one need not load it."""

from oslo_config import cfg


def listening(port: int) -> list[cfg.Opt]:
    """Where a REST service listens."""
    return [
        cfg.HostAddressOpt("bind_host", default="127.0.0.1", help="Address on which the service listens."),
        cfg.PortOpt("bind_port", default=port, help="TCP port on which the service listens."),
        cfg.IntOpt(
            "threads",
            default=16,
            min=1,
            help="Requests that one process answers at a time. Further ones wait. Python uses one core for all threads: for more "
            "throughput run more processes behind a proxy.",
        ),
    ]
