# SPDX-License-Identifier: Apache-2.0
"""Tests of the in-process driver's socket, with other processes on it."""

import concurrent.futures
import io
import json
import os
import pathlib
import socket
import stat
import struct
import time
from typing import Any

import fixtures
import oslo_messaging

from stx import context, exception, inproc, inproc_hub, rpc, testing
from stx.tests.unit import service_process

DEADLINE_S = 60.0


class HubCase(testing.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        service_process.prepare()

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.path = self.platform.path / "bus"
        self.platform.conf.config(transport_url=f"inproc://{self.path}")
        self.client = rpc.Client(service_process.TOPIC, "1.0", timeout_s=DEADLINE_S)
        self.internal = context.internal("test")

    def start_process(self, service: str, hub: bool) -> service_process.Running:
        config = self.platform.path / "probe.conf"
        config.write_text(f"[DEFAULT]\ntransport_url = inproc://{self.path}\n[inproc]\nhub = {hub}\n")
        process = service_process.Running(service, config_file=config, environ={})
        self.addCleanup(process.close)
        return process

    def pid(self) -> int:
        return self.client.call(self.internal, "pid", into=int)


class HubTest(HubCase):
    """The test's process holds the bus."""

    def setUp(self) -> None:
        super().setUp()
        server = rpc.Server(service_process.Manager())
        server.start()
        self.addCleanup(server.stop)

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE_S)
        sock.connect(str(self.path))
        return sock

    def send(self, sock: socket.socket, data: bytes) -> None:
        sock.sendall(struct.pack("!I", len(data)) + data)

    def ask(self, sock: socket.socket, **changed: Any) -> dict[str, Any]:
        frame = {
            "exchange": rpc.EXCHANGE,
            "topic": service_process.TOPIC,
            "server": None,
            "fanout": False,
            "ctxt": {},
            "message": {"method": "pid", "args": {}, "version": "1.0"},
            "wait": True,
            "timeout": DEADLINE_S,
        }
        self.send(sock, json.dumps(frame | changed).encode())
        (size,) = struct.unpack("!I", sock.recv(4, socket.MSG_WAITALL))
        return json.loads(sock.recv(size, socket.MSG_WAITALL))

    def is_dropped(self, sock: socket.socket) -> bool:
        try:
            return sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def test_another_process_is_answered_with_results_and_with_our_exceptions(self) -> None:
        answer = self.start_process("asking", hub=False).output.readline()

        self.assertEqual([os.getpid(), os.getpid(), "Conflict", "It is in use."], json.loads(answer))

    def test_calls_inside_the_hub_need_no_socket(self) -> None:
        self.path.unlink()

        self.assertEqual(os.getpid(), self.pid())

    def test_only_its_own_user_may_open_the_socket(self) -> None:
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))

    def test_a_malformed_frame_ends_its_own_connection_only(self) -> None:
        logged = self.useFixture(fixtures.FakeLogger(format="%(levelname)s %(message)s"))
        errors = self.useFixture(fixtures.MonkeyPatch("sys.stderr", io.StringIO())).new_value
        other = self.connect()
        malformed = {
            "longer than allowed": struct.pack("!I", inproc_hub.FRAME_LIMIT + 1),
            "not a frame": b"GET / HTTP/1.1\r\n\r\n",
            "not JSON": struct.pack("!I", 5) + b"{{{{{",
            "not UTF-8": struct.pack("!I", 4) + b'"\xff"!',
            "another shape": struct.pack("!I", 2) + b"[]",
            "nested too deeply": struct.pack("!I", 200_000) + b"[" * 200_000,
            "without a topic": struct.pack("!I", 18) + b'{"exchange":"stx"}',
        }
        for data in malformed.values():
            sock = self.connect()
            sock.sendall(data)
            self.assertTrue(self.is_dropped(sock))

        self.assertEqual(os.getpid(), self.ask(other)["reply"])
        self.assertEqual("", errors.getvalue())
        self.assertEqual(len(malformed), logged.output.count("WARNING Dropped a message bus connection"))

    def test_a_caller_that_leaves_in_the_middle_of_a_frame_disturbs_nobody(self) -> None:
        sock = self.connect()
        sock.sendall(struct.pack("!I", 1000) + b"{")
        sock.close()

        self.assertEqual(os.getpid(), self.ask(self.connect())["reply"])

    def test_a_call_to_a_topic_that_nobody_serves_ends_at_its_deadline(self) -> None:
        answer = self.ask(self.connect(), topic="nobody", timeout=0.05)

        self.assertIn("no answer on nobody", answer["timed_out"])

    def test_a_reset_hub_lets_go_of_its_socket_at_once(self) -> None:
        begun = time.monotonic()

        inproc.reset()

        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)
        self.assertRaises(ConnectionRefusedError, self.connect)


class RemoteTest(HubCase):
    """Another process holds the bus; the test's process asks."""

    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.conf.register_opts(inproc.inproc_opts, group="inproc")
        self.platform.conf.config(group="inproc", hub=False)

    def start_hub(self) -> service_process.Running:
        hub = self.start_process("answering", hub=True)
        self.assertEqual("answering starts\n", hub.output.readline())
        return hub

    def test_without_a_hub_the_caller_is_told_at_once(self) -> None:
        begun = time.monotonic()

        self.assert_raises_with(exception.Unavailable, str(self.path), self.pid)
        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)

    def test_without_a_hub_events_are_lost_quietly(self) -> None:
        rpc.publish(self.internal, "fm.alarm.set", {})

    def test_a_hub_that_hangs_keeps_a_caller_no_longer_than_its_deadline_and_a_margin(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.inproc_hub.CONNECT_TIMEOUT_S", 0.1))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hanging:
            hanging.bind(str(self.path))
            hanging.listen()
            client = rpc.Client(service_process.TOPIC, "1.0", timeout_s=0.1)
            begun = time.monotonic()

            self.assertRaises(exception.Unavailable, client.call, self.internal, "pid")

        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)

    def test_calls_go_on_with_a_hub_that_was_restarted(self) -> None:
        first = self.start_hub()
        self.assertEqual([first.pid] * 3, [self.pid() for _ in range(3)])

        first.close()
        second = self.start_hub()

        self.assertEqual([second.pid] * 3, [self.pid() for _ in range(3)])

    def test_a_call_whose_hub_dies_ends_at_once(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hub, concurrent.futures.ThreadPoolExecutor(1) as pool:
            hub.bind(str(self.path))
            hub.listen()
            answer = pool.submit(self.pid)
            connection, _ = hub.accept()
            connection.recv(4, socket.MSG_WAITALL)
            connection.close()
            begun = time.monotonic()

            self.assertRaises(exception.Unavailable, answer.result, DEADLINE_S)

        self.assertLess(time.monotonic() - begun, DEADLINE_S / 2)

    def test_only_the_hub_can_serve(self) -> None:
        target = oslo_messaging.Target(topic="work", server="one")

        self.assertRaises(NotImplementedError, rpc.transport()._driver.listen, target, 1, None)


class StaleSocketTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "bus")

    def test_a_socket_that_a_killed_hub_left_is_removed(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.bind(str(self.path))

        inproc_hub.remove_stale_socket(str(self.path))

        self.assertFalse(self.path.exists())

    def test_a_file_that_is_no_socket_is_kept(self) -> None:
        self.path.write_text("precious")

        inproc_hub.remove_stale_socket(str(self.path))

        self.assertEqual("precious", self.path.read_text())

    def test_nothing_to_remove_is_no_error(self) -> None:
        inproc_hub.remove_stale_socket(str(self.path))

        self.assertFalse(self.path.exists())
