# SPDX-License-Identifier: Apache-2.0
"""The ground floor: what every StarlingX service stands on, free of business rules."""

import sys

# Eventlet is a hard requirement of oslo.service at install time only. Several libraries import it when they
# find it, which costs memory and prints a warning; an absent module is what they all cope with.
sys.modules.setdefault("eventlet", None)  # type: ignore[arg-type]

from oslo_service import backend  # noqa: E402 - only after the line above

backend.register_backend_default_hook(lambda: backend.BackendType.THREADING)
