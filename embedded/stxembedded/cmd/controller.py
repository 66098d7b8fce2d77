# SPDX-License-Identifier: Apache-2.0
"""stx-controller: all services of a controller in one process."""

import logging
import os

from stx import service

# In the order in which they start: each finds those below it at work.
SERVICES = (
    # First, because it starts another process, which can load meanwhile.
    "mtce-guard",
    "fm-manager",
    "fm-courier",
    "sysinv-conductor",
    "mtce-agent",
    "fm-api",
    "sysinv-api",
    "sysinv-agent",
)


def main() -> None:
    code = service.main("stx-controller", SERVICES)
    logging.shutdown()
    # All is stopped. Taking the modules apart in good order costs half a second and is of no use.
    os._exit(code)
