# SPDX-License-Identifier: Apache-2.0
"""How hosts are watched: what an operator has applied as service parameters, and the options of the same names where nothing was."""

import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from mtce.teller import Teller
from stx import rpc
from stx.context import RequestContext
from sysinv import client as sysinv_client

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

SERVICE, SECTION = "platform", "maintenance"
NAMES = (
    "worker_boot_timeout",
    "controller_boot_timeout",
    "heartbeat_period",
    "heartbeat_degrade_threshold",
    "heartbeat_failure_threshold",
    "heartbeat_failure_action",
    "mnfa_threshold",
    "mnfa_timeout",
)


class Parameters:
    """Has an attribute for each of NAMES.

    One thread reads what is applied; the one that decides takes it over, all at once, between two of its steps.
    """

    def __init__(self, conductor: sysinv_client.Conductor, context: RequestContext, teller: Teller) -> None:
        self._conductor = conductor
        self._context = context
        self._teller = teller
        # What was read last, and what of it holds; None before it was read.
        self._read: Mapping[str, Any] | None = None
        self._held: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES:
            raise AttributeError(name)
        return _value(self._held, name)

    def read(self) -> None:
        """:raises exception.Unavailable: when the conductor is away"""
        found = self._conductor.get_applied_parameters(self._context, SERVICE)
        self._read = {name: value for name, value in found.get(SECTION, {}).items() if name in NAMES}

    def take_over(self) -> bool:
        """Have hold what was read; the first time that is read here. Gives whether anything changed since.

        :raises exception.Unavailable: when the conductor is away the first time
        """
        if self._read is None:
            self.read()
        before, self._held = self._held, self._read
        if before is None or before == self._held:
            # What held before this process is not known here.
            return False
        changed = {name: (_value(before, name), _value(self._held, name)) for name in NAMES}
        changed = {name: (old, new) for name, (old, new) in changed.items() if old != new}
        for name, (old, new) in changed.items():
            LOG.info("%s changed from %s to %s", name, old, new)
            self._teller.tell_parameter(CONF.host, name, old, new)
        return bool(changed)


def is_about(event: rpc.Event) -> bool:
    """Whether parameters were applied that are read here."""
    return event.kind == sysinv_client.PARAMETERS_APPLIED and event.payload["service"] == SERVICE


def _value(held: Mapping[str, Any] | None, name: str) -> Any:
    return held[name] if held is not None and name in held else CONF.mtce[name]
