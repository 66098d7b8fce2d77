# SPDX-License-Identifier: Apache-2.0
"""Has the kernel let packets to and from floating addresses pass only while the lease lasts.

A set of nftables holds the addresses that may be used, each with a timeout; renewing the lease renews the timeout. When this process is
killed, frozen or merely late, the kernel shuts the gate by itself, for requests and for ARP, before another controller can have the lease.
"""

import ctypes
import ipaddress
import math
import time
from collections.abc import Callable, Sequence

_LIBRARY = "libnftables.so.1"
TABLE = "stx_sm"
# One that would end sooner is not worth opening for: the kernel counts in ticks of up to 10 ms.
_LEAST_S = 0.01


class GateError(Exception):
    """The kernel does not do what the gate needs; the message says what is missing."""


class Gate:
    """:param addresses: floating addresses, all shut at first; those of IPv6 are gated by packets alone, as they have no ARP
    :param clock: gives monotonic seconds, as those that the lease is counted in
    """

    def __init__(self, addresses: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses = [ipaddress.ip_address(address) for address in addresses]
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError:
            raise GateError(f"{_LIBRARY} is not installed: it comes with the package nftables.") from None
        self._library.nft_ctx_new.restype = ctypes.c_void_p
        self._library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        self._library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._context = self._library.nft_ctx_new(0)
        self._library.nft_ctx_buffer_error(self._context)
        self._run(_rules(self._addresses))

    def open_until(self, moment: float) -> bool:
        """Let packets pass until then. Gives whether there was time left to.

        :param moment: by the clock
        """
        left_s = moment - self._clock()
        if left_s < _LEAST_S:
            return False
        # Rounded down: too short is safe.
        timeout_ms = math.floor(left_s * 1000)
        self._run(_flush(self._addresses) + _allow(self._addresses, timeout_ms))
        # Whoever was held up between the look at the clock and the kernel's shuts it again.
        if self._clock() >= moment:
            self.shut()
            return False
        return True

    def shut(self) -> None:
        self._run(_flush(self._addresses))

    def remove(self) -> None:
        """Leave no trace in the kernel."""
        self._run(f"delete table inet {TABLE}\ndelete table arp {TABLE}\n")

    def _run(self, commands: str) -> None:
        if self._library.nft_run_cmd_from_buffer(self._context, commands.encode()):
            said = self._library.nft_ctx_get_error_buffer(self._context).decode(errors="replace").strip().splitlines()
            raise GateError(f"The kernel refused rules for floating addresses: {said[0] if said else 'no reason given'}.")


Addresses = Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]


def _versions(addresses: Addresses) -> list[int]:
    return sorted({address.version for address in addresses})


def _rules(addresses: Addresses) -> str:
    """Tables from scratch."""
    lines = []
    for family in ("inet", "arp"):
        # Made first, so that there is one to delete.
        lines += [f"table {family} {TABLE}", f"delete table {family} {TABLE}", f"table {family} {TABLE} {{"]
        for version in _versions(addresses) if family == "inet" else [4]:
            elements = ", ".join(str(address) for address in addresses if address.version == version)
            filled = f" elements = {{ {elements} }};" if elements else ""
            lines += [
                f"set floating{version} {{ type ipv{version}_addr;{filled} }}",
                f"set allowed{version} {{ type ipv{version}_addr; flags timeout; }}",
            ]
        if family == "inet":
            lines += _chain("input", "daddr", addresses) + _chain("output", "saddr", addresses)
        else:
            lines += [
                "chain input { type filter hook input priority 0;",
                "arp daddr ip @floating4 arp daddr ip != @allowed4 drop; }",
                # What this host asks for itself tells neighbours too where the address is.
                "chain output { type filter hook output priority 0;",
                "arp saddr ip @floating4 arp saddr ip != @allowed4 drop; }",
            ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def _chain(hook: str, end: str, addresses: Addresses) -> list[str]:
    """Packets to a floating address come in, and packets from it go out, only while it is allowed."""
    names = {4: "ip", 6: "ip6"}
    shut = [
        f"{names[version]} {end} @floating{version} {names[version]} {end} != @allowed{version}"
        for version in _versions(addresses)
    ]
    # Whoever is on this host, and would wait for an answer, hears at once that there is none.
    own = ["oif lo tcp flags & rst == rst accept", *(f"oif lo {each} meta l4proto tcp reject with tcp reset" for each in shut)]
    if hook == "input":
        own = ["iif lo tcp flags & rst == rst accept"]
    return [f"chain {hook} {{ type filter hook {hook} priority -300;", *own, *(f"{each} drop" for each in shut), "}"]


def _flush(addresses: Addresses) -> str:
    lines = [f"flush set inet {TABLE} allowed{version}" for version in _versions(addresses)]
    return "\n".join([*lines, f"flush set arp {TABLE} allowed4"]) + "\n"


def _allow(addresses: Addresses, timeout_ms: int) -> str:
    lines = []
    for address in addresses:
        element = f"{{ {address} timeout {timeout_ms}ms }}"
        lines.append(f"add element inet {TABLE} allowed{address.version} {element}")
        if address.version == 4:
            lines.append(f"add element arp {TABLE} allowed4 {element}")
    return "\n".join(lines) + "\n"
