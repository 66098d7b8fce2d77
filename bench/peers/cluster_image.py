# SPDX-License-Identifier: Apache-2.0
"""The disks of hosts that run other cluster managers: the lab's system, and a layer of their packages over it."""

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from stxlab import image

PACKAGES = ("corosync", "keepalived", "pacemaker", "pacemaker-cli-utils", "resource-agents")
# A measurement starts them when it is their turn.
_DISABLED = ("corosync", "keepalived", "lldpd", "pacemaker", "postgresql")
# In Debian 12 the agents cannot say that a node must not be promoted: without a name, `crm_attribute` reads -INFINITY as options.
_AGENTS = "/usr/lib/ocf/lib/heartbeat/ocf-shellfuncs"
_SCRIPT = f"""
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update
apt-get install --yes --no-install-recommends {" ".join(PACKAGES)}
sed -i 's/crm_attribute -p \\$@/crm_attribute -p "$OCF_RESOURCE_INSTANCE" $@/' {_AGENTS}
grep -q 'crm_attribute -p "$OCF' {_AGENTS}
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /usr/share/doc /usr/share/man /usr/share/locale
for unit in {" ".join(_DISABLED)}; do systemctl disable "$unit" || true; done
"""


class PeersImage(image.Image):
    """It has nothing of the project in it, so that no change of the project makes it anew."""

    def layers(self) -> list[Path]:
        """The layers' directories, the topmost first, whether they are there or not."""
        *_, system = super().layers()
        digest = hashlib.sha256(f"{system.name}\0{_SCRIPT}".encode()).hexdigest()[:16]
        return [self._cache / f"peers-{digest}", system]

    def build(self, kept: Sequence[Path] = ()) -> list[Path]:
        """Make the layers that are missing, the system too. Gives them, the topmost first."""
        peers, system = layers = self.layers()
        if not system.is_dir():
            image.Image(self.root, self._cache, self._say).build(kept)
        with self._turn():
            if not peers.is_dir():
                self._say(f"installing {', '.join(PACKAGES)}")
                self._make(peers, lambda upper: self._in_chroot([system], upper, _SCRIPT))
            self._forget({*layers, *kept})
        return layers

    def _copy_source(self, target: Path) -> None:
        """Nothing is installed from the checkout."""

    def _forget(self, kept: set[Path]) -> None:
        """Remove layers of other packages, when nobody has used them for a day."""
        for path in kept:
            os.utime(path)
        for path in self._cache.glob("peers-*"):
            if path not in kept and time.time() - path.stat().st_mtime > image.KEPT_S:
                shutil.rmtree(path, ignore_errors=True)
