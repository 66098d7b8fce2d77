# SPDX-License-Identifier: Apache-2.0
"""The service over TLS, on loopback, with a certificate of its own."""

import datetime
import http.client
import pathlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import fixtures
from oslotest import base

from stxlab import certificate, https

ADDRESSES = ("127.0.0.21", "127.0.0.22")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    said = f"{environ['wsgi.url_scheme']} {environ['SERVER_NAME']}".encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]


class HttpsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "pem"
        path.write_text(certificate.make("board", ADDRESSES, datetime.datetime.now(datetime.UTC)))
        server = https.Server("0.0.0.0", 0, path, application)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        self.addCleanup(server.server_close)
        self.addCleanup(serving.join)
        self.addCleanup(server.shutdown)
        self.port = server.server_port
        # Who trusts the certificate finds the address in it.
        self.trusting = ssl.create_default_context(cafile=path)

    def ask(self, address: str) -> str:
        client = http.client.HTTPSConnection(address, self.port, timeout=60, context=self.trusting)
        self.addCleanup(client.close)
        client.request("GET", "/")
        return client.getresponse().read().decode()

    def test_it_knows_at_which_address_it_is_asked(self) -> None:
        for address in ADDRESSES:
            self.assertEqual(f"https {address}", self.ask(address))

    def test_the_certificate_is_for_no_other_address(self) -> None:
        self.assertRaises(ssl.SSLCertVerificationError, self.ask, "127.0.0.23")

    def test_one_who_connects_and_says_nothing_keeps_nobody_waiting(self) -> None:
        for _ in range(3):
            silent = socket.create_connection((ADDRESSES[0], self.port))
            self.addCleanup(silent.close)
        self.assertEqual(f"https {ADDRESSES[0]}", self.ask(ADDRESSES[0]))

    def test_one_who_speaks_no_tls_is_hung_up_on(self) -> None:
        with socket.create_connection((ADDRESSES[0], self.port), 10) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertNotIn(b"200", plain.recv(100))
        self.assertEqual(f"https {ADDRESSES[0]}", self.ask(ADDRESSES[0]))
