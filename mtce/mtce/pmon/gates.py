# SPDX-License-Identifier: Apache-2.0
"""The host's flag files that watching depends on (spec mtce-sm.md A1)."""

import dataclasses
from pathlib import Path

from mtce.pmon.conf import ProcessConf, Subfunction
from stx import flags

# In the order in which a host that is several of them gets its configuration.
_CONFIG_FLAGS = {
    "controller": ".controller_config_complete",
    "worker": ".worker_config_complete",
    "storage": ".storage_config_complete",
}


@dataclasses.dataclass(frozen=True)
class Gates:
    """:ivar run_dir: where the flag files are
    :ivar subfunctions: what the host is, of: controller, worker, storage
    """

    run_dir: Path
    subfunctions: tuple[str, ...]

    def is_open(self, conf: ProcessConf) -> bool:
        """Whether the configuration that a process waits for is complete."""
        match conf.subfunction:
            case None:
                return True
            case Subfunction.LAST_CONFIG:
                flags = [flag for subfunction, flag in _CONFIG_FLAGS.items() if subfunction in self.subfunctions]
                return not flags or self._is_set(flags[-1])
            case subfunction:
                return self._is_set(_CONFIG_FLAGS[subfunction])

    def is_initialised(self) -> bool:
        """Whether all goenabled tests of the host have passed."""
        return self._is_set(flags.GOENABLED) and (len(self.subfunctions) < 2 or self._is_set("goenabled_subf"))

    def is_maintenance(self) -> bool:
        """While the platform is taken down, whatever ends stays down and raises nothing."""
        return self._is_set("maintenance")

    def is_patching(self) -> bool:
        return self._is_set("patch_installing")

    def _is_set(self, flag: str) -> bool:
        return (self.run_dir / flag).exists()
