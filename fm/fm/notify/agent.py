# SPDX-License-Identifier: Apache-2.0
"""The SNMP agent: whoever has a community may read active alarms and events, and nothing else (spec fm.md 8.1)."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from oslo_config import cfg
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1905
from pysnmp.proto.api import v2c
from pysnmp.smi import error as smi_error
from pysnmp.smi import instrum

from fm.db import outlets as db_outlets
from fm.notify import mib, settings, tables, traps
from stx import exception, service, version

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

_PERIOD_S = 2.0
_SYSTEM: mib.Oid = (1, 3, 6, 1, 2, 1, 1)


class Agent:
    """Listens while there is a community.

    :param snmp: gives what the platform is told to do; None before it is known
    """

    def __init__(self, snmp: Callable[[], settings.Snmp | None]) -> None:
        self._snmp = snmp
        self._serving: _Serving | None = None
        self._is_told = False
        self._worker = service.Worker("fm-snmp-agent", self.step, _PERIOD_S)
        self.nudge = self._worker.nudge

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()
        self._serve(None)

    def is_healthy(self) -> bool:
        return self._worker.is_healthy() and (self._serving is None or self._serving.is_alive())

    def step(self) -> None:
        """Listen with the communities that there are, again where that has ended."""
        snmp = self._snmp()
        wanted = snmp if snmp is not None and snmp.communities else None
        has_ended = self._serving is not None and not self._serving.is_alive()
        if wanted == (self._serving and self._serving.snmp) and not has_ended:
            return
        try:
            self._serve(wanted)
            self._is_told = False
        except OSError as error:
            if not self._is_told:
                options = CONF.fm_notify
                LOG.error(
                    "The SNMP agent cannot listen on %s port %d: %s. Free it, or change [fm_notify] agent_port.",
                    options.agent_bind_host,
                    options.agent_port,
                    error.strerror,
                )
            self._is_told = True

    def _serve(self, snmp: settings.Snmp | None) -> None:
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
        if snmp is not None:
            self._serving = _Serving(snmp)
            LOG.info("The SNMP agent listens on port %d", CONF.fm_notify.agent_port)


class _Serving:
    """The agent with one set of communities, in a thread.

    :raises OSError: when it cannot listen
    """

    def __init__(self, snmp: settings.Snmp) -> None:
        self.snmp = snmp
        host = CONF.fm_notify.agent_bind_host
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.bind((host, CONF.fm_notify.agent_port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fm-snmp-agent-loop", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(service.STOP_DEADLINE_S)
        self._socket.close()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._answer())
        except Exception:
            LOG.exception("The SNMP agent has failed")
        finally:
            self._loop.close()

    async def _answer(self) -> None:
        made = engine.SnmpEngine()
        transport = udp6.Udp6AsyncioTransport if self._socket.family == socket.AF_INET6 else udp.UdpAsyncioTransport
        domain = udp6.DOMAIN_NAME if self._socket.family == socket.AF_INET6 else udp.DOMAIN_NAME
        config.add_transport(made, domain, transport().open_server_mode(sock=self._socket))
        for number, community in enumerate(self.snmp.communities):
            config.add_v1_system(made, f"community-{number}", community)
        # What it shows may be read by whoever has a community: no views are needed, and there is no responder to a request to write.
        contexts = context.SnmpContext(made)
        contexts.unregister_context_name(v2c.OctetString(""))
        contexts.register_context_name(v2c.OctetString(""), _Tree(self.snmp.system_name))
        for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, _BulkResponder):
            responder(made, contexts)
        await self._ending.wait()
        made.close_dispatcher()


class _BulkResponder(cmdrsp.BulkCommandResponder):
    # Of the longest texts, as many as fit into one datagram.
    max_varbinds = 40


class _Tree(instrum.AbstractMibInstrumController):
    """All that can be read."""

    def __init__(self, system_name: str) -> None:
        self._system_name = system_name
        alarms = tables.Table(mib.ALARMS, mib.ALARM_COLUMNS, self._located(db_outlets.alarms_after))
        events = tables.Table(
            mib.EVENTS, mib.EVENT_COLUMNS, self._located(lambda index, limit: db_outlets.events_after(index, limit, visible=True))
        )
        self._sections: Sequence[Any] = (
            tables.Scalars(
                {
                    (*_SYSTEM, 1): lambda: ("text", f"StarlingX {version.VERSION}"),
                    (*_SYSTEM, 2): lambda: ("oid", mib.SYSTEM),
                    (*_SYSTEM, 3): lambda: ("ticks", traps.uptime()),
                    (*_SYSTEM, 5): lambda: ("text", system_name),
                }
            ),
            alarms,
            events,
        )

    def _located(self, after: Callable[[int, int], list[dict[str, Any]]]) -> Callable[[int, int], list[dict[str, Any]]]:
        def rows(index: int, limit: int) -> list[dict[str, Any]]:
            return [
                {**row, "entity_instance_id": f"system={self._system_name}.{row['entity_instance_id']}"}
                for row in after(index, limit)
            ]

        return rows

    def read_variables(self, *varBinds: Any, **context: Any) -> list[Any]:  # noqa: N803
        return [self._answered(name, "get", rfc1905.noSuchInstance) for name, _ in varBinds]

    def read_next_variables(self, *varBinds: Any, **context: Any) -> list[Any]:  # noqa: N803
        return [self._answered(name, "next", rfc1905.endOfMibView) for name, _ in varBinds]

    def _answered(self, name: Any, step: str, nothing: Any) -> Any:
        oid = tuple(name)
        try:
            found = next((found for section in self._sections if (found := getattr(section, step)(oid))), None)
        except exception.StxException as error:
            raise smi_error.GenError(name=name, idx=0) from error
        if found is None:
            return name, nothing
        where, kind, plain = found
        return v2c.ObjectIdentifier(where), v2c.TimeTicks(plain) if kind == "ticks" else traps.value(kind, plain)
