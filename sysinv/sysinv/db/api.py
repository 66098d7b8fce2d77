# SPDX-License-Identifier: Apache-2.0
"""What is asked of the sysinv database and written into it."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_utils import uuidutils
from sqlalchemy.engine import Connection

from stx import db, exception, paging
from sysinv import board, defaults, rules
from sysinv.db import models

database = db.Database("sysinv")

Record = dict[str, Any]
_system, _host = models.i_system, models.i_host

# Attributes of hosts that lists are not sorted by, as nobody is shown them.
_INNER = frozenset(
    {
        *("bm_password", "action_number", "requested_action", "action_taken", "install_silent_minutes"),
        *("mtce_procedure", "mtce_stage", "mtce_attempts", "mtce_number", "mtce_boot_id", "mtce_failures", "mtce_cause"),
    }
)

# Inventory by the name that the agent gives a kind: its table, and the columns that tell its rows apart on one host.
TABLES: dict[str, tuple[sa.Table, tuple[str, ...]]] = {
    "numa": (models.i_node, ("numa_node",)),
    "cpu": (models.i_icpu, ("cpu",)),
    "memory": (models.i_imemory, ("numa_node",)),
    "disk": (models.i_idisk, ("device_path",)),
    "partition": (models.partition, ("device_path",)),
    "port": (models.port, ("name",)),
    "pci": (models.pci_devices, ("pciaddr",)),
    "lldp_agent": (models.lldp_agent, ("port_name",)),
    "lldp_neighbour": (models.lldp_neighbour, ("port_name", "msap")),
    "sensorgroup": (models.i_sensorgroups, ("sensorgroupname",)),
    "sensor": (models.i_sensors, ("sensorname",)),
}
# What a host's board tells, and not its agent.
OF_BOARDS = frozenset({"sensorgroup", "sensor"})

# What the operator decides: a report from the host fills it in once and never overwrites it.
_DECIDED: dict[str, frozenset[str]] = {
    "cpu": frozenset({"allocated_function"}),
    "memory": frozenset(
        {"platform_reserved_mib", "vswitch_hugepages_reqd", "vm_hugepages_nr_2M_pending", "vm_hugepages_nr_1G_pending"}
    ),
    "partition": frozenset({"status", "capabilities"}),
    "pci": frozenset({"name", "enabled"}),
    "sensorgroup": frozenset(
        {"audit_interval_group", "actions_minor_group", "actions_major_group", "actions_critical_group", "suppress"}
    ),
    "sensor": frozenset({"suppress", "status"}),
}
_HOUSEKEEPING = frozenset({"id", "uuid", "created_at", "updated_at", "host_id"})


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _stamped(values: Mapping[str, Any]) -> Record:
    return {"uuid": str(uuid.uuid4()), "created_at": _now(), "updated_at": None, **values}


# -- systems


@database.reader
def get_system(connection: Connection) -> Record | None:
    """The system, or None before its database was filled."""
    row = connection.execute(sa.select(_system)).mappings().first()
    return None if row is None else dict(row)


@database.reader
def list_systems(connection: Connection, page: paging.Page) -> list[Record]:
    return paging.fetch(connection, sa.select(_system), _system, page)


@database.writer
def create_system(connection: Connection, values: Mapping[str, Any]) -> None:
    """Make the system's row, unless there is one."""
    if connection.execute(sa.select(sa.func.count()).select_from(_system)).scalar_one() == 0:
        connection.execute(sa.insert(_system), _stamped(values))


@database.writer
def update_system(connection: Connection, system_uuid: str, changes: Mapping[str, Any]) -> int:
    """Gives the number of rows changed, 0 or 1."""
    return connection.execute(
        sa.update(_system).where(_system.c.uuid == system_uuid).values(**changes, updated_at=_now())
    ).rowcount


# -- hosts


def _hosts() -> sa.Select[Any]:
    # Whoever reads hosts learns that there is a password, and not what it is.
    columns = [column for column in _host.c if column.name != "bm_password"]
    has_password = _host.c.bm_password.is_not(None).label("has_bm_password")
    return sa.select(*columns, has_password, _system.c.uuid.label("isystem_uuid")).join_from(_host, _system)


def _identified(reference: str) -> Any:
    """The condition for a host given by id, uuid or name."""
    if uuidutils.is_uuid_like(reference):
        return _host.c.uuid == reference
    if reference.isascii() and reference.isdigit() and len(reference) < 10:
        return _host.c.id == int(reference)
    return _host.c.hostname == reference


@database.reader
def list_hosts(connection: Connection, page: paging.Page, personality: str | None = None) -> list[Record]:
    select = _hosts()
    if personality is not None:
        select = select.where(_host.c.personality == personality)
    return paging.fetch(connection, select, _host, page, hidden=_INNER)


@database.reader
def all_hosts(connection: Connection, uuids: Sequence[str] | None = None) -> list[Record]:
    """:param uuids: of those that are wanted; by default all are"""
    select = _hosts() if uuids is None else _hosts().where(_host.c.uuid.in_(uuids))
    return db.records(connection.execute(select.order_by(_host.c.id)))


@database.reader
def peers(connection: Connection) -> list[Record]:
    """Of all hosts, what the rules about one look at in the others."""
    return db.records(connection.execute(sa.select(*(_host.c[name] for name in rules.OF_PEERS)).order_by(_host.c.id)))


@database.reader
def named_hosts(connection: Connection, names: Sequence[str]) -> list[Record]:
    """The hosts of these names that there are."""
    select = _hosts().where(_host.c.hostname.in_(names)).order_by(_host.c.id)
    return db.records(connection.execute(select))


@database.reader
def get_host(connection: Connection, reference: str) -> Record:
    """The host with this id, uuid or name.

    :raises exception.NotFound: when there is none
    """
    row = connection.execute(_hosts().where(_identified(reference))).mappings().one_or_none()
    if row is None:
        raise exception.NotFound(f"There is no host {reference[:80]}. `system host-list` shows those that there are.")
    return dict(row)


@database.reader
def boards(connection: Connection) -> list[Record]:
    """How the boards of hosts are reached; passwords as they are stored."""
    columns = (_host.c[name] for name in ("hostname", *board.FIELDS))
    known = sa.and_(_host.c.hostname.is_not(None), *(_host.c[name].is_not(None) for name in board.FIELDS))
    return db.records(connection.execute(sa.select(*columns).where(known).order_by(_host.c.id)))


@database.reader
def find_hosts(connection: Connection, macs: Sequence[str], hostname: str) -> list[Record]:
    """The hosts that have one of these MAC addresses, or this name."""
    is_it = sa.or_(_host.c.mgmt_mac.in_(macs), _host.c.hostname == hostname)
    return db.records(connection.execute(_hosts().where(is_it).order_by(_host.c.id)))


@database.reader
def is_known_mac(connection: Connection, mac: str) -> bool:
    """Whether a host is known by this MAC address, or has reported it as that of one of its ports."""
    known = sa.union_all(
        sa.select(_host.c.id).where(_host.c.mgmt_mac == mac), sa.select(models.port.c.id).where(models.port.c.mac == mac)
    )
    return connection.execute(known.limit(1)).first() is not None


@database.reader
def macs(connection: Connection, host_uuid: str) -> set[str]:
    """The MAC addresses that a host is known by."""
    own = sa.select(_host.c.id).where(_host.c.uuid == host_uuid).scalar_subquery()
    known = sa.union_all(
        sa.select(_host.c.mgmt_mac).where(_host.c.id == own), sa.select(models.port.c.mac).where(models.port.c.host_id == own)
    )
    return {mac.lower() for mac in connection.execute(known).scalars() if mac}


@database.writer
def create_host(connection: Connection, values: Mapping[str, Any]) -> None:
    """Make a host's row. `values` has its uuid, so that the transaction may be repeated when its end was not heard."""
    if connection.execute(sa.select(_host.c.id).where(_host.c.uuid == values["uuid"])).first() is None:
        connection.execute(sa.insert(_host), _stamped(values))


@database.writer
def update_host(connection: Connection, host_uuid: str, changes: Mapping[str, Any]) -> int:
    """Gives the number of rows changed, 0 or 1."""
    return connection.execute(sa.update(_host).where(_host.c.uuid == host_uuid).values(**changes, updated_at=_now())).rowcount


@database.writer
def update_hosts(connection: Connection, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Change hosts, all or none.

    :param changes: by the host's uuid
    """
    for host_uuid, values in changes.items():
        connection.execute(sa.update(_host).where(_host.c.uuid == host_uuid).values(**values, updated_at=_now()))


@database.writer
def delete_host(connection: Connection, host_uuid: str) -> int:
    """Remove a host and all that it has. Gives the number of hosts removed, 0 or 1."""
    return connection.execute(sa.delete(_host).where(_host.c.uuid == host_uuid)).rowcount


# -- inventory


@database.reader
def get_digests(connection: Connection, host_uuid: str) -> dict[str, str]:
    """The digest of each kind of inventory that is stored of a host."""
    known = models.host_inventory
    select = sa.select(known.c.kind, known.c.digest).join_from(known, _host).where(_host.c.uuid == host_uuid)
    return dict(connection.execute(select).tuples().all())


@database.writer
def store_inventory(connection: Connection, host_uuid: str, reports: Mapping[str, tuple[str, list[Record]]]) -> bool:
    """Make the stored inventory of a host equal to what it reports; what it no longer has goes.

    :param reports: by kind, the report's digest and its records
    :returns: False when there is no such host
    """
    # Locked: two reports of one host are stored one after the other.
    host_id = connection.execute(sa.select(_host.c.id).where(_host.c.uuid == host_uuid).with_for_update()).scalar_one_or_none()
    if host_id is None:
        return False
    for kind, (digest, records) in reports.items():
        store_kind(connection, host_id, kind, records)
        row = {"host_id": host_id, "kind": kind, "digest": digest, "reported_at": _now()}
        db.upsert(connection, models.host_inventory, ["host_id", "kind"], [row])
    return True


def store_kind(connection: Connection, host_id: int, kind: str, records: list[Record]) -> None:
    """Within a transaction: make what is stored of one kind equal to the records, but for what is not the reporter's to decide."""
    table, key = TABLES[kind]
    columns = [column.name for column in table.c if column.name not in _HOUSEKEEPING]
    decided = _DECIDED.get(kind, frozenset())
    stored = {
        tuple(row[name] for name in key): row
        for row in db.records(connection.execute(sa.select(table).where(table.c.host_id == host_id)))
    }
    new, changed = [], []
    for record in records:
        before = stored.pop(tuple(record[name] for name in key), None)
        if before is None:
            new.append(_stamped({"host_id": host_id, **{name: record.get(name) for name in columns}}))
            continue
        after = {name: before[name] if name in decided else record.get(name) for name in columns}
        if any(before[name] != after[name] for name in columns):
            changed.append({**before, **after, "updated_at": _now()})
    if stored:
        connection.execute(sa.delete(table).where(table.c.id.in_([row["id"] for row in stored.values()])))
    if new:
        connection.execute(sa.insert(table), new)
    db.upsert(connection, table, ["id"], changed)


def _inventory(kind: str) -> sa.Select[Any]:
    table, _ = TABLES[kind]
    columns = [
        *table.c,
        _host.c.uuid.label("ihost_uuid"),
        _host.c.uuid.label("host_uuid"),
        table.c.host_id.label("forihostid"),
        _host.c.subfunctions.label("host_subfunctions"),
    ]
    select = sa.select(*columns).join_from(table, _host)
    if "numa_node" in table.c and kind != "numa":
        node = models.i_node
        on_node = sa.and_(node.c.host_id == table.c.host_id, node.c.numa_node == table.c.numa_node)
        select = select.add_columns(node.c.uuid.label("inode_uuid")).join(node, on_node, isouter=True)
    if kind == "partition":
        disk = models.i_idisk
        on_disk = sa.and_(disk.c.host_id == table.c.host_id, disk.c.device_node == table.c.disk_node)
        select = select.add_columns(disk.c.uuid.label("idisk_uuid"), disk.c.id.label("idisk_id")).join(
            disk, on_disk, isouter=True
        )
    if kind in ("lldp_agent", "lldp_neighbour"):
        port = models.port
        on_port = sa.and_(port.c.host_id == table.c.host_id, port.c.name == table.c.port_name)
        select = select.add_columns(port.c.uuid.label("port_uuid")).join(port, on_port, isouter=True)
    if kind == "sensor":
        group = models.i_sensorgroups
        in_group = sa.and_(group.c.host_id == table.c.host_id, group.c.sensorgroupname == table.c.sensorgroupname)
        # What is set of a group holds for its sensors.
        inherited = [
            group.c[f"actions_{severity}_group"].label(f"actions_{severity}") for severity in ("minor", "major", "critical")
        ]
        select = select.add_columns(
            group.c.uuid.label("sensorgroup_uuid"), group.c.audit_interval_group.label("audit_interval"), *inherited
        ).join(group, in_group, isouter=True)
    return select


@database.reader
def busy_partitions(connection: Connection, host_ids: Sequence[int]) -> dict[int, list[str]]:
    """By host, paths of its partitions that are being made, changed or removed."""
    table = models.partition
    is_meant = table.c.host_id.in_(host_ids), table.c.status.in_(defaults.PARTITIONS_BUSY)
    found: dict[int, list[str]] = {}
    for host_id, path in connection.execute(
        sa.select(table.c.host_id, table.c.device_path).where(*is_meant).order_by(table.c.device_path)
    ):
        found.setdefault(host_id, []).append(path)
    return found


# A thing inside a thing: (what is listed, what it is inside of) to the column that ties them.
_INSIDE = {
    ("cpu", "numa"): models.i_node,
    ("memory", "numa"): models.i_node,
    ("port", "numa"): models.i_node,
    ("partition", "disk"): models.i_idisk,
    ("lldp_agent", "port"): models.port,
    ("lldp_neighbour", "port"): models.port,
    ("sensor", "sensorgroup"): models.i_sensorgroups,
}


@database.reader
def list_inventory(
    connection: Connection, kind: str, page: paging.Page, host: str | None = None, inside: tuple[str, str] | None = None
) -> list[Record]:
    """A page of one kind of inventory.

    :param host: id, uuid or name of the host whose it is
    :param inside: (kind, uuid) of what it is a part of, such as ("disk", uuid) for partitions
    """
    select = _inventory(kind)
    if host is not None:
        select = select.where(_identified(host))
    if inside is not None:
        select = select.where(_INSIDE[(kind, inside[0])].c.uuid == inside[1])
    return paging.fetch(connection, select, TABLES[kind][0], page)


@database.reader
def get_inventory(connection: Connection, kind: str, item_uuid: str) -> Record | None:
    row = connection.execute(_inventory(kind).where(TABLES[kind][0].c.uuid == item_uuid)).mappings().one_or_none()
    return None if row is None else dict(row)
