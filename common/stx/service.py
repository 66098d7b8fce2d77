# SPDX-License-Identifier: Apache-2.0
"""How a process of the platform starts, lives and ends.

A process runs one or more services, found by name in the entry point group `stx.services`. A controller on one machine runs all of
them in one process; an installation under systemd runs each in its own. The code is the same.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import stevedore
from oslo_config import cfg
from oslo_reports import guru_meditation_report
from oslo_service import service as oslo_service
from oslo_utils import units

from stx import config, ending, exception, metrics, pulse, rpc, sdnotify, version

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

NAMESPACE = "stx.services"
STOP_DEADLINE_S = 15.0


class Service(oslo_service.ServiceBase):
    """One service of a process: parts that start in order and stop in reverse, each part once and completely.

    :param parts: objects with start() and stop(); stop() returns when nothing of the part is at work any more
    """

    def __init__(self, name: str, parts: Sequence[Any]) -> None:
        self.name = name
        self._parts = list(parts)
        self._started: list[Any] = []

    def start(self) -> None:
        for part in self._parts:
            part.start()
            self._started.append(part)

    def stop(self) -> None:
        # The stack calls all of them, the last one first, also when one fails.
        with contextlib.ExitStack() as stack:
            while self._started:
                stack.callback(self._started.pop(0).stop)

    def wait(self) -> None:
        pass

    def reset(self) -> None:
        """Take over options that were changed in the configuration file."""
        with contextlib.ExitStack() as stack:
            for part in reversed(self._started):
                if hasattr(part, "reset"):
                    stack.callback(part.reset)

    def is_healthy(self) -> bool:
        return all(part.is_healthy() for part in self._started if hasattr(part, "is_healthy"))


class Worker:
    """A thread that calls `step` every `period_s` seconds, and at once when nudged, until stopped.

    A step that raises is logged and tried again at the next period: a worker never dies of one bad moment.
    """

    def __init__(self, name: str, step: Callable[[], None], period_s: float) -> None:
        self._name = name
        self._step = step
        self.period_s = period_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_DEADLINE_S)

    def nudge(self) -> None:
        self._wake.set()

    def is_healthy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._step()
            except exception.Unavailable as error:
                LOG.warning("%s: %s", self._name, error.message)
            except Exception:
                LOG.exception("%s failed; it tries again in %s s", self._name, self.period_s)
            if not self._stopping.is_set():
                self._wake.wait(self.period_s)


def load(names: Sequence[str]) -> list[Service]:
    """Make the named services, in the given order.

    :raises exception.ConfigurationError: when a name is not installed
    """
    # Only what is asked for is imported: a host's process must not carry the controllers' services.
    known = stevedore.NamedExtensionManager(
        NAMESPACE, list(names), name_order=True, on_load_failure_callback=_fail_load, warn_on_missing_entrypoint=False
    )
    if unknown := [name for name in names if name not in known]:
        there_are = ", ".join(sorted(known.entry_points_names()))
        raise exception.ConfigurationError(f"No service is called {', '.join(unknown)}. There are: {there_are}.")
    return [known[name].plugin() for name in names]


def _fail_load(manager: Any, entry_point: Any, error: BaseException) -> None:
    raise exception.ConfigurationError(f"The service {entry_point.name} cannot be loaded: {error}") from error


class Process:
    """Runs services until a signal ends it: TERM and INT stop, HUP re-reads options, USR2 writes a report of all threads."""

    def __init__(self, name: str, services: Sequence[Service]) -> None:
        self.name = name
        self._services = list(services)
        self._started: list[Service] = []

    def run(self) -> int:
        """Start, serve, stop. Gives the exit code."""
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        signal.set_wakeup_fd(writer)
        signal.signal(signal.SIGHUP, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            # What starts waits no longer. In a thread: this one may just be at the event itself.
            signal.signal(number, lambda *_: threading.Thread(target=ending.TOLD.set, daemon=True).start())
        guru_meditation_report.TextGuruMeditation.setup_autorun(version, self.name, CONF.log_dir, conf=CONF)
        begun = time.monotonic()
        page = metrics.Page(self.is_healthy)
        answerer = pulse.Answerer(CONF.pulse.port, self.is_healthy)
        try:
            # What is wrong with them is told before anybody needs them.
            rpc.keyring()
            for service in self._services:
                self._started.append(service)
                service.start()
            page.start()
            answerer.start()
        except Exception as error:
            LOG.exception("%s did not start", self.name)
            print(f"{self.name} did not start: {error}", file=sys.stderr)
            self._stop()
            return 1
        LOG.info("%s is ready after %.2f s", self.name, time.monotonic() - begun)
        sdnotify.ready()
        watchdog = sdnotify.Watchdog(self.is_healthy)
        watchdog.start()
        self._serve(reader)
        sdnotify.stopping()
        watchdog.stop()
        answerer.stop()
        page.stop()
        self._stop()
        return 0

    def is_healthy(self) -> bool:
        return rpc.is_healthy() and all(service.is_healthy() for service in self._started)

    def _serve(self, reader: int) -> None:
        while True:
            number = os.read(reader, 1)[0]
            if number in (signal.SIGTERM, signal.SIGINT):
                LOG.info("%s stops on %s", self.name, signal.Signals(number).name)
                return
            if number == signal.SIGHUP:
                self._reload()

    def _reload(self) -> None:
        try:
            changed = _mutate()
        except (cfg.Error, SystemExit) as error:
            # SystemExit: oslo.config has printed which command line option has a wrong value in the file.
            LOG.error("The changed options were not taken over: %s", str(error) or "one has a wrong value")
            return
        for group, option in sorted((group or "DEFAULT", option) for group, option in changed):
            LOG.info("The option %s.%s was changed", group, option)
        for service in self._started:
            with _logged(f"{service.name} did not take over the changed options"):
                service.reset()

    def _stop(self) -> None:
        begun = time.monotonic()
        ending.TOLD.set()
        while self._started:
            service = self._started.pop()
            with _logged(f"{service.name} did not stop cleanly"):
                service.stop()
        with _logged("the message bus was not closed"):
            rpc.reset()
        ending.TOLD.clear()
        LOG.info("%s stopped after %.2f s", self.name, time.monotonic() - begun)


def _mutate() -> Iterable[tuple[str | None, str]]:
    """Read options anew. Gives those that changed.

    The library would tell what each was and is, those that are secret too.
    """
    library = logging.getLogger(cfg.__name__)
    before = library.level
    library.setLevel(logging.WARNING)
    try:
        changed: Iterable[tuple[str | None, str]] = CONF.mutate_config_files()
    finally:
        library.setLevel(before)
    return changed


@contextlib.contextmanager
def _logged(what: str) -> Any:
    try:
        yield
    except Exception:
        LOG.exception("%s", what)


def main(name: str, services: Sequence[str], argv: Sequence[str] | None = None) -> int:
    """The whole life of a process of the named services. Gives the exit code."""
    return live(name, lambda: load(services), argv)


def live(name: str, make: Callable[[], Sequence[Service]], argv: Sequence[str] | None = None) -> int:
    """The whole life of a process: options, logging, services, signals. Gives the exit code.

    :param make: makes the services, when the options are known
    """
    threading.stack_size(512 * units.Ki)
    config.parse(sys.argv[1:] if argv is None else argv, prog=name)
    try:
        process = Process(name, make())
    except exception.ConfigurationError as error:
        print(f"{name}: {error.message}", file=sys.stderr)
        return 1
    return process.run()
