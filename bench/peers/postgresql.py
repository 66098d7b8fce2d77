# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL 15 on the controllers of a lab, one streaming to the other."""

from bench.peers import files
from stxlab import topology
from stxlab.machine import Machine

PROGRAMS = "/usr/lib/postgresql/15/bin"
DATA = "/var/lib/postgresql/15/main"
CONFIGURATION = "/etc/postgresql/15/main"
UNIT = "postgresql@15-main.service"
LOGIN = "dbname=postgres user=postgres"
_SYNCHRONOUS = f"{CONFIGURATION}/conf.d/synchronous.conf"
_SUBNET = topology.SUBNETS["mgmt"]
CLONE_DEADLINE_S = 60.0

# The lab's networks are behind no router, and measured is not who may log in.
_ACCESS = f"local all all trust\nhost all all {_SUBNET} trust\nhost replication all {_SUBNET} trust\n"


def settings(name: str) -> str:
    """What differs from Debian's own settings on a host: writes are as durable as they are by default."""
    return f"""\
listen_addresses = '*'
cluster_name = '{name}'
wal_level = replica
hot_standby = on
wal_keep_size = 512MB
wal_retrieve_retry_interval = 500ms
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
"""


def configure(machine: Machine) -> None:
    files.write(machine, f"{CONFIGURATION}/conf.d/failover.conf", settings(machine.host.name))
    files.write(machine, f"{CONFIGURATION}/pg_hba.conf", _ACCESS)


def start(machine: Machine) -> None:
    machine.run(["systemctl", "start", UNIT])


def stop(machine: Machine) -> None:
    machine.run(["systemctl", "stop", UNIT])


def clone(machine: Machine, address: str, is_standby: bool = True) -> None:
    """Make its data a copy of those at an address.

    :param is_standby: whether it is that one's standby when it is started
    """
    script = (
        f"rm -rf {_SYNCHRONOUS} {DATA}; exec runuser -u postgres -- {PROGRAMS}/pg_basebackup --pgdata={DATA} --wal-method=stream "
        f"--checkpoint=fast {'--write-recovery-conf' if is_standby else ''} "
        f"--dbname='host={address} user=postgres application_name={machine.host.name}'"
    )
    machine.run(["/bin/sh", "-euc", script], CLONE_DEADLINE_S)


def set_synchronous(machine: Machine) -> None:
    """From now on it acknowledges what its standby has too."""
    files.write(machine, _SYNCHRONOUS, "synchronous_standby_names = '*'\n")
    query(machine, "SELECT pg_reload_conf()")


def query(machine: Machine, statement: str) -> str:
    """What the database on a host says."""
    argv = [f"{PROGRAMS}/psql", "-XAtq", "-h", "/var/run/postgresql", "-U", "postgres", "-c", statement]
    return machine.run(argv).strip()


def standby(machine: Machine) -> str:
    """How its standby is: async, sync, or nothing when none streams."""
    return query(machine, "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
