# SPDX-License-Identifier: Apache-2.0
"""keepalived: VRRP moves the address, and a script promotes the standby's database, as it is commonly done."""

from pathlib import Path

from bench.failover_product import wait_for
from bench.peers import files, postgresql
from bench.peers.cluster import START_DEADLINE_S, ClusterPeer
from stxlab import topology
from stxlab.lab import Say
from stxlab.machine import Machine

_PROMOTE = "/etc/keepalived/promote.sh"
# It is called on the first controller too, whose database is no standby.
PROMOTE = f"""\
#!/bin/sh
[ -e {postgresql.DATA}/standby.signal ] || exit 0
exec runuser -u postgres -- {postgresql.PROGRAMS}/pg_ctl --pgdata={postgresql.DATA} promote
"""


def configuration(name: str, advert_s: float) -> str:
    """The text of ``keepalived.conf``: whoever has the address keeps it."""
    return f"""\
global_defs {{
    router_id {name}
    vrrp_version 3
    enable_script_security
    script_user root
}}
vrrp_instance controllers {{
    state BACKUP
    nopreempt
    interface mgmt
    virtual_router_id 51
    priority 100
    advert_int {advert_s:g}
    virtual_ipaddress {{
        {topology.floating_address("mgmt")}/{topology.SUBNETS["mgmt"].prefixlen} dev mgmt
    }}
    notify_master {_PROMOTE}
}}
"""


class KeepalivedPeer(ClusterPeer):
    """:param advert_s: how often the active one says that it is there"""

    def __init__(self, directory: Path, say: Say, advert_s: float) -> None:
        super().__init__(directory, say)
        self.name = f"keepalived_{advert_s * 1000:.0f}ms"
        self._advert_s = advert_s

    def start(self, first: Machine, second: Machine) -> None:
        for machine in (first, second):
            files.write(machine, "/etc/keepalived/keepalived.conf", configuration(machine.host.name, self._advert_s))
            files.write(machine, _PROMOTE, PROMOTE, "755")
        first.run(["systemctl", "start", "keepalived"])
        wait_for("the first controller has the address", lambda: self.active().host == first.host, START_DEADLINE_S)
        self._join(second, first)

    def is_ready(self) -> bool:
        return postgresql.standby(self.active()) == "sync"

    def bring_back(self, machine: Machine) -> None:
        active = self.active()
        postgresql.clone(machine, active.host.address("mgmt"))
        self._join(machine, active)

    def _join(self, machine: Machine, active: Machine) -> None:
        postgresql.start(machine)
        machine.run(["systemctl", "start", "keepalived"])
        # Not earlier: without a standby it would wait.
        wait_for("the standby streams", lambda: bool(postgresql.standby(active)), START_DEADLINE_S)
        postgresql.set_synchronous(active)
