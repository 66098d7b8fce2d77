# SPDX-License-Identifier: Apache-2.0
"""Which faults are in force in a lab, and what that means for its switch."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from stxlab.topology import NETWORKS

BOTH, IN, OUT = "both", "in", "out"
TABLE = "stxlab"
_LOSS_STEPS = 10_000


@dataclasses.dataclass(frozen=True)
class Cable:
    """:ivar cut: both, in (nothing reaches the host), out (nothing leaves it), or None
    :ivar loss_percent: of the frames, in each direction
    :ivar delay_ms: in each direction
    """

    cut: str | None = None
    loss_percent: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def port(self) -> tuple[bool, float, float]:
        """What its port must be like; all else is what the switch drops."""
        return self.cut == BOTH, self.delay_ms, self.jitter_ms

    def texts(self) -> list[str]:
        texts = []
        if self.cut:
            texts.append("cut" if self.cut == BOTH else f"cut {self.cut}")
        if self.loss_percent:
            texts.append(f"loses {self.loss_percent:g} %")
        if self.delay_ms or self.jitter_ms:
            texts.append(f"delayed {self.delay_ms:g} ms" + (f" ± {self.jitter_ms:g} ms" if self.jitter_ms else ""))
        return texts


@dataclasses.dataclass(frozen=True)
class OnHost:
    """:ivar is_hung: none of its programs runs
    :ivar is_silent: nor does anything leave or reach its links
    :ivar clock_s: how far its wall clock is ahead
    :ivar filled: directories in which a file takes all room
    """

    is_hung: bool = False
    is_silent: bool = False
    stolen_percent: float = 0.0
    clock_s: float = 0.0
    filled: tuple[str, ...] = ()

    def texts(self) -> list[str]:
        texts = []
        if self.is_hung:
            texts.append("hangs" if self.is_silent else "hangs, but its kernel answers")
        if self.stolen_percent:
            texts.append(f"processors {self.stolen_percent:g} % stolen")
        if self.clock_s:
            texts.append(f"clock {self.clock_s:+g} s")
        return texts + [f"{path} full" for path in self.filled]


@dataclasses.dataclass(frozen=True)
class Book:
    """:ivar cables: by host and network; those that are whole are not in it
    :ivar hosts: by name; those that are well are not in it
    :ivar partitions: by network, sets of hosts that do not hear each other
    """

    cables: Mapping[str, Mapping[str, Cable]] = dataclasses.field(default_factory=dict)
    hosts: Mapping[str, OnHost] = dataclasses.field(default_factory=dict)
    partitions: Mapping[str, tuple[tuple[str, ...], ...]] = dataclasses.field(default_factory=dict)

    def cable(self, host: str, network: str) -> Cable:
        return self.cables.get(host, {}).get(network, Cable())

    def on_host(self, host: str) -> OnHost:
        return self.hosts.get(host, OnHost())

    def with_cable(self, host: str, network: str, cable: Cable) -> Self:
        networks = {**self.cables.get(host, {}), network: cable}
        kept = {name: made for name, made in networks.items() if made != Cable()}
        cables = {**self.cables, host: kept}
        return dataclasses.replace(self, cables={name: made for name, made in cables.items() if made})

    def with_host(self, host: str, state: OnHost) -> Self:
        hosts = {**self.hosts, host: state}
        return dataclasses.replace(self, hosts={name: made for name, made in hosts.items() if made != OnHost()})

    def parted(self, networks: Iterable[str], sets: Sequence[Sequence[str]]) -> Self:
        """Networks have one partition at most: a new one takes the place of the old one."""
        made = tuple(tuple(members) for members in sets)
        return dataclasses.replace(self, partitions={**self.partitions, **dict.fromkeys(networks, made)})

    def joined(self, networks: Iterable[str]) -> Self:
        ended = set(networks)
        return dataclasses.replace(
            self, partitions={network: sets for network, sets in self.partitions.items() if network not in ended}
        )

    def power_changed(self, host: str) -> Self:
        """What is left when the power of a host was cut or given: all but that it hung."""
        return self.with_host(host, dataclasses.replace(self.on_host(host), is_hung=False, is_silent=False))

    def texts(self, host: str) -> list[str]:
        """What is wrong with a host, told in a few words each."""
        cables = self.cables.get(host, {})
        found = [f"{network} {text}" for network in NETWORKS if network in cables for text in cables[network].texts()]
        return [*self.on_host(host).texts(), *found, *self._partition_texts(host)]

    def _partition_texts(self, host: str) -> list[str]:
        """Networks on which it is kept from the same hosts are told together."""
        kept_from: dict[str, list[str]] = {}
        for network in NETWORKS:
            sets = self.partitions.get(network, ())
            if any(host in members for members in sets):
                others = ", ".join(name for members in sets if host not in members for name in members)
                kept_from.setdefault(others, []).append(network)
        return [f"{', '.join(networks)} parted from {others}" for others, networks in kept_from.items()]

    def rules(self, ports: Mapping[tuple[str, str], Sequence[str]]) -> str:
        """What the switch drops, for nft(8), in place of what it dropped before.

        :param ports: by host and network: names that the host's port may have
        """
        arriving, leaving, between = [], [], []
        for (host, network), names in ports.items():
            cable, port = self.cable(host, network), _either(names)
            is_silent = self.on_host(host).is_silent
            if is_silent or cable.cut == OUT:
                arriving.append(f"iifname {port} drop")
            if is_silent or cable.cut == IN:
                leaving.append(f"oifname {port} drop")
            if cable.loss_percent:
                lost = _lost(cable.loss_percent)
                arriving.append(f"iifname {port} {lost}")
                leaving.append(f"oifname {port} {lost}")
        for network, sets in self.partitions.items():
            members = [[name for host in hosts for name in ports.get((host, network), ())] for hosts in sets]
            for one in members:
                others = [name for other in members if other is not one for name in other]
                if one and others:
                    between.append(f"iifname {_either(one)} oifname {_either(others)} drop")
        chains = [
            _chain("arriving", "prerouting", arriving),
            _chain("between", "forward", between),
            _chain("leaving", "postrouting", leaving),
        ]
        # The first line makes the table where there is none, so that the second finds one.
        return f"table bridge {TABLE}\ndelete table bridge {TABLE}\ntable bridge {TABLE} {{\n{''.join(chains)}}}\n"


def _lost(percent: float) -> str:
    # The least loss is one frame in so many; nft knows no part that is the whole.
    steps = max(1, round(percent / 100 * _LOSS_STEPS))
    return "drop" if steps >= _LOSS_STEPS else f"numgen random mod {_LOSS_STEPS} < {steps} drop"


def _either(names: Iterable[str]) -> str:
    return f"{{ {', '.join(chr(34) + name + chr(34) for name in names)} }}"


def _chain(name: str, hook: str, rules: Sequence[str]) -> str:
    lines = "".join(f"    {rule}\n" for rule in rules)
    return f"  chain {name} {{\n    type filter hook {hook} priority 0; policy accept;\n{lines}  }}\n" if rules else ""
