# SPDX-License-Identifier: Apache-2.0
"""Pacemaker on Corosync, with the agents `pgsql` (synchronous replication) and `IPaddr2` of Debian.

The address goes where the database is promoted, at the same time; in the manual of `pgsql` it comes after, which is seconds later and
gives no write earlier. Without fencing, so that no time is spent on it: of two controllers that do not hear each other, both would be
active.
"""

from collections.abc import Sequence
from pathlib import Path

from bench.failover_product import wait_for
from bench.peers import files, postgresql
from bench.peers.cluster import START_DEADLINE_S, ClusterPeer
from stxlab import topology
from stxlab.lab import Say
from stxlab.machine import Machine
from stxlab.topology import Host

# Where `pgsql` keeps its notes, beside what it includes in PostgreSQL's settings.
_NOTES = "/var/lib/postgresql/pacemaker"
_PING_MS, _PING_TIMEOUT_MS = 500, 2000
_CAN_PROMOTE = "100"


def corosync(hosts: Sequence[Host], token_ms: int) -> str:
    """The text of ``corosync.conf``: two nodes that hear each other over two networks.

    :param token_ms: how long a node is silent before it is taken for lost

    By default Corosync derives from it how long a network may be silent; at 300 ms that is less than knet looks for it, and it drops
    networks that work, several times a minute. A host that is lost is found by the token alone.
    """
    links = "".join(
        f"    interface {{\n        linknumber: {number}\n        knet_ping_interval: {_PING_MS}\n"
        f"        knet_ping_timeout: {_PING_TIMEOUT_MS}\n    }}\n"
        for number in range(2)
    )
    nodes = "".join(
        f"    node {{\n        name: {host.name}\n        nodeid: {host.number + 1}\n"
        f"        ring0_addr: {host.address('mgmt')}\n        ring1_addr: {host.address('cluster')}\n    }}\n"
        for host in hosts
    )
    return f"""\
totem {{
    version: 2
    cluster_name: failover
    transport: knet
    crypto_cipher: none
    crypto_hash: none
    token: {token_ms}
{links}}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
}}
logging {{
    to_syslog: yes
    to_stderr: no
}}
"""


def configuration(hosts: Sequence[Host]) -> str:
    """What Pacemaker shall run, for its CIB."""
    address, subnet = topology.floating_address("mgmt"), topology.SUBNETS["mgmt"]
    database = {
        "pgctl": f"{postgresql.PROGRAMS}/pg_ctl",
        "psql": f"{postgresql.PROGRAMS}/psql",
        "pgdata": postgresql.DATA,
        "config": f"{postgresql.CONFIGURATION}/postgresql.conf",
        "socketdir": "/var/run/postgresql",
        "logfile": "/var/log/postgresql/pacemaker.log",
        "tmpdir": _NOTES,
        "rep_mode": "sync",
        "node_list": " ".join(host.name for host in hosts),
        "master_ip": address,
        "repuser": "postgres",
    }
    floating = {"ip": address, "cidr_netmask": str(subnet.prefixlen), "nic": "mgmt"}
    actions = ("start", "stop", "promote", "demote", "notify")
    return f"""\
<configuration>
  <crm_config>
    <cluster_property_set id="properties">
      {_value("properties", "stonith-enabled", "false")}
    </cluster_property_set>
  </crm_config>
  <rsc_defaults>
    <meta_attributes id="defaults">
      {_value("defaults", "resource-stickiness", "INFINITY")}
    </meta_attributes>
  </rsc_defaults>
  <resources>
    <clone id="databases">
      <meta_attributes id="databases-meta">
        {_value("databases", "promotable", "true")}
        {_value("databases", "promoted-max", "1")}
        {_value("databases", "clone-max", "2")}
        {_value("databases", "notify", "true")}
      </meta_attributes>
      <primitive id="database" class="ocf" provider="heartbeat" type="pgsql">
        {_parameters("database", database)}
        <operations>
          <op id="database-monitor" name="monitor" interval="3s" timeout="30s"/>
          <op id="database-monitor-promoted" name="monitor" interval="2s" timeout="30s" role="Promoted"/>
          {"".join(f'<op id="database-{name}" name="{name}" interval="0" timeout="60s"/>' for name in actions)}
        </operations>
      </primitive>
    </clone>
    <primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2">
      {_parameters("address", floating)}
      <operations><op id="address-monitor" name="monitor" interval="10s" timeout="20s"/></operations>
    </primitive>
  </resources>
  <constraints>
    <rsc_colocation id="together" rsc="address" with-rsc="databases" with-rsc-role="Promoted" score="INFINITY"/>
    <rsc_order id="down" first="databases" first-action="demote" then="address" then-action="stop" symmetrical="false" kind="Optional"/>
  </constraints>
</configuration>
"""


def _value(owner: str, name: str, value: str) -> str:
    return f'<nvpair id="{owner}-{name}" name="{name}" value="{value}"/>'


def _parameters(owner: str, values: dict[str, str]) -> str:
    pairs = "".join(_value(owner, name, value) for name, value in values.items())
    return f'<instance_attributes id="{owner}-parameters">{pairs}</instance_attributes>'


class PacemakerPeer(ClusterPeer):
    """:param token_ms: Corosync's `token`"""

    clones_are_standbys = False

    def __init__(self, directory: Path, say: Say, token_ms: int) -> None:
        super().__init__(directory, say)
        self.name = f"pacemaker_{token_ms}ms"
        self._token_ms = token_ms

    def start(self, first: Machine, second: Machine) -> None:
        postgresql.stop(first)
        hosts = [first.host, second.host]
        for machine in (first, second):
            files.write(machine, "/etc/corosync/corosync.conf", corosync(hosts, self._token_ms))
            machine.run(["systemctl", "start", "pacemaker"])
        files.write(first, "/root/configuration.xml", configuration(hosts))
        load = ["cibadmin", "--modify", "--allow-create", "--scope", "configuration", "--xml-file", "/root/configuration.xml"]
        wait_for("Pacemaker takes its configuration", lambda: first.run(load) is not None, START_DEADLINE_S)

    def is_ready(self) -> bool:
        active = self.active()
        (standby,) = (machine for machine in self.controllers() if machine.host != active.host)
        score = ["crm_attribute", "--node", standby.host.name, "--promotion=database", "--query", "--quiet"]
        return postgresql.standby(active) == "sync" and active.run(score).strip() == _CAN_PROMOTE

    def bring_back(self, machine: Machine) -> None:
        # It was the master, and `pgsql` does not start it before somebody has seen to its data.
        machine.run(["rm", "-f", f"{_NOTES}/PGSQL.lock"])
        postgresql.clone(machine, self.active().host.address("mgmt"), is_standby=False)
        machine.run(["systemctl", "start", "pacemaker"])
