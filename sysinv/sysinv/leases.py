# SPDX-License-Identifier: Apache-2.0
"""What dnsmasq tells of a lease, and when a machine is discovered by it (spec sysinv.md 6.1)."""

import dataclasses
import ipaddress
import re
import shlex
import struct
from collections.abc import Iterable, Mapping

# Of one note, in bytes.
NOTE_LIMIT = 512
# Of notes that wait; a machine that is not noted asks for its address again.
QUEUE_LIMIT = 1024

# The network that hosts are installed from; a range of addresses has this tag: dhcp-range=set:pxeboot,…
PXEBOOT = "pxeboot"

_NOTE = re.compile(
    r"(?P<action>add|old) (?P<mac>[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}) (?P<address>[0-9a-fA-F.:]{2,45})"
    r"(?P<tags>(?: [\w.:!-]{1,64})*) ?\n",
    re.ASCII,
)

# It is quick: what it checks keeps a note small and its name a name, and all judgement is the conductor's. A machine has one note, its
# newest.
_SCRIPT = """#!/bin/sh
# Made by sysinv-conductor; changes made here are lost.
# dnsmasq calls this at every lease: add|old|del MAC IP [HOSTNAME]. It leaves a note for the conductor and never waits.
exec 2>/dev/null
LC_ALL=C
queue={queue}
case $1 in add|old) ;; *) exit 0 ;; esac
name=$2
# A lease that is renewed comes without tags: the conductor sees by its address of which network it is.
case " $DNSMASQ_TAGS " in *" {tag} "*) ;; "  ") name=$2-$3 ;; *) exit 0 ;; esac
case $3 in *[!0-9a-fA-F.:]*) exit 0 ;; esac
case $2 in *[!0-9a-fA-F:]*) exit 0 ;; ??:??:??:??:??:??) ;; *) exit 0 ;; esac
note="$1 $2 $3 $DNSMASQ_TAGS"
[ ${{#note}} -lt {note_limit} ] || exit 0
name=$queue/$name new=$queue/.$$
if [ ! -e "$name" ]; then
    set -- "$queue"/*
    [ $# -lt {queue_limit} ] || exit 0
fi
umask 022
printf '%s\\n' "$note" > "$new" && mv -f "$new" "$name" || rm -f "$new"
exit 0
"""


# Of dnsmasq's file of leases: when one ends, whose it is, the machine's name and what it calls itself.
_HELD = re.compile(
    r"\d+ (?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5}) (?P<address>[0-9.]{7,15}) \S+ (?P<client_id>\*|[0-9a-f]{2}(?::[0-9a-f]{2}){0,254})",
    re.ASCII,
)
# Of DHCP (RFC 2131, 2132).
_HEAD = struct.Struct("!BBBBIHH4s12s16s192s4s")
_COOKIE = b"\x63\x82\x53\x63"
_KIND, _SERVER, _CLIENT, _END = 53, 54, 61, b"\xff"
_RELEASE = 7
_LEAST_BYTES = 300


class MalformedError(ValueError):
    """A note that dnsmasq's script did not write."""


@dataclasses.dataclass(frozen=True)
class Lease:
    """A lease that a machine got or confirmed.

    :ivar action: `add`, or `old` for one that it had before
    :ivar tags: of the range of addresses, and of what is known of the machine
    """

    action: str
    mac: str
    address: str
    tags: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Held:
    """A lease that dnsmasq keeps.

    :ivar client_id: what the machine calls itself, where it does
    """

    mac: str
    address: str
    client_id: bytes = b""


def held(text: str) -> list[Held]:
    """The leases for IPv4 in dnsmasq's file; what is none is passed over."""
    found = [_HELD.fullmatch(line) for line in text.splitlines()]
    return [
        Held(each["mac"], each["address"], b"" if each["client_id"] == "*" else bytes.fromhex(each["client_id"].replace(":", "")))
        for each in found
        if each is not None
    ]


def in_the_way(leases: Iterable[Held], addresses: Mapping[str, str]) -> list[Held]:
    """Those of an address that is another machine's now: dnsmasq would keep it from that for as long as the lease lasts.

    :param addresses: the MAC address of the machine that has each address
    """
    return [each for each in leases if addresses.get(each.address, each.mac) != each.mac]


def release(lease: Held, server: str) -> bytes:
    """What a machine says that gives up its lease, a datagram of DHCP.

    :param server: the address of dnsmasq on that network
    """
    number = int.from_bytes(ipaddress.ip_address(lease.address).packed, "big")
    own, mac = ipaddress.ip_address(lease.address).packed, bytes.fromhex(lease.mac.replace(":", ""))
    options = bytes([_KIND, 1, _RELEASE, _SERVER, 4]) + ipaddress.ip_address(server).packed
    if lease.client_id:
        options += bytes([_CLIENT, len(lease.client_id)]) + lease.client_id
    head = _HEAD.pack(1, 1, len(mac), 0, number, 0, 0, own, b"", mac, b"", _COOKIE)
    return (head + options + _END).ljust(_LEAST_BYTES, b"\0")


def script(queue: str) -> str:
    """The program that dnsmasq calls, a shell script.

    :param queue: the directory in which it leaves its notes
    """
    return _SCRIPT.format(queue=shlex.quote(queue), tag=PXEBOOT, note_limit=NOTE_LIMIT, queue_limit=QUEUE_LIMIT)


def parse(note: bytes) -> Lease:
    """:raises MalformedError: with what is wrong"""
    if len(note) > NOTE_LIMIT:
        raise MalformedError(f"it has more than {NOTE_LIMIT} bytes")
    matched = _NOTE.fullmatch(note.decode("ascii", "replace"))
    if matched is None:
        raise MalformedError("it is no line of action, MAC address, IP address and tags")
    mac = matched["mac"].lower()
    if mac == "00:00:00:00:00:00" or int(mac[:2], 16) & 1:
        raise MalformedError(f"{mac} is not the address of one network card")
    try:
        address = str(ipaddress.ip_address(matched["address"]))
    except ValueError as error:
        raise MalformedError(f"{error}") from error
    return Lease(matched["action"], mac, address, tuple(matched["tags"].split()))


def discovers(lease: Lease, pxeboot: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Whether the machine shows by this lease that it waits for being installed.

    The range's tag stands behind those that dnsmasq and its configuration give to the machine, such as `known-othernet` and `efi`.

    :param pxeboot: the network that hosts are installed from
    """
    return PXEBOOT in lease.tags or (not lease.tags and ipaddress.ip_address(lease.address) in pxeboot)
