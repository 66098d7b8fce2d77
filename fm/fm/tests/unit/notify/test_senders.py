# SPDX-License-Identifier: Apache-2.0
"""HTTP and syslog, against servers on loopback."""

import contextlib
import http.server
import json
import pathlib
import socket
import threading
from typing import Any

from fm.db import api as db_api
from fm.notify import formats, outlet, senders
from fm.tests.unit import base
from fm.tests.unit.notify.events import event

TOKEN = "a-secret-token"


class HttpTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="fm_notify", timeout=60.0)
        self.status, self.location = 200, ""
        self.posted: list[tuple[str, str | None, Any]] = []
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                test.posted.append((self.path, self.headers["Authorization"], body))
                self.send_response(test.status)
                if test.location:
                    self.send_header("Location", test.location)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.url = f"http://someone:a-secret-password@127.0.0.1:{server.server_port}/hook?key=a-secret-key"

    def made(self, kind: type, token: str = TOKEN) -> Any:
        made = kind(self.url, token, lambda: "edge-1")
        self.addCleanup(made.close)
        return made

    def test_a_webhook_gets_events_with_the_token(self) -> None:
        self.made(senders.Webhook).send([event(1), event(2)])
        ((path, authorization, body),) = self.posted
        self.assertEqual(("/hook?key=a-secret-key", f"Bearer {TOKEN}"), (path, authorization))
        self.assertEqual(formats.webhook_body("edge-1", [event(1), event(2)]), body)

    def test_an_answer_that_is_no_success_is_a_failure_without_secrets(self) -> None:
        for self.status, self.location in ((500, ""), (404, ""), (302, "http://127.0.0.1:1/elsewhere")):
            error = self.assertRaises(outlet.Undelivered, self.made(senders.Webhook).send, [event()])
            self.assertEqual(f"It answers with the status {self.status}.", error.message)
        self.assertEqual(3, len(self.posted))

    def test_nobody_who_answers_is_a_failure_without_secrets(self) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.url = f"http://u:a-secret-password@127.0.0.1:{sock.getsockname()[1]}/a-secret-key"
            error = self.assertRaises(outlet.Undelivered, self.made(senders.Webhook).send, [event()])
        self.assertEqual("It cannot be reached (ConnectionError).", error.message)
        self.url = "no url a-secret-key"
        error = self.assertRaises(outlet.Undelivered, self.made(senders.Webhook).send, [event()])
        self.assertNotIn("secret", error.message)

    def test_a_file_of_authorities_that_is_not_there_is_a_failure(self) -> None:
        self.platform.conf.config(group="fm_notify", ca_file="/nowhere/ca.pem")
        self.url = self.url.replace("http:", "https:")
        error = self.assertRaises(outlet.Undelivered, self.made(senders.Webhook).send, [event()])
        self.assertEqual("There is no such file as [fm_notify] ca_file names.", error.message)

    def test_one_who_never_answers_is_given_up(self) -> None:
        self.platform.conf.config(group="fm_notify", timeout=0.1)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen(1)
            self.url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
            error = self.assertRaises(outlet.Undelivered, self.made(senders.Webhook).send, [event()])
        self.assertEqual("It cannot be reached (ReadTimeout).", error.message)

    def test_one_whose_answer_does_not_end_is_given_up(self) -> None:
        self.platform.conf.config(group="fm_notify", timeout=0.2)
        ended = threading.Event()

        def trickle(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not ended.wait(0.02):
                    connection.sendall(b"a")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            thread = threading.Thread(target=trickle, args=(listener,), daemon=True)
            thread.start()
            sender = self.made(senders.Webhook)
            # However long it pauses, it is not given up for that.
            post = sender._session.post
            sender._session.post = lambda url, **given: post(url, **{**given, "timeout": 60.0})
            for _ in range(2):
                error = self.assertRaises(outlet.Undelivered, sender.send, [event()])
                self.assertEqual("It does not come to an end with its answer.", error.message)
            ended.set()
            thread.join()

    def test_alertmanager_is_told_of_events_at_once_and_of_what_is_active_from_time_to_time(self) -> None:
        self.url = self.url.partition("/hook")[0] + "/prefix/"
        sender = self.made(senders.Alertmanager, token="")
        sender.send([event(state="log")])
        self.assertEqual([], self.posted)
        sender.send([event(), event(2, state="clear")])
        ((path, _, alerts),) = self.posted
        self.assertEqual(("/prefix/api/v2/alerts", 2), (path, len(alerts)))
        db_api.store([base.report(entity=f"host=compute-{number}.process=sshd") for number in range(501)])
        sender.rest()
        sender.rest()
        self.assertEqual([2, 500, 1], [len(body) for _, _, body in self.posted])


class SyslogTest(base.DatabaseTest):
    def received(self, server: socket.socket, address: Any, *events: Any) -> list[str]:
        sender = senders.Syslog(address)
        self.addCleanup(sender.close)
        sender.send(events)
        server.settimeout(60)
        return [server.recv(4096).decode() for _ in events]

    def check(self, server: socket.socket, address: Any) -> None:
        first, second = self.received(server, address, event(), event(2, state="clear"))
        # Facility local5, severity informational.
        self.assertTrue(first.startswith("<174>fm-event.log: {"), first)
        self.assertEqual("clear", json.loads(second.partition(": ")[2])["state"])

    def test_each_event_is_a_line_over_a_socket_of_this_host(self) -> None:
        path = str(pathlib.Path(self.platform.path) / "log")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            self.check(server, path)

    def test_each_event_is_a_line_over_udp(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            self.check(server, senders.syslog_address(f"127.0.0.1:{server.getsockname()[1]}"))

    def test_one_that_is_not_there_is_a_failure_and_found_when_it_is(self) -> None:
        path = str(pathlib.Path(self.platform.path) / "log")
        sender = senders.Syslog(path)
        self.addCleanup(sender.close)
        self.assertRaises(outlet.Undelivered, sender.send, [event()])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            sender.send([event()])

    def test_an_address_is_a_path_or_a_host_with_a_port(self) -> None:
        self.assertEqual("/dev/log", senders.syslog_address("/dev/log"))
        self.assertEqual(("log.example", 514), senders.syslog_address("log.example:514"))
        self.assertEqual(("::1", 514), senders.syslog_address("[::1]:514"))
        self.assertRaises(ValueError, senders.syslog_address, "log.example")
