# SPDX-License-Identifier: Apache-2.0
"""sm-configure: says what Service Management shall run. It takes effect when sm starts."""

import argparse
import contextlib
import pathlib
import sys
from collections.abc import Sequence

from sm import configuration, control, lease
from sm.cmd.dump import RUN_PATH
from sm.db import Database, DatabaseError
from sm.keeper import FILE, Keeper
from sm.parameters import parameters, read_parameters
from stx.commandline import Parser

SHIPPED = pathlib.Path(__file__).parents[1] / "services.yaml"
STATE_PATH = "/var/lib/sm"
_TABLES = {
    "service-domain": ("SERVICE_DOMAINS", "name"),
    "service-domain-member": ("SERVICE_DOMAIN_MEMBERS", "service_group_name"),
    "service-domain-interface": ("SERVICE_DOMAIN_INTERFACES", "service_domain_interface"),
    "service-group": ("SERVICE_GROUPS", "name"),
    "service-group-member": ("SERVICE_GROUP_MEMBERS", "service_name"),
    "service": ("SERVICES", "name"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line: 0 done, 1 refused, 2 not understood."""
    arguments = _parser().parse_args(argv)
    return _run(arguments, "sm-configure")


def provision(argv: Sequence[str] | None = None) -> int:
    return _run(_provision_parser("sm-provision", "yes").parse_args(argv), "sm-provision")


def deprovision(argv: Sequence[str] | None = None) -> int:
    return _run(_provision_parser("sm-deprovision", "no").parse_args(argv), "sm-deprovision")


def _run(arguments: argparse.Namespace, program: str) -> int:
    try:
        arguments.run(arguments)
    except (configuration.ConfigurationError, DatabaseError, RefusedError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{program}: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


class RefusedError(Exception):
    """It is not done; the message says why."""


def _parser() -> Parser:
    top = Parser(
        prog="sm-configure",
        description="Says what Service Management shall run on this host. It takes effect when sm starts.",
        example="sm-configure load /etc/starlingx/sm.yaml",
    )
    top.add_argument("--state-path", default=STATE_PATH, help="where the database is (default: %(default)s)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    load = commands.add_parser(
        "load", example="sm-configure load /etc/starlingx/sm.yaml", help="replace all that is configured by what files say"
    )
    load.add_argument("files", nargs="+", metavar="FILE", help="YAML; later ones go over earlier ones")
    load.add_argument("--without-shipped", action="store_true", help="do not begin with the set of services that is shipped")
    load.set_defaults(run=_load)
    first = commands.add_parser(
        "first", example="sm-configure first", help="make this the first controller of a new system, which nobody has yet"
    )
    first.set_defaults(run=_first)
    alone = commands.add_parser(
        "alone",
        example="sm-configure alone",
        help="have this controller go on alone, when the other one is off, and stays off until this one is active",
    )
    alone.add_argument("--run-path", default=RUN_PATH, help="where sm keeps states (default: %(default)s)")
    alone.add_argument("--lose-data", action="store_true", help="also if it may lack what was written last")
    alone.set_defaults(run=_alone)
    instance = commands.add_parser(
        "service_instance",
        example="sm-configure service_instance oam-ip oam-ip ip=10.10.10.2,nic=eth0",
        help="set the parameters of a service",
    )
    instance.add_argument("service")
    instance.add_argument("instance")
    instance.add_argument("parameters", help="name=value,name=value")
    instance.set_defaults(run=_instance)
    return top


def _provision_parser(program: str, value: str) -> Parser:
    top = Parser(
        prog=program,
        description=("Has" if value == "yes" else "No longer has")
        + " Service Management look after something. It takes effect when sm starts.",
        example=f"{program} service oam-ip",
    )
    top.add_argument("--state-path", default=STATE_PATH, help="where the database is (default: %(default)s)")
    top.add_argument("kind", choices=sorted(_TABLES))
    top.add_argument("names", nargs="+", metavar="NAME", help="the last one is what is meant; those before say where it is")
    top.set_defaults(run=_provision, value=value)
    return top


def _database(arguments: argparse.Namespace) -> Database:
    return Database(pathlib.Path(arguments.state_path) / "sm.db")


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path} is no YAML: it is not in UTF-8, from byte {error.start} on.") from error


def _load(arguments: argparse.Namespace) -> None:
    files = [*([] if arguments.without_shipped else [SHIPPED]), *(pathlib.Path(name) for name in arguments.files)]
    tables = configuration.parse({str(path): _read(path) for path in files})
    database = _database(arguments)
    database.load(tables)
    rows = tables["SERVICES"]
    provisioned = sum(row["provisioned"] == "yes" for row in rows)
    print(
        f"{provisioned} services in {len(tables['SERVICE_GROUPS'])} groups are configured. They run from the next start of sm on."
    )


def _first(arguments: argparse.Namespace) -> None:
    node = _database(arguments).value("node")
    if not node:
        raise RefusedError("This host has no name yet. Load a file that has one first: sm-configure load FILE")
    with contextlib.closing(Keeper(pathlib.Path(arguments.state_path))) as keeper:
        keeper.claim()
        if keeper.kept != lease.Kept():
            raise RefusedError(
                f"This host has voted in a system before. To begin a new one, remove {FILE} from its state directory."
            )
        keeper.keep(lease.Kept(0, None, lease.Record(0, 0, frozenset({node}), frozenset({node}))))
    print(f"{node} is the first controller.")


def _alone(arguments: argparse.Namespace) -> None:
    with contextlib.suppress(control.ControlError):
        control.ask(pathlib.Path(arguments.run_path), do="status")
        raise RefusedError("sm is at work on this host. Stop it first: systemctl stop sm")
    node = _database(arguments).value("node")
    with contextlib.closing(Keeper(pathlib.Path(arguments.state_path))) as keeper:
        keeper.claim()
        kept = keeper.kept
        if not node or kept == lease.Kept():
            raise RefusedError("This host has never voted in a system. To begin a new one: sm-configure first")
        if node not in kept.record.eligible and not arguments.lose_data:
            raise RefusedError(
                f"{node} may lack what was written last; only {', '.join(sorted(kept.record.eligible))} has it. "
                "If that is lost for good: sm-configure alone --lose-data"
            )
        term = max(kept.term, kept.record.term) + 1
        keeper.keep(lease.Kept(term, node, lease.Record(term, 0, frozenset({node}), frozenset({node}))))
    print(f"{node} goes on alone. Start it: systemctl start sm")


def _instance(arguments: argparse.Namespace) -> None:
    database = _database(arguments)
    if not database.rows("SERVICES", name=arguments.service):
        raise RefusedError(f"There is no service {arguments.service}. Look at sm-dump.")
    given = parameters(read_parameters(arguments.parameters))
    row = {"service_name": arguments.service, "instance_name": arguments.instance, "instance_parameters": given}
    database.put("SERVICE_INSTANCES", [row])


def _provision(arguments: argparse.Namespace) -> None:
    table, column = _TABLES[arguments.kind]
    database, name = _database(arguments), arguments.names[-1]
    rows = database.rows(table, **{column: name})
    if not rows:
        raise RefusedError(f"There is no {arguments.kind} {name}.")
    database.put(table, [{**row, "provisioned": arguments.value} for row in rows])
