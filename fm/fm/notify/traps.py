# SPDX-License-Identifier: Apache-2.0
"""Sends events as SNMP traps, which nobody acknowledges, or as informs, which the receiver does."""

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from oslo_config import cfg
from pyasn1.codec.ber import encoder
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto.api import v2c

from fm.db import outlets as db_outlets
from fm.notify import course, mib, settings
from fm.notify.outlet import Sender, Undelivered

CONF = cfg.CONF

_SYS_UP_TIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_SNMP_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
# A receiver that is up but does not listen is told of by its host within this time, as a rule.
_REFUSAL_S = 0.05
# Receivers are told to read the tables anew when kinds of alarm were suppressed or unsuppressed, at most so often.
_WARM_START_S = 30.0
_STARTED = time.monotonic()

Told = tuple[mib.Oid, Sequence[mib.Variable]]


def uptime() -> int:
    """How long this process has been up, in hundredths of a second, as TimeTicks are."""
    return int((time.monotonic() - _STARTED) * 100) % 2**32


def value(kind: mib.Kind, plain: Any) -> Any:
    """A value as SNMP has it."""
    if kind == "integer":
        return v2c.Integer32(plain)
    return v2c.ObjectIdentifier(plain) if kind == "oid" else v2c.OctetString(plain.encode())


def variables(told: Told) -> list[tuple[Any, Any]]:
    """The variables of a notification, with the two that every one begins with."""
    oid, rest = told
    return [
        (v2c.ObjectIdentifier(_SYS_UP_TIME), v2c.TimeTicks(uptime())),
        (v2c.ObjectIdentifier(_SNMP_TRAP_OID), v2c.ObjectIdentifier(oid)),
        *((v2c.ObjectIdentifier(name), value(kind, plain)) for name, kind, plain in rest),
    ]


class _Snmp(Sender):
    """What traps and informs have in common."""

    def __init__(self, destination: settings.TrapDestination, snmp: Callable[[], settings.Snmp]) -> None:
        self._destination = destination
        self._snmp = snmp
        self._suppressed: frozenset[str] | None = None
        self._restarted_at = 0.0

    def send(self, events: Sequence[course.Event]) -> None:
        snmp = self._snmp()
        self.notify([mib.trap(event, snmp.system_name, snmp.region_name) for event in events])

    def rest(self) -> None:
        """Tell that the platform has started, or that what the tables show has changed without an event."""
        now = time.monotonic()
        if self._suppressed is not None and now - self._restarted_at < _WARM_START_S:
            return
        suppressed = db_outlets.suppressed_types()
        if suppressed == self._suppressed:
            return
        self.notify([(mib.COLD_START if self._suppressed is None else mib.WARM_START, [])])
        self._suppressed, self._restarted_at = suppressed, now

    def notify(self, told: Iterable[Told]) -> None:
        """:raises Undelivered: when the receiver may not have got all of it"""
        raise NotImplementedError


class Traps(_Snmp):
    """SNMPv2c traps. One that is lost on the way is lost; a host that is away, or where nobody listens, is tried again."""

    def notify(self, told: Iterable[Told]) -> None:
        where = self._destination
        family = socket.AF_INET6 if ":" in where.ip_address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(CONF.fm_notify.timeout)
                sender.connect((where.ip_address, where.port))
                for each in told:
                    sender.send(encoder.encode(self._message(each)))
                if select.select([sender], [], [], _REFUSAL_S)[0]:
                    # What can be read is an error: a receiver says nothing.
                    sender.recv(1)
        except OSError as error:
            raise Undelivered(f"It cannot be reached: {error.strerror or type(error).__name__}.") from None

    def _message(self, told: Told) -> Any:
        pdu = v2c.TrapPDU()
        v2c.apiTrapPDU.set_defaults(pdu)
        v2c.apiTrapPDU.set_varbinds(pdu, variables(told))
        message = v2c.Message()
        v2c.apiMessage.set_defaults(message)
        v2c.apiMessage.set_community(message, self._destination.community.encode())
        v2c.apiMessage.set_pdu(message, pdu)
        return message


class Informs(_Snmp):
    """SNMPv3 informs, authenticated with SHA-256 and encrypted with AES-128."""

    def __init__(self, destination: settings.TrapDestination, snmp: Callable[[], settings.Snmp]) -> None:
        super().__init__(destination, snmp)
        self._runner: asyncio.Runner | None = None
        self._engine: Any = None
        self._user = hlapi.UsmUserData(
            destination.security_name,
            destination.auth_password,
            destination.priv_password,
            authProtocol=hlapi.USM_AUTH_HMAC192_SHA256,
            privProtocol=hlapi.USM_PRIV_CFB128_AES,
        )

    def notify(self, told: Iterable[Told]) -> None:
        # One engine for all: it knows the receiver's when it has asked once.
        if self._runner is None:
            self._runner, self._engine = asyncio.Runner(), hlapi.SnmpEngine()
        for each in told:
            try:
                self._runner.run(asyncio.wait_for(self._inform(each), CONF.fm_notify.timeout))
            except Undelivered:
                # A receiver that was started anew counts anew: what was known of it may keep it from taking anything.
                self.close()
                raise
            except (Exception, asyncio.CancelledError) as error:
                self.close()
                raise Undelivered(f"It cannot be reached ({type(error).__name__}).") from None

    async def _inform(self, told: Told) -> None:
        where = self._destination
        target = hlapi.Udp6TransportTarget if ":" in where.ip_address else hlapi.UdpTransportTarget
        transport = await target.create((where.ip_address, where.port), timeout=CONF.fm_notify.timeout / 3, retries=1)
        failure, status, _, _ = await hlapi.send_notification(
            self._engine, self._user, transport, hlapi.ContextData(), "inform", *_typed(told), lookupMib=False
        )
        if failure or status:
            raise Undelivered(f"It does not acknowledge: {failure or status}.")

    def close(self) -> None:
        if self._runner is not None:
            with contextlib.suppress(Exception):
                self._runner.run(_close(self._engine))
            self._runner.close()
            self._runner = self._engine = None


async def _close(engine: Any) -> None:
    engine.close_dispatcher()


def _typed(told: Told) -> list[Any]:
    return [hlapi.ObjectType(hlapi.ObjectIdentity(name), plain) for name, plain in variables(told)]
