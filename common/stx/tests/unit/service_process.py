# SPDX-License-Identifier: Apache-2.0
"""Processes of their own that run services, for tests that watch them from outside.

They are forked by a server that has imported everything already, so that each costs milliseconds.
"""

import json
import multiprocessing
import os
import pathlib
import signal
import sys
import threading
import types
from collections.abc import Sequence
from multiprocessing import forkserver
from typing import Any, TextIO

from oslo_config import cfg

from stx import config, ending, exception, rpc, service
from stx.context import RequestContext, internal

TOPIC = "service.process"
DEADLINE_S = 60.0

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload([__name__])


def prepare() -> None:
    """Start the forking server, outside of any test: it outlives a test's temporary directory."""
    forkserver.ensure_running()


def say(text: str) -> None:
    print(text, flush=True)


class Part:
    """Says on the output what happens to it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self) -> None:
        say(f"{self.name} starts")

    def stop(self) -> None:
        say(f"{self.name} stops")


class Reloading(Part):
    """Has an option that may change while it runs."""

    def start(self) -> None:
        cfg.CONF.register_opt(cfg.IntOpt("colours", default=1, mutable=True), group="probe")

    def reset(self) -> None:
        say(f"colours {cfg.CONF.probe.colours}")


class Unreloadable(Part):
    def reset(self) -> None:
        raise RuntimeError("of the inside")


class Unhealthy(Part):
    def is_healthy(self) -> bool:
        say("asked")
        return False


class Failing(Part):
    def start(self) -> None:
        raise exception.ConfigurationError("The disk is missing. Insert it.")


class Awaiting(Part):
    """Waits while it starts for what never comes, until the process is told to end."""

    def start(self) -> None:
        super().start()
        if not ending.TOLD.wait(DEADLINE_S):
            say("not told")


class Manager:
    target = rpc.target(TOPIC, "1.0")

    def __init__(self) -> None:
        self.stopping = threading.Event()

    @rpc.exposed
    def pid(self, context: RequestContext) -> int:
        return os.getpid()

    @rpc.exposed
    def refuse(self, context: RequestContext, text: str) -> None:
        raise exception.Conflict(text)

    @rpc.exposed
    def answer_late(self, context: RequestContext) -> str:
        """Answers only once the process stops."""
        say("asked")
        self.stopping.wait(DEADLINE_S)
        return "answered"


class Answering(Part):
    """Answers requests."""

    def start(self) -> None:
        self._manager = Manager()
        self._server = rpc.Server(self._manager)
        self._server.start()
        super().start()

    def stop(self) -> None:
        self._manager.stopping.set()
        self._server.stop()


class Asking(Part):
    """Says what two requests and a refused one gave."""

    def start(self) -> None:
        client, context = rpc.Client(TOPIC, "1.0", DEADLINE_S), internal(self.name)
        pids = [client.call(context, "pid", into=int) for _ in range(2)]
        try:
            client.call(context, "refuse", text="It is in use.")
        except exception.StxException as error:
            say(json.dumps([*pids, type(error).__name__, error.message]))


def sound() -> service.Service:
    return service.Service("sound", [Part("first"), Part("second")])


SERVICES: dict[str, Sequence[Part]] = {
    "sound": [Part("first"), Part("second")],
    "reloading": [Unreloadable("stubborn"), Reloading("reloading")],
    "unhealthy": [Unhealthy("unhealthy")],
    "failing": [Part("third"), Failing("failing"), Part("fourth")],
    "awaiting": [Awaiting("awaiting")],
    "answering": [Answering("answering")],
    "asking": [Asking("asking")],
}


def _end_with_the_tests() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _run(names: Sequence[str], config_file: str, environ: dict[str, str], output: Any, errors: Any) -> None:
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    os.dup2(output.fileno(), sys.stdout.fileno())
    os.dup2(errors.fileno(), sys.stderr.fileno())
    os.environ.update(environ)
    config.parse(["--config-file", config_file], "probe")
    services = [service.Service(name, SERVICES[name]) for name in names]
    sys.exit(service.Process("probe", services).run())


class Running:
    """A process that runs services of these names."""

    def __init__(self, *names: str, config_file: pathlib.Path, environ: dict[str, str]) -> None:
        self._pipes = [_FORKING.Pipe(duplex=False) for _ in range(2)]
        writers = [writer for _, writer in self._pipes]
        self._process = _FORKING.Process(target=_run, args=(names, str(config_file), environ, *writers))
        # Otherwise the child would import what runs the tests.
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            self._process.start()
        finally:
            sys.modules["__main__"] = main
        for writer in writers:
            writer.close()
        # Whoever reads from it comes to an end.
        self._deadline = threading.Timer(DEADLINE_S, self._process.kill)
        self._deadline.start()
        self.output, self._errors = (self._open(reader) for reader, _ in self._pipes)

    @staticmethod
    def _open(reader: Any) -> TextIO:
        return open(reader.fileno(), closefd=False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def logs(self, text: str) -> bool:
        """Whether it writes a line with `text` before it ends."""
        return any(text in line for line in self._errors)

    def end(self) -> tuple[int, list[str], str]:
        """Exit code, further lines of the output, and errors, of a process that is about to end."""
        errors, lines = self._errors.read(), self.output.read().splitlines()
        self._process.join(DEADLINE_S)
        return self._process.exitcode, lines, errors

    def close(self) -> None:
        self._deadline.cancel()
        self._process.kill()
        self._process.join(DEADLINE_S)
        self.output.close()
        self._errors.close()
        for reader, _ in self._pipes:
            reader.close()


if __name__ == "__main__":
    sys.exit(service.main("probe", sys.argv[1:2], sys.argv[2:]))
