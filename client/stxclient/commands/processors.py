# SPDX-License-Identifier: Apache-2.0
"""Processors, NUMA nodes and memory of a host."""

from stxclient import resources
from stxclient.columns import Column, named
from stxclient.commands import parts

_TIMES = named("created_at", "updated_at")


class CpuList(parts.PartList):
    """List the logical processors of a host and what each is for."""

    part = "cpus"
    order = ("cpu",)
    columns = (
        Column("uuid"),
        Column("log_core", "cpu"),
        Column("processor", "numa_node"),
        Column("phy_core", "core"),
        Column("thread"),
        Column("processor_model", "cpu_model"),
        Column("assigned_function", "allocated_function"),
    )


class CpuShow(parts.PartShow):
    """Show one logical processor of a host."""

    part = "cpus"
    example = "controller-0 3"
    wanted = ("cpulcoreoruuid", "Number of the logical core, or uuid.")
    columns = (
        Column("logical_core", "cpu"),
        Column("processor", "numa_node"),
        Column("physical_core", "core"),
        Column("thread"),
        Column("assigned_function", "allocated_function"),
        Column("processor_model", "cpu_model"),
        Column("processor_family", "cpu_family"),
        *named("capabilities", "uuid", "ihost_uuid", "inode_uuid"),
        *_TIMES,
    )


class NodeList(parts.PartList):
    """List the NUMA nodes of a host."""

    part = "nodes"
    order = ("numa_node",)
    columns = named("uuid", "numa_node", "capabilities")


class NodeShow(parts.PartShow):
    """Show one NUMA node of a host."""

    part = "nodes"
    example = "controller-0 5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"
    wanted = ("inodeuuid", "Uuid of the NUMA node.")
    columns = (*named("numa_node", "capabilities", "uuid", "ihost_uuid"), *_TIMES)


_MEMORY = (
    Column("processor", "numa_node"),
    Column("mem_total(MiB)", "memtotal_mib"),
    Column("mem_platform(MiB)", "platform_reserved_mib"),
    Column("mem_avail(MiB)", "memavail_mib"),
    Column("hugepages(hp)_configured", "hugepages_configured", resources.boolean),
    Column("vs_hp_size(MiB)", "vswitch_hugepages_size_mib"),
    Column("vs_hp_total", "vswitch_hugepages_nr"),
    Column("vs_hp_avail", "vswitch_hugepages_avail"),
    Column("vm_total_4K", "vm_hugepages_nr_4K"),
    Column("vm_hp_total_2M", "vm_hugepages_nr_2M"),
    Column("vm_hp_avail_2M", "vm_hugepages_avail_2M"),
    Column("vm_hp_pending_2M", "vm_hugepages_nr_2M_pending"),
    Column("vm_hp_total_1G", "vm_hugepages_nr_1G"),
    Column("vm_hp_avail_1G", "vm_hugepages_avail_1G"),
    Column("vm_hp_pending_1G", "vm_hugepages_nr_1G_pending"),
    Column("vm_hp_use_1G", "vm_hugepages_use_1G", resources.boolean),
)


class MemoryList(parts.PartList):
    """List the memory of a host by NUMA node, with its huge pages (hp) for the virtual switch (vs) and VMs (vm)."""

    part = "memories"
    order = ("numa_node",)
    columns = _MEMORY


class MemoryShow(parts.PartShow):
    """Show the memory of one NUMA node of a host."""

    part = "memories"
    example = "controller-0 0"
    wanted = ("numa_node", "Number of the NUMA node.")
    columns = (
        *_MEMORY,
        Column("vm_hp_possible_2M", "vm_hugepages_possible_2M"),
        Column("vm_hp_possible_1G", "vm_hugepages_possible_1G"),
        Column("mem_platform_min(MiB)", "minimum_platform_reserved_mib"),
        *named("capabilities", "uuid", "ihost_uuid", "inode_uuid"),
        *_TIMES,
    )
