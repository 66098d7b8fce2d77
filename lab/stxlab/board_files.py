# SPDX-License-Identifier: Apache-2.0
"""The files that make OpenIPMI's simulator the board controller of a host: see ipmi_lan(5) and ipmi_sim_cmd(5)."""

import shlex
import uuid
from pathlib import Path

from stxlab import sensors
from stxlab.layout import Layout
from stxlab.topology import Host

USER = "admin"
PORT = 623
POLL_MS = 500
SEL_ENTRIES = 1000
# What the simulator lets a host start from: "default" is its disk, "none" what its firmware says.
BOOT_DEVICES = ("none", "pxe", "default", "cdrom", "bios")
DEFAULT_BOOT = "none"
_BOARD = "0x20"
_CHASSIS = """\
#!/bin/sh
# The board asks `get power boot`, or tells `set power 0|1`, `set reset 1`, `set shutdown 1`, `set boot DEVICE`.
# It does nothing else until this ends, and would be told again meanwhile: so this only leaves orders.
{variables}

# Whether a process runs: its pid file says when it began too, as its pid may be somebody else's by now.
runs() {{
    [ -r "$1" ] || return 1
    {{ read -r pid; read -r started; }} <"$1"
    {{ read -r stat <"/proc/$pid/stat"; }} 2>/dev/null || return 1
    # The name of the program, in brackets, may hold anything.
    set -- ${{stat##*) }}
    [ "$1" != Z ] && [ "$1" != X ] && [ "${{20}}" = "$started" ]
}}

order() {{
    # Opened for reading too, it never waits for a reader.
    runs "$POWER_PID" && echo "$HOST $1" 1<>"$POWER_ORDERS"
}}

verb=$1
shift
case $verb in
get)
    for name; do
        case $name in
        power) if runs "$HOLDER"; then echo power:1; else echo power:0; fi ;;
        boot) device={default_boot}; [ ! -r "$BOOT" ] || read -r device <"$BOOT"; echo "boot:$device" ;;
        *) echo "$name:0" ;;
        esac
    done
    ;;
set)
    case $1 in
    power) if [ "$2" = 1 ]; then order on; else order off; fi ;;
    reset | shutdown) runs "$HOLDER" && order "$1" ;;
    boot) echo "$2" >"$BOOT.new" && mv "$BOOT.new" "$BOOT" ;;
    esac
    ;;
esac
"""


def identity(host: Host) -> uuid.UUID:
    """What tells the host from all others, to IPMI and to Redfish alike."""
    return uuid.uuid5(uuid.NAMESPACE_OID, host.mac("mgmt"))


def chassis_identity(host: Host) -> uuid.UUID:
    """What tells the chassis that the host is in from all others."""
    return uuid.uuid5(identity(host), "chassis")


def network(host: Host, password: str, chassis: Path) -> str:
    """Who may reach the board, and where.

    :param chassis: the program that it calls
    """
    methods = "".join(f"    allowed_auths_{level} md5\n" for level in ("callback", "user", "operator", "admin"))
    return (
        f'name "{host.name}"\n'
        f"set_working_mc {_BOARD}\n"
        "  startlan 1\n"
        f"    addr {host.board_address} {PORT}\n"
        "    priv_limit admin\n"
        f"{methods}"
        f"    guid {identity(host).hex}\n"
        "  endlan\n"
        f'  user 2 true "{USER}" "{password}" admin 10 md5\n'
        f'  chassis_control "{shlex.quote(str(chassis))}"\n'
    )


def commands(host: Host, directory: Path) -> str:
    """What the board is made of.

    :param directory: of the files that its sensors show
    """
    lines = [
        f"mc_setbmc {_BOARD}",
        f"mc_add {_BOARD} 0 no-device-sdrs 0x23 9 8 0x9f 0 1",
        f"sel_enable {_BOARD} {SEL_ENTRIES} 0x0a",
    ]
    for sensor in sensors.SENSORS:
        place = f"{_BOARD} 0 {sensor.number}"
        present = "".join(str(int(there)) for there in sensor.has_threshold())
        events = f"{sensor.events():015b}"
        file = directory / sensor.name
        lines += [
            f'sensor_add {place} {sensor.kind} 1 poll {POLL_MS} file "{file}" div={sensor.step}',
            f"sensor_set_threshold {place} settable {present} {' '.join(map(str, sensor.thresholds()))}",
            f"sensor_set_event_support {place} enable scanning per-state {events} {events} {events} {events}",
            f"main_sdr_add {_BOARD} {_bytes(sensors.record(sensor))}",
        ]
    data = fru(host)
    lines += [f"mc_add_fru_data {_BOARD} 0 {len(data)} data {_bytes(data)}", f"mc_enable {_BOARD}"]
    return "".join(f"{line}\n" for line in lines)


def chassis(layout: Layout, host: Host) -> str:
    """The program through which the board controls its host. It starts no other program, as it is called often."""
    files = layout.host(host)
    variables = {
        "HOST": host.name,
        "HOLDER": files.holder,
        "BOOT": files.boot,
        "POWER_PID": layout.power_pid,
        "POWER_ORDERS": layout.power_orders,
    }
    return _CHASSIS.format(
        variables="\n".join(f"{name}={shlex.quote(str(value))}" for name, value in variables.items()),
        default_boot=DEFAULT_BOOT,
    )


def fru(host: Host) -> bytes:
    """Manufacturer, product, part number, version and serial number, as the Platform Management FRU definition has them."""
    names = ("StarlingX", "Lab host", f"LAB-{host.personality.upper()}", "1.0", f"LAB{host.number:05d}", "", "")
    fields = b"".join(bytes([0xC0 | len(name)]) + name.encode("ascii") for name in names)
    english = 0x19
    # The end mark and the checksum count too; areas are counted in blocks of eight bytes.
    length = -(-(3 + len(fields) + 2) // 8)
    area = bytes([1, length, english]) + fields + b"\xc1"
    product = area.ljust(length * 8 - 1, b"\0")
    header = bytes([1, 0, 0, 0, 1, 0, 0])
    return _checked(header) + _checked(product)


def _checked(content: bytes) -> bytes:
    """With the byte at its end that makes the sum of all zero."""
    return content + bytes([-sum(content) & 0xFF])


def _bytes(content: bytes) -> str:
    return " ".join(f"0x{byte:02x}" for byte in content)
