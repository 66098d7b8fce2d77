# SPDX-License-Identifier: Apache-2.0
"""Tests of a process's metrics page, over HTTP on loopback."""

import concurrent.futures
import socket
import threading
import urllib.error
import urllib.request
from unittest import mock

import prometheus_client

from stx import exception, metrics, testing

DEADLINE_S = 60.0


class PageTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.healthy = True

    def start(self, port: int) -> metrics.Page:
        self.platform.conf.config(group="metrics", port=port)
        page = metrics.Page(lambda: self.healthy)
        page.start()
        self.addCleanup(page.stop)
        return page

    def get(self, port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_metrics_are_in_the_text_format_of_prometheus(self) -> None:
        counter = prometheus_client.Counter("test_page", "What this test counted.")
        self.addCleanup(prometheus_client.REGISTRY.unregister, counter)
        counter.inc(3)
        port = testing.free_port()
        self.start(port)

        status, text = self.get(port, "/metrics")

        self.assertEqual(200, status)
        self.assertIn("\ntest_page_total 3.0\n", text)

    def test_the_health_check_tells_whether_all_parts_run(self) -> None:
        port = testing.free_port()
        self.start(port)

        self.assertEqual((200, "OK\n"), self.get(port, "/healthcheck"))
        self.healthy = False
        self.assertEqual(503, self.get(port, "/healthcheck")[0])

    def test_figures_that_are_slow_hold_up_no_health_check(self) -> None:
        ended = threading.Event()
        slow = mock.Mock(describe=lambda: (), collect=lambda: iter(ended.wait, True))
        port = testing.free_port()
        self.start(port)
        prometheus_client.REGISTRY.register(slow)
        self.addCleanup(prometheus_client.REGISTRY.unregister, slow)
        with concurrent.futures.ThreadPoolExecutor(3) as others:
            asked = [others.submit(self.get, port, "/metrics") for _ in range(3)]
            # One of them is refused.
            first = next(concurrent.futures.as_completed(asked, DEADLINE_S)).result()
            self.assertEqual(503, first[0])
            self.assertEqual(200, self.get(port, "/healthcheck")[0])
            ended.set()
            self.assertEqual([200, 200, 503], sorted(each.result()[0] for each in asked))

    def test_without_a_port_there_is_no_page(self) -> None:
        self.assertIsNone(self.start(0)._server)

    def test_a_stopped_page_frees_its_port(self) -> None:
        port = testing.free_port()
        self.start(port).stop()

        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))

    def test_a_port_in_use_is_told_with_the_option_to_change(self) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()

            self.assert_raises_with(exception.ConfigurationError, "[metrics] port", self.start, sock.getsockname()[1])
