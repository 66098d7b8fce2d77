# SPDX-License-Identifier: Apache-2.0
"""Tests of the load generator: its arithmetic, and itself against a real server."""

import http.server
import socket
import threading

from oslotest import base

from bench import load

# Long enough for some requests on a busy machine.
SECONDS = 2.0
BODY = b"x" * 100_000


def answered(finished: float, latency_s: float = 0.01, problem: str | None = None) -> load.Outcome:
    return load.Outcome(finished, latency_s, 10, problem)


class PercentileTest(base.BaseTestCase):
    def test_percentiles_of_a_hundred_are_their_ranks(self):
        ordered = list(range(1, 101))
        self.assertEqual((50, 99, 100), tuple(load.percentile(ordered, p) for p in (50, 99, 100)))

    def test_the_99th_percentile_of_few_is_the_largest(self):
        self.assertEqual(3, load.percentile([1, 2, 3], 99))

    def test_the_median_of_an_even_number_is_the_lower_middle(self):
        self.assertEqual(2, load.percentile([1, 2, 3, 4], 50))

    def test_every_percentile_of_one_is_itself(self):
        self.assertEqual([7, 7, 7], [load.percentile([7], p) for p in (0, 50, 100)])


class SummaryTest(base.BaseTestCase):
    def test_rate_and_latencies_are_of_the_time_between(self):
        outcomes = [answered(10 + n / 10, latency_s=(n + 1) / 1000) for n in range(20)]
        result = load.summarise(outcomes, 10.0, 12.0)
        self.assertEqual((20, 10.0), (result["requests"], result["requests_per_s"]))
        self.assertEqual((10.0, 20.0), (result["p50_ms"], result["p99_ms"]))
        self.assertEqual((0, None), (result["errors"], result["first_error"]))

    def test_latencies_need_not_come_in_order(self):
        result = load.summarise([answered(1, 0.003), answered(1, 0.001), answered(1, 0.002)], 0, 2)
        self.assertEqual(2.0, result["p50_ms"])

    def test_answers_of_the_warm_up_and_after_the_close_do_not_count(self):
        result = load.summarise([answered(9.9), answered(10.0), answered(12.0)], 10.0, 12.0)
        self.assertEqual(1, result["requests"])

    def test_an_error_gives_no_rate_and_no_latency(self):
        result = load.summarise([answered(11, 9.0, "HTTP 500"), answered(11.5)], 10.0, 12.0)
        self.assertEqual((1, 0.5, 10.0), tuple(result[k] for k in ("requests", "requests_per_s", "p99_ms")))
        self.assertEqual((1, "HTTP 500"), (result["errors"], result["first_error"]))

    def test_an_error_after_the_close_counts_and_one_of_the_warm_up_does_not(self):
        outcomes = [answered(9.0, problem="early"), answered(42.0, problem="timed out")]
        result = load.summarise(outcomes, 10.0, 12.0)
        self.assertEqual((1, "timed out"), (result["errors"], result["first_error"]))

    def test_without_a_good_answer_there_is_no_latency(self):
        result = load.summarise([], 10.0, 12.0)
        self.assertEqual((0, 0.0), (result["requests"], result["requests_per_s"]))
        self.assertEqual((None, None), (result["p50_ms"], result["p99_ms"]))


class TinyHandler(http.server.BaseHTTPRequestHandler):
    """Gives a body to who shows the token, and 403 to others."""

    protocol_version = "HTTP/1.1"
    server: "TinyServer"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_GET(self):
        self.server.targets.add(self.path)
        body = BODY if self.headers["X-Token"] == "good" else b""
        self.send_response(200 if body else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Requests are many: leave the test's output clean."""


class TinyServer(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), TinyHandler)
        self.connections = 0
        self.targets = set()


class MeasureTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.server = TinyServer()
        serving = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        serving.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(serving.join)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/hosts?limit=100"

    def test_a_good_server_is_measured_over_as_many_lasting_connections_as_asked(self):
        result = load.measure(self.url, {"X-Token": "good"}, seconds=SECONDS, concurrency=2)
        self.assertEqual((0, None), (result["errors"], result["first_error"]))
        self.assertGreater(result["requests"], 0)
        self.assertAlmostEqual(result["requests"] / SECONDS, result["requests_per_s"], places=3)
        self.assertLessEqual(result["p50_ms"], result["p99_ms"])
        self.assertEqual(len(BODY), result["body_bytes"])
        self.assertEqual(2, self.server.connections)
        self.assertEqual({"/v1/hosts?limit=100"}, self.server.targets)

    def test_refusals_are_errors_and_no_requests(self):
        result = load.measure(self.url, {}, seconds=SECONDS, concurrency=1)
        self.assertEqual((0, None), (result["requests"], result["p50_ms"]))
        self.assertGreater(result["errors"], 0)
        self.assertEqual("HTTP 403 Forbidden", result["first_error"])

    def test_a_server_that_is_not_there_gives_errors(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            result = load.measure(url, {}, seconds=SECONDS, concurrency=1)
        self.assertEqual(0, result["requests"])
        self.assertIn("ConnectionRefusedError", result["first_error"])

    def test_an_address_that_is_not_http_is_named_in_the_error(self):
        error = self.assertRaises(load.LoadError, load.measure, "ftp://127.0.0.1/", {}, 0.1, 1)
        self.assertIn("ftp://127.0.0.1/ is no http:// address", str(error))
