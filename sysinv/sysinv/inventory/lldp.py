# SPDX-License-Identifier: Apache-2.0
"""What lldpd sends on each port and hears there (spec sysinv.md 1.7.4, 3.4).

Everything a neighbour says is text of at most TLV_LIMIT characters; what it doesn't say is None.
"""

from collections.abc import Iterable

from sysinv.inventory import fields

TLV_LIMIT = 1023
_PART_LIMIT = 255
_VID_BYTES = 2
_DOT1 = "00,80,C2"
_VID_DIGEST, _MANAGEMENT_VID, _LINK_AGGREGATION = "5", "6", "7"
_STATUS = {
    "RX and TX": "rx=enabled,tx=enabled",
    "RX only": "rx=enabled,tx=disabled",
    "TX only": "rx=disabled,tx=enabled",
    "disabled": "rx=disabled,tx=disabled",
}


def agents(output: str) -> list[fields.Record]:
    """The records of kind `lldp_agent` from `lldpcli -f json0 show interfaces details`."""
    found = {}
    for interface in _interfaces(output):
        name = interface["name"]
        ttl = _value(interface, "ttl", "ttl")
        told = _shared(interface)
        status = _STATUS.get(_value(interface, "status") or "")
        found[name] = {"port_name": name, "status": status, **told, "ttl": ttl}
    return [found[name] for name in sorted(found)]


def neighbours(output: str) -> list[fields.Record]:
    """The records of kind `lldp_neighbour` from `lldpcli -f json0 show neighbors details`.

    `msap` is chassis/port; a neighbour that doesn't give both isn't one.
    """
    found = {}
    for interface in _interfaces(output):
        name = interface["name"]
        told = {**_shared(interface), **_heard(interface)}
        chassis, port = told["chassis_id"], told["port_identifier"]
        if chassis and port and interface.get("via") == "LLDP":
            msap = f"{chassis}/{port}"
            found[(name, msap)] = {"port_name": name, "msap": msap, **told}
    return [found[key] for key in sorted(found)]


def _interfaces(output: str) -> list[fields.Record]:
    told = fields.mapping(fields.document(output))
    every = (item for part in fields.objects(told.get("lldp")) for item in _under(part, "interface"))
    return [item for item in every if fields.text(item.get("name")) == item.get("name") is not None]


def _shared(interface: fields.Record) -> fields.Record:
    chassis, port = _first(interface, "chassis"), _first(interface, "port")
    return {
        "chassis_id": _value(chassis, "id"),
        "port_identifier": _value(port, "id"),
        "port_description": _value(port, "descr"),
        "system_name": _value(chassis, "name"),
        "system_description": _value(chassis, "descr"),
        "system_capabilities": _join(_capabilities(chassis)),
        "management_address": _join(_values(chassis, "mgmt-ip")),
        "ttl": _value(port, "ttl"),
        "dot1_lag": _link_aggregation(interface),
        "dot1_vlan_names": _join(_values(interface, "vlan")),
        "dot3_mac_status": _mac_status(port),
        "dot3_max_frame": _value(port, "mfs"),
    }


def _heard(interface: fields.Record) -> fields.Record:
    return {
        "dot1_port_vid": _join(_port_vids(interface)),
        "dot1_vid_digest": _unknown_tlv(interface, _VID_DIGEST).hex() or None,
        "dot1_management_vid": _management_vid(interface),
        "dot1_proto_vids": _join(_values(interface, "ppvid")),
        "dot1_proto_ids": _join(_values(interface, "pi")),
        "dot3_power_mdi": _power(_first(interface, "port")),
    }


def _under(entry: fields.Record, name: str) -> list[fields.Record]:
    return fields.objects(entry.get(name))


def _first(entry: fields.Record, name: str) -> fields.Record:
    return next(iter(_under(entry, name)), {})


def _values(entry: fields.Record, name: str, attribute: str = "value") -> list[str]:
    values = (fields.text(item.get(attribute), _PART_LIMIT) for item in _under(entry, name))
    return [value for value in values if value]


def _value(entry: fields.Record, name: str, attribute: str = "value") -> str | None:
    return next(iter(_values(entry, name, attribute)), None)


def _join(values: Iterable[str]) -> str | None:
    return ", ".join(values)[:TLV_LIMIT] or None


def _capabilities(chassis: fields.Record) -> list[str]:
    enabled = [item for item in _under(chassis, "capability") if item.get("enabled") is True]
    return [name.lower() for name in _texts(enabled, "type")]


def _texts(items: Iterable[fields.Record], attribute: str) -> list[str]:
    values = (fields.text(item.get(attribute), _PART_LIMIT) for item in items)
    return [value for value in values if value]


def _port_vids(interface: fields.Record) -> list[str]:
    own = [item for item in _under(interface, "vlan") if item.get("pvid") is True]
    return _texts(own, "vlan-id")


def _mac_status(port: fields.Record) -> str | None:
    negotiation = _first(port, "auto-negotiation")
    if not negotiation:
        return None
    return _flags(
        {
            "auto-negotiation-capable": negotiation.get("supported") is True,
            "auto-negotiation-enabled": negotiation.get("enabled") is True,
        },
        _advertised(negotiation),
    )


def _advertised(negotiation: fields.Record) -> list[str]:
    modes = []
    for item in _under(negotiation, "advertised"):
        duplex = [name for name in ("hd", "fd") if item.get(name) is True]
        modes += [f"{name}({' '.join(duplex)})" for name in _texts([item], "type")]
    return modes


def _power(port: fields.Record) -> str | None:
    power = _first(port, "power")
    if not power:
        return None
    return _flags(
        {
            "power-mdi-supported": power.get("supported") is True,
            "power-mdi-enabled": power.get("enabled") is True,
        }
    )


def _flags(flags: dict[str, bool], rest: Iterable[str] = ()) -> str:
    told = [f"{name}={'y' if is_set else 'n'}" for name, is_set in flags.items()]
    return ",".join([*told, *rest])[:TLV_LIMIT]


def _unknown_tlv(interface: fields.Record, subtype: str) -> bytes:
    """The content of an IEEE 802.1 TLV that lldpd hands on unparsed; empty when it didn't come."""
    for tlv in _under(_first(interface, "unknown-tlvs"), "unknown-tlv"):
        if tlv.get("oui") == _DOT1 and tlv.get("subtype") == subtype:
            try:
                return bytes.fromhex(str(tlv.get("value")).replace(",", ""))
            except ValueError:
                return b""
    return b""


def _management_vid(interface: fields.Record) -> str | None:
    content = _unknown_tlv(interface, _MANAGEMENT_VID)
    return str(int.from_bytes(content, "big")) if len(content) == _VID_BYTES else None


def _link_aggregation(interface: fields.Record) -> str | None:
    """From the 802.1 TLV, or the 802.3 one that it replaced."""
    content = _unknown_tlv(interface, _LINK_AGGREGATION)
    if content:
        return _flags({"capable": bool(content[0] & 1), "enabled": bool(content[0] & 2)})
    return "capable=y,enabled=y" if _value(_first(interface, "port"), "aggregation") else None
