# SPDX-License-Identifier: Apache-2.0
"""What the platform says of this host."""

import time
from collections.abc import Iterator

from keystoneauth1 import exceptions as auth_exceptions

from stxembedded import config, identity
from stxembedded.config import Layout

IN_SERVICE = "unlocked enabled available"
UNKNOWN = "not known yet"
POLL_S = 0.2


def watch(layout: Layout, password: str) -> Iterator[str]:
    """The administrative, operational and availability state of this host, again and again, until also its inventory is known."""
    session = identity.connect(layout.auth_url, password)
    url = f"{layout.url('platform')}/v1/ihosts/{config.HOSTNAME}"
    while True:
        try:
            host = session.get(url, headers={"Accept": "application/json"}).json()
            states = " ".join(host[name] for name in ("administrative", "operational", "availability"))
            # Processors are in every machine, so their absence means that the agent has not reported yet.
            is_reported = bool(session.get(f"{url}/icpus?limit=1").json()["icpus"])
            yield states if is_reported else f"{states}, its inventory is awaited"
        except auth_exceptions.NotFound:
            yield UNKNOWN
        except (auth_exceptions.ClientException, ValueError, KeyError) as error:
            yield f"{UNKNOWN}: {error}"
        time.sleep(POLL_S)
