# SPDX-License-Identifier: Apache-2.0
"""Runs on a lab's first controller when it boots: configuration, databases, message bus, identity.

It does what the installation of a real first controller does, with values that the lab wrote onto its disk. Every step looks first
whether it was done, so that it can be repeated.
"""

import functools
import json
import pathlib
import secrets
import shutil
import subprocess
import sys
from typing import Any

from stxembedded import config, identity
from stxembedded.config import Layout
from stxlab import topology

DATA = pathlib.Path("/var/lib/starlingx")
SETTINGS = pathlib.Path("/etc/starlingx/lab.json")
CONFIGURATION = pathlib.Path("/etc/starlingx/starlingx.conf")
COMPONENTS = ("fm", "sysinv")
DNSMASQ, TFTP = "/opt/platform/config/dnsmasq", "/pxeboot"
DNSMASQ_PID = "/run/dnsmasq.pid"
BROKER = pathlib.Path("/etc/rabbitmq/rabbitmq.conf")
DEADLINE_S = 60
BUS_USER = "stx"


def main() -> None:
    {"configuration": configuration, "engines": engines, "identity": ensure_identity}[sys.argv[1]]()


@functools.cache
def settings() -> dict[str, Any]:
    """What the lab says: shape, and the secret of the message bus."""
    return dict(json.loads(SETTINGS.read_text()))


def own_layout() -> Layout:
    return Layout(DATA, settings()["shape"], topology.floating_address("mgmt"))


def configuration() -> None:
    layout = own_layout()
    layout.save()
    passwords = config.load_passwords(layout)
    config.write_configuration(layout, passwords)
    options = config.stx_options(layout, passwords)
    for group, values in _standard(_database_password()).items():
        options[group] = {**options.get(group, {}), **values}
    config.write_private(CONFIGURATION, config.ini(options, "the lab"))
    # dnsmasq reads and serves what is in there as a user of its own.
    for place in (pathlib.Path(DNSMASQ), pathlib.Path(TFTP)):
        for directory in (*reversed(place.parents), place):
            if not directory.exists():
                directory.mkdir()
                directory.chmod(0o755)
    variables = config.exports(config.login_variables(layout, "admin", passwords["admin"]))
    config.write_private(pathlib.Path("/root/openrc"), "".join(f"{line}\n" for line in variables))
    config.write_private(pathlib.Path("/etc/starlingx/dnsmasq.conf"), _dnsmasq())
    config.write_private(BROKER, f"default_user = {BUS_USER}\ndefault_pass = {settings()['bus_secret']}\n")
    shutil.chown(BROKER, "rabbitmq")


def _standard(database_password: str) -> dict[str, dict[str, Any]]:
    """What differs from a controller in one process."""
    return {
        "DEFAULT": {
            "transport_url": f"rabbit://{BUS_USER}:{settings()['bus_secret']}@{topology.floating_address('mgmt')}:5672/",
            "log_dir": "/var/log/starlingx",
            "state_path": DATA,
            "run_path": "/run/starlingx",
        },
        "pmon": {"conf_dir": "/etc/pmon.d"},
        # Hosts that are installed reach it over the network that they are installed from.
        "sysinv_api": {"bind_host": "0.0.0.0"},
        "sysinv_conductor": {
            "management_subnet": topology.SUBNETS["mgmt"],
            "pxeboot_subnet": topology.SUBNETS["pxeboot"],
            "dnsmasq_path": DNSMASQ,
            "dnsmasq_pid_file": DNSMASQ_PID,
            "tftp_path": TFTP,
            "controller_url": f"http://{topology.floating_address('pxeboot')}:6385",
        },
        **{
            f"{component}_database": {"connection": f"postgresql+psycopg2://stx:{database_password}@127.0.0.1/{component}"}
            for component in COMPONENTS
        },
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


def _database_password() -> str:
    path = DATA / "database.password"
    if not path.exists():
        config.write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def engines() -> None:
    password = _database_password()
    sql = [f"CREATE ROLE stx LOGIN PASSWORD '{password}'", *(f"CREATE DATABASE {name} OWNER stx" for name in COMPONENTS)]
    if _psql("SELECT count(*) FROM pg_roles WHERE rolname = 'stx'").strip() == "0":
        _psql(sql[0])
    for name, statement in zip(COMPONENTS, sql[1:], strict=True):
        if _psql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}'").strip() == "0":
            _psql(statement)


def _psql(sql: str) -> str:
    return _run("runuser", "-u", "postgres", "--", "psql", "-qAt", "-v", "ON_ERROR_STOP=1", stdin=sql)


def _run(*argv: str, stdin: str = "") -> str:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=DEADLINE_S, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ensure_identity() -> None:
    layout = own_layout()
    identity.ensure_platform(layout, config.load_passwords(layout))


if __name__ == "__main__":
    main()
