# SPDX-License-Identifier: Apache-2.0
"""The metrics page of a process: Prometheus text on /metrics, 200 or 503 on /healthcheck, on loopback."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot import wsgi
from oslo_config import cfg
from prometheus_client import make_wsgi_app

from stx import exception

CONF = cfg.CONF

# Figures may come from a database that is away. Who asks for more of them at a time is refused: a thread is left for the health check.
_SCRAPES = 2


class Page:
    """Serves the page when [metrics] port is set."""

    def __init__(self, is_healthy: Callable[[], bool]) -> None:
        self._is_healthy = is_healthy
        self._server: wsgi.Server | None = None
        self._scrapes = threading.BoundedSemaphore(_SCRAPES)

    def start(self) -> None:
        if not CONF.metrics.port:
            return
        address = (CONF.metrics.bind_host, CONF.metrics.port)
        server = wsgi.Server(address, self._answer, numthreads=_SCRAPES + 1, server_name="metrics")
        try:
            server.prepare()
        except OSError as error:
            raise exception.ConfigurationError(
                f"Cannot listen on {address[0]}:{address[1]} ({error}). Free it, or change [metrics] port."
            ) from error
        threading.Thread(target=server.serve, name="metrics", daemon=True).start()
        self._server = server

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthcheck":
            healthy = self._is_healthy()
            start_response("200 OK" if healthy else "503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"OK\n" if healthy else b"a part of this process has stopped; its log has the reason\n"]
        if not self._scrapes.acquire(blocking=False):
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"others wait for the figures already\n"]
        try:
            return make_wsgi_app()(environ, start_response)
        finally:
            self._scrapes.release()
