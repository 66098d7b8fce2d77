# SPDX-License-Identifier: Apache-2.0
"""What the notifier is told over SNMP's part of its work: by whom it may be asked, whom it tells."""

import msgspec

V2C_TRAP = "snmpv2c_trap"
V3_INFORM = "snmpv3_inform"


class TrapDestination(msgspec.Struct, frozen=True):
    """Who gets traps or informs.

    :ivar type: `snmpv2c_trap`, with a community, or `snmpv3_inform`, with a user and two passwords
    """

    ip_address: str
    port: int = 162
    type: str = V2C_TRAP
    community: str = ""
    security_name: str = ""
    auth_password: str = ""
    priv_password: str = ""

    def __repr__(self) -> str:
        return f"TrapDestination({self.ip_address!r}, {self.port!r}, {self.type!r})"


class Snmp(msgspec.Struct, frozen=True):
    """All of it.

    :ivar communities: whoever gives one of these may read the agent's tables; where there is none, there is no agent
    """

    system_name: str
    region_name: str
    communities: tuple[str, ...] = ()
    destinations: tuple[TrapDestination, ...] = ()

    def __repr__(self) -> str:
        return f"Snmp({self.system_name!r}, {self.region_name!r}, {self.destinations!r})"
