# SPDX-License-Identifier: Apache-2.0
"""Runs on a lab's controllers: configuration, databases, message bus, what Service Management runs, identity.

It does what the installation of a real first controller does, with values that the lab wrote onto its disk. Every step looks first
whether it was done, so that it can be repeated.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import tenacity

from stx import exception
from stxembedded import config, identity
from stxembedded.config import Layout
from stxlab import hostoptions, services, topology

# Both controllers have what is in there.
DATA = pathlib.Path(services.PLATFORM) / "config"
SETTINGS = pathlib.Path("/etc/starlingx/lab.json")
SHARED = DATA / "controller.conf"
COMPONENTS = ("fm", "sysinv", "keystone")
DNSMASQ, TFTP = f"{DATA}/dnsmasq", "/pxeboot"
DNSMASQ_PID = "/run/dnsmasq.pid"
BROKER = pathlib.Path("/etc/rabbitmq/rabbitmq.conf")
SM_STATE = pathlib.Path("/var/lib/sm")
BINARIES = pathlib.Path("/opt/starlingx/bin")
DEADLINE_S = 120
BUS_USER = "stx"


def main() -> None:
    {"configuration": configuration, "engines": engines, "identity": ensure_identity}[sys.argv[1]]()


@functools.cache
def settings() -> dict[str, Any]:
    """What the lab says: shape, and secrets that hosts share."""
    return dict(json.loads(SETTINGS.read_text()))


class _Layout(Layout):
    """What is the system's is in the tree that controllers share; logs and sockets are a host's own."""

    @property
    def log_dir(self) -> pathlib.Path:
        return pathlib.Path("/var/log/starlingx")

    @property
    def run_dir(self) -> pathlib.Path:
        return pathlib.Path("/run/starlingx")

    @property
    def state_dir(self) -> pathlib.Path:
        return pathlib.Path("/var/lib/starlingx")


def own_layout() -> Layout:
    return _Layout(DATA, settings()["shape"], topology.floating_address("mgmt"))


def configuration() -> None:
    """Files of the first controller; those of the system come to the second one with the tree they are in."""
    layout = own_layout()
    for place in (DATA, pathlib.Path(DNSMASQ), pathlib.Path(TFTP)):
        # dnsmasq reads and serves what is in there as a user of its own.
        for directory in (*reversed(place.parents), place):
            if not directory.exists():
                directory.mkdir()
                directory.chmod(0o755)
    layout.save()
    DATA.chmod(0o755)
    passwords = config.load_passwords(layout)
    database = settings()["database_secret"]
    keystone = config.keystone_options(layout, passwords)
    keystone["database"] = {"connection": _connection("keystone", database)}
    config.write_private(layout.keystone_conf, config.ini(keystone, "the lab"))
    options = config.stx_options(layout, passwords)
    for group, values in _standard(database).items():
        options[group] = {**options.get(group, {}), **values}
    del options["DEFAULT"]["host"]
    config.write_private(SHARED, config.ini(options, "the lab"))
    variables = config.exports(config.login_variables(layout, "admin", passwords["admin"]))
    config.write_private(DATA / "openrc", "".join(f"{line}\n" for line in variables))
    config.write_private(DATA / "dnsmasq.conf", _dnsmasq())
    own = {
        "DEFAULT": {"host": config.HOSTNAME, **_own()},
        "pmon": {"conf_dir": "/etc/pmon.d"},
        **hostoptions.options(topology.NETWORKS, str(topology.SUBNETS["cluster"][3])),
    }
    config.write_private(pathlib.Path("/etc/starlingx/starlingx.conf"), config.ini(own, "the lab"))
    configure_controller(config.HOSTNAME, settings())


def _own() -> dict[str, Any]:
    """What every process of a host shares."""
    bus = f"rabbit://{BUS_USER}:{settings()['bus_secret']}@{topology.floating_address('mgmt')}:5672/"
    return {
        "transport_url": bus,
        "log_dir": "/var/log/starlingx",
        "state_path": "/var/lib/starlingx",
        "run_path": "/run/starlingx",
        **services.key_option(is_controller=True),
    }


def configure_controller(name: str, given: Mapping[str, Any]) -> None:
    """What a controller has of its own: message bus, database server, and what Service Management runs.

    :param given: shape, and secrets that hosts share
    """
    config.write_private(BROKER, f"default_user = {BUS_USER}\ndefault_pass = {given['bus_secret']}\n")
    shutil.chown(BROKER, "rabbitmq")
    passes = pathlib.Path(services.PGPASS)
    config.write_private(passes, f"*:*:*:{services.PGPASS_USER}:{given['database_secret']}\n")
    shutil.chown(passes, "postgres", "postgres")
    subnet = topology.SUBNETS["mgmt"]
    access = [
        "local all postgres peer",
        f"host all {services.PGPASS_USER},stx {subnet} scram-sha-256",
        "host all stx 127.0.0.1/32 scram-sha-256",
        f"host replication {services.PGPASS_USER} {subnet} scram-sha-256",
    ]
    directory = pathlib.Path(services.PGCONFIG)
    config.write_private(directory / "pg_hba.conf", "".join(f"{line}\n" for line in access))
    shutil.chown(directory / "pg_hba.conf", "postgres", "postgres")
    listening = directory / "conf.d" / "lab.conf"
    listening.write_text("listen_addresses = '*'\nmax_connections = 300\n")
    listening.chmod(0o644)
    login = pathlib.Path("/root/openrc")
    login.unlink(missing_ok=True)
    login.symlink_to(f"..{DATA}/openrc")
    SM_STATE.mkdir(mode=0o700, exist_ok=True)
    config.write_private(SM_STATE / "files.secrets", f"stx:{given['files_secret']}\n")
    config.write_private(pathlib.Path(services.BOARD_PASSWORD), f"{given['board_secret']}\n")
    host = next(host for host in services.controllers(given["shape"]) if host.name == name)
    config.write_private(pathlib.Path(services.PULSE_KEY), f"{given['pulse_secret']}\n")
    networks = {network: host.address(network) for network in services.PATHS}
    config.write_private(pathlib.Path(services.MASTER_KEY), f"{given['master_secret']}\n")
    config.write_private(pathlib.Path(services.PULSE_SETTINGS), services.of_heartbeat(name, networks, is_controller=True))
    told = pathlib.Path("/etc/starlingx/sm.yaml")
    config.write_private(told, services.of_controller(name, given["shape"], given["sm_secret"]))
    _run(str(BINARIES / "sm-configure"), "load", str(told))


def _connection(database: str, password: str) -> str:
    return f"postgresql+psycopg2://stx:{password}@127.0.0.1/{database}"


def _standard(database_password: str) -> dict[str, dict[str, Any]]:
    """What differs from a controller in one process."""
    return {
        "DEFAULT": _own(),
        "pmon": {"conf_dir": "/etc/pmon.d"},
        # Hosts that are installed reach it over the network that they are installed from.
        "sysinv_api": {"bind_host": "0.0.0.0"},
        "sm_api": {"bind_host": "0.0.0.0"},
        "sysinv_conductor": {
            "management_subnet": topology.SUBNETS["mgmt"],
            "pxeboot_subnet": topology.SUBNETS["pxeboot"],
            "dnsmasq_path": DNSMASQ,
            "dnsmasq_pid_file": DNSMASQ_PID,
            "tftp_path": TFTP,
            "secret_key_file": f"{DATA}/sysinv.key",
            "controller_url": f"http://{topology.floating_address('pxeboot')}:6385",
        },
        **{f"{component}_database": {"connection": _connection(component, database_password)} for component in ("fm", "sysinv")},
    }


def _dnsmasq() -> str:
    pxeboot = topology.SUBNETS["pxeboot"]
    lines = [
        "interface=mgmt",
        "interface=pxeboot",
        "bind-dynamic",
        "dhcp-authoritative",
        f"dhcp-range=set:pxeboot,{pxeboot[10]},{pxeboot[-5]},1h",
        f"dhcp-range=set:mgmt,{topology.SUBNETS['mgmt'].network_address},static,1d",
        f"dhcp-option=tag:mgmt,option:dns-server,{topology.floating_address('mgmt')}",
        "dhcp-lease-max=2100",
        # Nobody else gives addresses here; to try each for three seconds, one after another, keeps hosts waiting that boot together.
        "no-ping",
        f"dhcp-hostsfile={DNSMASQ}/dnsmasq.hosts",
        f"addn-hosts={DNSMASQ}/dnsmasq.addn_hosts",
        f"dhcp-script={DNSMASQ}/lease-update.sh",
        f"dhcp-leasefile={DNSMASQ}/dnsmasq.leases",
        # A host that was deleted but still lives is seen again.
        "script-on-renewal",
        "enable-tftp",
        "tftp-no-fail",
        f"tftp-root={TFTP}",
        f"pid-file={DNSMASQ_PID}",
        "no-resolv",
        "no-hosts",
    ]
    return "".join(f"{line}\n" for line in lines)


def engines() -> None:
    """The first controller's databases, made before anybody needs them; Service Management takes the server over."""
    if SM_STATE.joinpath("votes").exists():
        return
    environment = {f"OCF_RESKEY_{name}": value for name, value in _database_parameters().items()}
    command = str(BINARIES / "sm-postgresql")
    _run(command, "start", environment=environment)
    _run(command, "promote", environment=environment)
    _run(command, "prepare", environment=environment)
    if _psql("SELECT count(*) FROM pg_roles WHERE rolname = 'stx'").strip() == "0":
        _psql(f"CREATE ROLE stx LOGIN PASSWORD '{settings()['database_secret']}'")
    for name in COMPONENTS:
        if _psql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}'").strip() == "0":
            _psql(f"CREATE DATABASE {name} OWNER stx")
    _run(command, "stop", environment=environment)
    _run(str(BINARIES / "sm-configure"), "first")


def _database_parameters() -> dict[str, str]:
    told = json.loads(services.of_controller(config.HOSTNAME, "simplex", ""))
    return {name: str(value) for name, value in told["services"]["postgres"]["parameters"].items()}


def _psql(sql: str) -> str:
    return _run("runuser", "-u", "postgres", "--", "psql", "-qAt", "-v", "ON_ERROR_STOP=1", stdin=sql)


def _run(*argv: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
    every = {**os.environ, **(environment or {})}
    done = subprocess.run(argv, input=stdin, env=every, capture_output=True, text=True, timeout=DEADLINE_S, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@tenacity.retry(
    # Keystone is there, but while the lease is late for a moment its address is shut.
    retry=tenacity.retry_if_exception_type(exception.Unavailable),
    wait=tenacity.wait_fixed(1.0),
    stop=tenacity.stop_after_delay(DEADLINE_S / 2),
    reraise=True,
)
def ensure_identity() -> None:
    layout = own_layout()
    identity.ensure_platform(layout, config.load_passwords(layout))


if __name__ == "__main__":
    main()
