# SPDX-License-Identifier: Apache-2.0
"""`stx up`: from nothing to a controller that is unlocked, enabled and available."""

import argparse
import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from stx import exception
from stxembedded import config, lock, ports
from stxembedded.config import Layout
from stxembedded.platform import Platform
from stxembedded.units import all_units, write_drop_ins

HOST_DEADLINE_S = 60.0
# A process that does not answer may have been started a moment ago by the process monitor.
PATIENCE_S = 10.0
NEXT_STEPS = """
Try:
    eval "$({env})"
    system host-list
    fm alarm-list"""


# Somebody wants it to end. What raises in the middle of others' code, some of which takes any exception, may get lost.
_interrupted = threading.Event()


def run(arguments: argparse.Namespace) -> int:
    _interrupted.clear()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `nohup` has the last one ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    begun = time.monotonic()

    def say(text: str) -> None:
        if _interrupted.is_set():
            raise KeyboardInterrupt
        try:
            print(f"[{time.monotonic() - begun:5.1f} s] {text}", flush=True)
        except OSError:
            # Whoever read it (head, a terminal that was closed) has gone; what was begun is brought to its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    layout = choose(Layout.load(arguments.data_dir), arguments)
    layout.check()
    with lock.exclusive(layout.run_dir / "lock", "up"):
        # Again: another `up` may have made the first choices meanwhile.
        kept = Layout.load(arguments.data_dir)
        layout = choose(kept, arguments)
        if not runs_already(kept, say):
            start(layout, say)
        elif layout == kept:
            # One that a `down` that was interrupted has left.
            layout.maintenance_flag.unlink(missing_ok=True)
            say("everything runs already")
        else:
            raise exception.Conflict(
                f"The platform runs with another address or other ports. Stop it first: {layout.call('down')}"
            )
    print(NEXT_STEPS.format(env=layout.call("env")))
    return 0


def choose(layout: Layout, arguments: argparse.Namespace) -> Layout:
    """The layout with what the command line says in place of what was chosen before."""
    chosen = dict(layout.ports)
    if arguments.shape not in (None, layout.shape) and layout.is_kept:
        raise exception.Conflict(f"The data in {layout.data_dir} is of a {layout.shape} system. Choose another --data-dir.")
    if arguments.port_base:
        chosen = {service: arguments.port_base + offset for offset, service in enumerate(config.PORTS)}
    chosen.update({service: port for service in config.PORTS if (port := getattr(arguments, f"{service}_port"))})
    if len(set(chosen.values())) < len(chosen) or max(chosen.values()) > 65535:
        raise exception.Invalid("Each service needs a port of its own, up to 65535. Choose other ports.")
    return dataclasses.replace(
        layout, shape=arguments.shape or layout.shape, address=arguments.address or layout.address, ports=chosen
    )


def runs_already(layout: Layout, say: Callable[[str], None]) -> bool:
    """Whether the platform runs and is well. If it does only in part, all of it is stopped."""
    platform = Platform(layout, all_units(layout), say)
    if not platform.running():
        return False
    if trouble := _trouble(layout, platform):
        say(f"{trouble}: starting over")
        platform.stop()
    return not trouble


def _trouble(layout: Layout, platform: Platform) -> str:
    """What is wrong with a platform of which something runs; an empty text is nothing."""
    number = len(all_units(layout))
    silent = platform.silent(PATIENCE_S) if len(platform.running()) == number else []
    running = platform.running()
    if len(running) < number:
        # One that is missing may be about to be started by the process monitor, so that there would be two.
        return f"only {', '.join(running) or 'a part'} ran"
    if silent:
        return f"{' and '.join(silent)} did not answer"
    if layout.passwords_pending.exists() or not config.read_passwords(layout):
        # An `up` was killed before it was done, or the file was removed.
        return "passwords were lost or are not known to keystone yet"
    return ""


def start(layout: Layout, say: Callable[[str], None]) -> None:
    """Start everything; after a failure nothing runs.

    :raises exception.StxException: saying why it did not work
    """
    platform = Platform(layout, all_units(layout), say)
    ports.check(layout)
    layout.save()
    say(f"data, configuration and logs are in {layout.data_dir}")
    passwords = config.load_passwords(layout)
    config.write_configuration(layout, passwords)
    write_drop_ins(layout, all_units(layout))
    try:
        platform.start({"keystone": lambda: _ensure_identity(layout, passwords, say)})
        _await_host(layout, passwords, say)
    except BaseException:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Who is impatient and interrupts it again must not be left with half a platform.
            signal.signal(number, signal.SIG_IGN)
        _interrupted.clear()
        say("it did not work: everything is stopped again")
        platform.stop()
        raise


def _ensure_identity(layout: Layout, passwords: Mapping[str, str], say: Callable[[str], None]) -> None:
    from stxembedded import identity

    if changes := identity.ensure_platform(layout, passwords):
        say(f"keystone knows the platform now: {len(changes)} roles, users and endpoints were made or put right")


def _await_host(layout: Layout, passwords: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Wait until the platform says that this host is in service."""
    from stxembedded import hosts

    deadline = time.monotonic() + HOST_DEADLINE_S
    seen = ""
    for states in hosts.watch(layout, passwords["admin"]):
        if states != seen:
            say(f"{config.HOSTNAME} is {states}")
            seen = states
        if states == hosts.IN_SERVICE:
            return
        if time.monotonic() > deadline:
            raise exception.Unavailable(
                f"{config.HOSTNAME} is {states}, not {hosts.IN_SERVICE}, after {HOST_DEADLINE_S:.0f} s. See the logs in {layout.log_dir}."
            )


def _interrupt(number: int, frame: Any) -> None:
    _interrupted.set()
    raise KeyboardInterrupt
