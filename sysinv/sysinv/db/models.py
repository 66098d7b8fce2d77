# SPDX-License-Identifier: Apache-2.0
"""Tables of the sysinv database (spec sysinv.md 4)."""

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _text(name: str, length: int = 255, **options: Any) -> sa.Column:
    return sa.Column(name, sa.String(length), **options)


def _number(name: str, **options: Any) -> sa.Column:
    return sa.Column(name, sa.Integer, **options)


def _table(name: str, *columns: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        *columns,
        sqlite_autoincrement=True,
    )


def _of_host(name: str, key: tuple[str, ...], *columns: sa.Column) -> sa.Table:
    """A table of things that a host has; `key` tells them apart on one host."""
    host_id = sa.Column("host_id", sa.Integer, sa.ForeignKey("i_host.id", ondelete="CASCADE"), nullable=False)
    return _table(name, host_id, *columns, sa.UniqueConstraint("host_id", *key, name=f"uq_{name}_host"))


i_system = _table(
    "i_system",
    _text("name", unique=True, nullable=False),
    _text("system_type", nullable=False),
    _text("system_mode"),
    _text("description"),
    _text("contact"),
    _text("location"),
    _number("services", nullable=False),
    _text("software_version", 31, nullable=False),
    _text("timezone", nullable=False),
    _text("region_name", nullable=False),
    _text("service_project_name", nullable=False),
    _text("distributed_cloud_role"),
    _text("security_feature"),
    _text("latitude", 30),
    _text("longitude", 30),
    sa.Column("capabilities", sa.JSON, nullable=False),
)

i_host = _table(
    "i_host",
    sa.Column("forisystemid", sa.Integer, sa.ForeignKey("i_system.id"), nullable=False),
    _text("hostname", unique=True),
    _text("personality", 31),
    _text("subfunctions"),
    _text("mgmt_mac", 31, unique=True),
    _text("mgmt_ip", 63, unique=True),
    _text("infra_ip", 63),
    _text("serialid"),
    sa.Column("location", sa.JSON, nullable=False),
    _text("administrative", 31, nullable=False),
    _text("operational", 31, nullable=False),
    _text("availability", 31, nullable=False),
    _text("subfunction_oper", 31, nullable=False),
    _text("subfunction_avail", 31, nullable=False),
    _text("invprovision", 31),
    _text("action", 31, nullable=False),
    _text("ihost_action"),
    _text("action_state"),
    _text("task"),
    _text("mtce_info"),
    _text("vim_progress_status"),
    sa.Column("reserved", sa.Boolean, nullable=False),
    _number("uptime", nullable=False),
    sa.Column("capabilities", sa.JSON, nullable=False),
    _text("config_status"),
    _text("config_applied"),
    _text("config_target"),
    _text("boot_device", nullable=False),
    _text("rootfs_device", nullable=False),
    _text("install_output", 31, nullable=False),
    _text("console", nullable=False),
    _text("tboot", 31, nullable=False),
    _text("ttys_dcd", 31),
    _text("vsc_controllers"),
    _text("install_state"),
    _text("install_state_info"),
    _number("install_silent_minutes", nullable=False, server_default="0"),
    _text("software_load", 31, nullable=False),
    _text("target_load", 31, nullable=False),
    _text("iscsi_initiator_name"),
    _text("hw_settle", 31),
    _text("clock_synchronization", 31, nullable=False),
    _text("bm_ip"),
    _text("bm_type", 31),
    _text("bm_username"),
    # Encrypted.
    _text("bm_password", 1023),
    # How many actions were asked for, and the newest of them.
    _number("action_number", nullable=False, server_default="0"),
    _text("requested_action", 31),
    # What mtce keeps here: the newest request that it took up, and where its work on the host stands.
    _number("action_taken", nullable=False, server_default="0"),
    _text("mtce_procedure", 31),
    _text("mtce_stage", 31),
    _number("mtce_attempts", nullable=False, server_default="0"),
    _number("mtce_number", nullable=False, server_default="0"),
    _text("mtce_boot_id", 63),
    sa.Column("mtce_failures", sa.JSON, nullable=False, server_default=sa.text("'{}'")),
    _text("mtce_cause", 31),
)

i_node = _of_host("i_node", ("numa_node",), _number("numa_node", nullable=False), sa.Column("capabilities", sa.JSON))

i_icpu = _of_host(
    "i_icpu",
    ("cpu",),
    _number("cpu", nullable=False),
    _number("numa_node"),
    _number("core"),
    _number("thread"),
    _text("cpu_family"),
    _text("cpu_model"),
    _text("allocated_function", 31),
    sa.Column("capabilities", sa.JSON),
)

i_imemory = _of_host(
    "i_imemory",
    ("numa_node",),
    _number("numa_node", nullable=False),
    _number("memtotal_mib"),
    _number("memavail_mib"),
    _number("node_memtotal_mib"),
    _number("platform_reserved_mib"),
    sa.Column("hugepages_configured", sa.Boolean),
    _number("vswitch_hugepages_size_mib"),
    _number("vswitch_hugepages_reqd"),
    _number("vswitch_hugepages_nr"),
    _number("vswitch_hugepages_avail"),
    _number("vm_hugepages_nr_4K"),
    _number("vm_hugepages_nr_2M"),
    _number("vm_hugepages_avail_2M"),
    _number("vm_hugepages_nr_2M_pending"),
    _number("vm_hugepages_possible_2M"),
    _number("vm_hugepages_nr_1G"),
    _number("vm_hugepages_avail_1G"),
    _number("vm_hugepages_nr_1G_pending"),
    _number("vm_hugepages_possible_1G"),
    sa.Column("vm_hugepages_use_1G", sa.Boolean),
    sa.Column("capabilities", sa.JSON),
)

i_idisk = _of_host(
    "i_idisk",
    ("device_path",),
    _text("device_path", nullable=False),
    _text("device_node"),
    _number("device_num"),
    _text("device_type", 31),
    _text("device_id"),
    _text("device_wwn"),
    _number("size_mib"),
    _number("available_mib"),
    _text("rpm", 31),
    _text("serial_id"),
    sa.Column("capabilities", sa.JSON),
)

partition = _of_host(
    "partition",
    ("device_path",),
    _text("device_path", nullable=False),
    _text("device_node"),
    # The whole disk's node; it ties the partition to its disk however the disk is named today.
    _text("disk_node"),
    _number("start_mib"),
    _number("end_mib"),
    _number("size_mib"),
    _text("type_guid"),
    _text("type_name"),
    _number("status"),
    sa.Column("capabilities", sa.JSON),
)

port = _of_host(
    "port",
    ("name",),
    _text("name", nullable=False),
    _text("type", 31),
    _text("namedisplay"),
    _text("pciaddr"),
    _number("dev_id"),
    _text("pclass"),
    _text("pvendor"),
    _text("pdevice"),
    _text("psvendor"),
    _text("psdevice"),
    _number("numa_node"),
    _number("sriov_totalvfs"),
    _number("sriov_numvfs"),
    _text("sriov_vfs_pci_address", 8191),
    _text("driver"),
    sa.Column("dpdksupport", sa.Boolean),
    _text("mac", 63),
    _number("mtu"),
    _number("speed"),
    _number("link_mode"),
    _text("duplex", 31),
    _text("autoneg", 31),
    _text("bootp", 31),
    sa.Column("capabilities", sa.JSON),
)

pci_devices = _of_host(
    "pci_devices",
    ("pciaddr",),
    _text("pciaddr", nullable=False),
    _text("name"),
    _text("pclass_id", 31),
    _text("pvendor_id", 31),
    _text("pdevice_id", 31),
    _text("pclass"),
    _text("pvendor"),
    _text("pdevice"),
    _text("psvendor"),
    _text("psdevice"),
    _number("numa_node"),
    _number("sriov_totalvfs"),
    _number("sriov_numvfs"),
    _text("sriov_vfs_pci_address", 8191),
    _text("driver"),
    sa.Column("enabled", sa.Boolean),
    sa.Column("extra_info", sa.Text),
)

# What an LLDP agent sends on a port, and what it hears there: the same TLVs.
_TLVS = (
    "chassis_id",
    "port_identifier",
    "port_description",
    "system_name",
    "system_description",
    "system_capabilities",
    "management_address",
    "ttl",
    "dot1_lag",
    "dot1_vlan_names",
    "dot3_mac_status",
    "dot3_max_frame",
)
_HEARD_TLVS = (
    "dot1_port_vid",
    "dot1_vid_digest",
    "dot1_management_vid",
    "dot1_proto_vids",
    "dot1_proto_ids",
    "dot3_power_mdi",
)

lldp_agent = _of_host(
    "lldp_agent",
    ("port_name",),
    _text("port_name", nullable=False),
    _text("status"),
    *[_text(name, 1023) for name in _TLVS],
)

lldp_neighbour = _of_host(
    "lldp_neighbour",
    ("port_name", "msap"),
    _text("port_name", nullable=False),
    _text("msap", 511, nullable=False),
    *[_text(name, 1023) for name in (*_TLVS, *_HEARD_TLVS)],
)

# From where on a sensor is minor, major or critical; text, as they are shown.
_THRESHOLDS = tuple(f"t_{severity}_{end}" for severity in ("minor", "major", "critical") for end in ("lower", "upper"))

i_sensorgroups = _of_host(
    "i_sensorgroups",
    ("sensorgroupname",),
    _text("sensorgroupname", nullable=False),
    _text("path"),
    _text("sensortype", 31),
    _text("datatype", 31),
    _text("state", 31),
    _text("possible_states"),
    _text("algorithm", 63),
    _number("audit_interval_group"),
    *[_text(f"actions_{severity}_choices") for severity in ("critical", "major", "minor")],
    *[_text(f"actions_{severity}_group", 31) for severity in ("minor", "major", "critical")],
    sa.Column("suppress", sa.Boolean),
    *[_text(f"{name}_group", 31) for name in ("unit_base", "unit_modifier", "unit_rate", *_THRESHOLDS)],
    _number("record_ttl"),
    # The names of its sensors, with commas between them.
    sa.Column("sensors", sa.Text),
    sa.Column("capabilities", sa.JSON),
)

i_sensors = _of_host(
    "i_sensors",
    ("sensorname",),
    _text("sensorname", nullable=False),
    _text("sensorgroupname", nullable=False),
    _text("path"),
    _text("sensortype", 31),
    _text("datatype", 31),
    _text("status", 31),
    _text("state", 31),
    _text("state_requested", 31),
    _text("sensor_action_requested", 31),
    _text("algorithm", 63),
    sa.Column("suppress", sa.Boolean),
    *[_text(name, 31) for name in ("unit_base", "unit_modifier", "unit_rate", *_THRESHOLDS)],
    sa.Column("capabilities", sa.JSON),
)

# Hosts whose sensors somebody wants learned anew; the token tells one wish from the next.
sensor_relearn = sa.Table(
    "sensor_relearn",
    metadata,
    sa.Column("host_id", sa.Integer, sa.ForeignKey("i_host.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("token", sa.String(36), nullable=False),
)

service_parameter = _table(
    "service_parameter",
    _text("service", 16, nullable=False),
    _text("section", 128, nullable=False),
    _text("name", nullable=False),
    _text("value", nullable=False),
    _text("personality"),
    _text("resource"),
    sa.UniqueConstraint("service", "section", "name", "personality", "resource", name="uq_service_parameter"),
)

# What the parameters of a service were when they were applied last: section, name, value, personality and resource of each.
service_parameter_applied = sa.Table(
    "service_parameter_applied",
    metadata,
    sa.Column("service", sa.String(16), primary_key=True),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("applied_at", sa.DateTime, nullable=False),
)

# What each host reported last, by kind: an unchanged report is known by its digest alone.
host_inventory = sa.Table(
    "host_inventory",
    metadata,
    sa.Column("host_id", sa.Integer, sa.ForeignKey("i_host.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(31), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("reported_at", sa.DateTime, nullable=False),
)

i_community = _table(
    "i_community",
    _text("community", nullable=False, unique=True),
    _text("view", nullable=False),
    _text("access", nullable=False),
)

# The two passwords are encrypted.
i_trap_destination = _table(
    "i_trap_destination",
    _text("ip_address", nullable=False, unique=True),
    _text("community"),
    sa.Column("port", sa.Integer, nullable=False),
    _text("type", nullable=False),
    _text("transport", nullable=False),
    _text("security_name"),
    sa.Column("auth_password", sa.Text),
    sa.Column("priv_password", sa.Text),
)
