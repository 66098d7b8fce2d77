# SPDX-License-Identifier: Apache-2.0
"""For the few processes of which others hear at once when they are late."""

import logging
import os

LOG = logging.getLogger(__name__)

# Above all that may use up a processor; the kernel may refuse it.
PRIORITY = 20


def prefer() -> None:
    """Run before all else, where the kernel lets it; threads that are made later do so too."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as error:
        LOG.warning(
            "This runs as any other process, and is late when processors are short: the kernel refuses more: %s", error.strerror
        )
