# SPDX-License-Identifier: Apache-2.0
"""The words for what hosts and systems are (spec sysinv.md 1.7.1, 1.7.2, 1.7.8)."""

CONTROLLER, WORKER, STORAGE = "controller", "worker", "storage"
PERSONALITIES = (CONTROLLER, WORKER, STORAGE)
# A host that carries VMs is called compute by operators and worker on the wire.
PERSONALITY_ALIASES = {"compute": WORKER}

LOCKED, UNLOCKED = "locked", "unlocked"
ADMINISTRATIVE = (LOCKED, UNLOCKED)

ENABLED, DISABLED = "enabled", "disabled"
OPERATIONAL = (ENABLED, DISABLED)

AVAILABILITY = (
    "available",
    "intest",
    "degraded",
    "failed",
    "power-off",
    "offline",
    "offduty",
    "online",
    "dependency",
    "not-installed",
)

ALL_IN_ONE, STANDARD = "All-in-one", "Standard"
SIMPLEX, DUPLEX, DUPLEX_DIRECT = "simplex", "duplex", "duplex-direct"

INSTALL_OUTPUTS = ("text", "graphical")

# How far an installation is. `installed` is the installer's last word; what it means here is that the host boots.
PREINSTALL, INSTALLING, POSTINSTALL, INSTALLED = "preinstall", "installing", "postinstall", "installed"
BOOTING, COMPLETED, INSTALL_FAILED = "booting", "completed", "failed"

# Whether a host waits for its installation (spec sysinv.md 2.1, action_state).
REINSTALLING, REINSTALLED = "reinstalling", "reinstalled"

# Whether a host was ever unlocked, and ever enabled.
PROVISIONING, PROVISIONED = "provisioning", "provisioned"

CLOCKS = ("ntp", "ptp")


def personality(name: str) -> str:
    """The wire's name of a personality."""
    return PERSONALITY_ALIASES.get(name, name)
