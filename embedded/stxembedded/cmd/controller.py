# SPDX-License-Identifier: Apache-2.0
"""stx-controller: all services of a controller in one process."""

import sys

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
    sys.exit(service.main("stx-controller", SERVICES))
