# SPDX-License-Identifier: Apache-2.0
"""`stx up`: from nothing to a controller that is unlocked, enabled and available."""

import argparse
import dataclasses
import os
import shlex
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from stx import exception
from stxembedded import config, lock, ports
from stxembedded.config import Layout
from stxembedded.platform import Platform
from stxembedded.units import all_units, write_drop_ins

HOST_DEADLINE_S = 60.0
NEXT_STEPS = """
Try:
    eval "$({env})"
    system host-list
    fm alarm-list"""


def run(arguments: argparse.Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {text}", flush=True)

    layout = choose(Layout.load(arguments.data_dir), arguments)
    with lock.exclusive(layout.run_dir / "lock", "up"):
        platform = Platform(layout, all_units(layout), say)
        if platform.is_up():
            _refuse_changes(layout)
            say("everything runs already")
        else:
            start(layout, platform, say)
    print(NEXT_STEPS.format(env=_env_call(layout)))
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


def start(layout: Layout, platform: Platform, say: Callable[[str], None]) -> None:
    """Start what does not run; after a failure nothing runs.

    :raises exception.StxException: saying why it did not work
    """
    running = platform.running()
    if platform.is_complete():
        _refuse_changes(layout)
    elif running:
        # One that is missing may be about to be started by the process monitor, so that there would be two.
        say(f"only {', '.join(running)} ran: starting over")
        platform.stop()
        running = {}
    ports.check(layout, [service for unit in all_units(layout) if unit.name not in running for service in unit.services])
    layout.save()
    say(f"data, configuration and logs are in {layout.data_dir}")
    passwords = config.load_passwords(layout)
    config.write_configuration(layout, passwords)
    write_drop_ins(layout, all_units(layout))
    try:
        platform.start({"keystone": lambda: _ensure_identity(layout, passwords, say)})
        _await_host(layout, passwords, say)
    except BaseException:
        say("it did not work: everything is stopped again")
        platform.stop()
        raise


def _ensure_identity(layout: Layout, passwords: Mapping[str, str], say: Callable[[str], None]) -> None:
    from stxembedded import identity

    changes = identity.ensure_identity(
        layout.auth_url,
        passwords["admin"],
        layout.catalogue(),
        layout.users(passwords),
        region=config.REGION,
        reset_passwords=layout.passwords_pending.exists(),
    )
    layout.passwords_pending.unlink(missing_ok=True)
    if changes:
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


def _refuse_changes(wanted: Layout) -> None:
    if Layout.load(wanted.data_dir) != wanted:
        raise exception.Conflict("The platform runs with another address or other ports. Stop it first: stx down.")


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _env_call(layout: Layout) -> str:
    """How the user calls this command for the same data again."""
    command = os.environ.get("STX_COMMAND", "stx")
    is_default = layout.data_dir == config.default_data_dir()
    return f"{command} env" if is_default else f"{command} env --data-dir {shlex.quote(str(layout.data_dir))}"
