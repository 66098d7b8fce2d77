# SPDX-License-Identifier: Apache-2.0
"""WSGI over TLS: one process for all addresses of its name space. SERVER_NAME is the address that was called.

Each connection has a thread, which ends with it: one who connects and says nothing keeps nobody waiting, and an idle service has one
thread. They take turns in the application: several at once would take more memory, and no less time.
"""

import socketserver
import ssl
import sys
import threading
import wsgiref.simple_server
from collections.abc import Callable
from pathlib import Path
from typing import Any

SILENCE_S = 10.0


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """:param address: where to listen; 0.0.0.0 for everywhere
    :param certificate: a file of a certificate and its key
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: str, port: int, certificate: Path, application: Any) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        # Nobody comes back with them.
        self._context.num_tickets = 0
        self._application = application
        self._turn = threading.Lock()
        super().__init__((address, port), _Handler)
        self.set_app(self._call)

    def _call(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        with self._turn:
            return self._application(environ, start_response)

    def server_bind(self) -> None:
        # The library would ask for the name of the address, which nobody may answer.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        connection, peer = super().get_request()
        connection.settimeout(SILENCE_S)
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), peer

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that hang up, or do not trust the certificate.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(wsgiref.simple_server.WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "HTTPS": "on", "SERVER_NAME": self.connection.getsockname()[0]}

    def log_message(self, *_: Any) -> None:
        """What is asked is nobody's interest."""
