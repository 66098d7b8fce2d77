# SPDX-License-Identifier: Apache-2.0
"""A process of its own on the message bus that the environment names: `serve` holds the bus, `call` asks the one that does."""

import json
import os
import sys

from stx import config, context, exception, rpc

TOPIC = "bus.process"


class Manager:
    target = rpc.target(TOPIC, "1.0")

    @rpc.exposed
    def pid(self, context: context.RequestContext) -> int:
        return os.getpid()

    @rpc.exposed
    def refuse(self, context: context.RequestContext, text: str) -> None:
        raise exception.Conflict(text)


def serve() -> None:
    """Hold the bus from the first line of the input to its end."""
    sys.stdin.readline()
    rpc.Server(Manager()).start()
    print("ready", flush=True)
    sys.stdin.read()


def call() -> None:
    """Print what two calls and a refused one gave."""
    client, internal = rpc.Client(TOPIC, "1.0", timeout_s=10), context.internal("probe")
    pids = [client.call(internal, "pid", into=int) for _ in range(2)]
    try:
        client.call(internal, "refuse", text="It is in use.")
    except exception.StxException as error:
        print(json.dumps({"pids": pids, "error": [type(error).__name__, error.message]}))


if __name__ == "__main__":
    config.parse([], "bus-process")
    {"serve": serve, "call": call}[sys.argv[1]]()
