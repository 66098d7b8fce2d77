# SPDX-License-Identifier: Apache-2.0
"""Has Service Management hand over the activity of this controller, over its REST service (spec mtce-sm.md B5.2)."""

import logging
import threading

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading, session
from oslo_config import cfg

from stx import exception

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

_GROUP = "keystone_authtoken"
_DEADLINE_S = 20.0


class Refused(exception.Unavailable):
    """Service Management has said no, and why."""


class Requests:
    """What operators want handed over: Service Management is asked once for each. Used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The name of the last one, whether somebody has begun to ask, and the reason against it.
        self._last: tuple[str, bool, str | None] = ("", True, None)

    def add(self, name: str) -> None:
        with self._lock:
            if name != self._last[0]:
                self._last = name, False, None

    def take(self, name: str) -> bool:
        """Whether it is for the caller to ask."""
        with self._lock:
            is_free = self._last[:2] == (name, False)
            if is_free:
                self._last = name, True, None
            return is_free

    def refuse(self, name: str, reason: str) -> None:
        with self._lock:
            if name == self._last[0]:
                self._last = name, True, reason

    def is_known(self, name: str) -> bool:
        return name == self._last[0]

    def reason(self, name: str) -> str | None:
        """Why it was refused; None when it was not."""
        last, _, reason = self._last
        return reason if last == name else None


def request(host: str, is_forced: bool = False) -> None:
    """Ask for it; it has begun then.

    :param is_forced: also where services of the other controller have failed
    :raises Refused: with the reason
    :raises exception.Unavailable: when nobody has answered: it may have begun
    """
    loading.register_auth_conf_options(CONF, _GROUP)
    action = "swact-force" if is_forced else "swact"
    body = {"origin": "mtce", "action": action, "admin": "unknown", "oper": "unknown", "avail": ""}
    try:
        auth = loading.load_auth_from_conf_options(CONF, _GROUP)
        answer = session.Session(auth, timeout=_DEADLINE_S).patch(
            f"{CONF.mtce.sm_url.rstrip('/')}/v1/servicenode/{host}", json=body, raise_exc=False
        )
        found = answer.json() if answer.content else {}
    except (keystone_exceptions.ClientException, keystone_exceptions.MissingRequiredOptions, ValueError) as error:
        raise exception.Unavailable(f"Service Management cannot be asked to hand over at {CONF.mtce.sm_url}: {error}") from error
    if answer.status_code != 200 or found.get("error_code") != "0":
        why = found.get("error_details") or found.get("faultstring") or f"status {answer.status_code}"
        raise Refused(f"Service Management does not hand over: {why}")
    LOG.warning("Service Management was asked to have the other controller active in place of %s", host)
