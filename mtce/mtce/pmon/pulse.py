# SPDX-License-Identifier: Apache-2.0
"""The text of active monitoring (spec mtce-sm.md A5.2), for the monitor; the processes that it asks have `stx.pulse`.

The monitor sends `<process> <magic> <sequence>` to the process's port on 127.0.0.1; the process sends the same back to the
monitor's port with every bit of the magic inverted. The magic is written as 0x and eight hexadecimal digits, the sequence in
decimal: `mtcClient 0x504d4f4e 17` is answered by `mtcClient 0xafb2b0b1 17`.
"""

MONITOR_PORT = 2200
MAGIC = 0x504D4F4E
INVERTED_MAGIC = MAGIC ^ 0xFFFFFFFF
MAX_BYTES = 256
MAX_SEQUENCE = 2**31 - 1


def question(process: str, sequence: int) -> bytes:
    """What the monitor sends."""
    return f"{process} 0x{MAGIC:08x} {sequence}".encode()


def parse_answer(datagram: bytes) -> tuple[str, int] | None:
    """The process and sequence of an answer, or None when it is none."""
    if len(datagram) > MAX_BYTES:
        return None
    # A sender may close the text with a NUL.
    try:
        process, word, number = datagram.rstrip(b"\0\n").decode("ascii").split()
        if int(word, 16) != INVERTED_MAGIC:
            return None
        sequence = int(number)
    except ValueError:
        return None
    return (process, sequence) if 0 <= sequence <= MAX_SEQUENCE else None
