# SPDX-License-Identifier: Apache-2.0
"""Has Service Management hand over the activity of this controller, over its REST service (spec mtce-sm.md B5.2)."""

import logging

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading, session
from oslo_config import cfg

from stx import exception

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

_GROUP = "keystone_authtoken"
_DEADLINE_S = 20.0


def request(host: str, is_forced: bool = False) -> None:
    """Ask for it; it has begun then.

    :param is_forced: also where services of the other controller have failed

    :raises exception.Unavailable: with the reason, when it cannot be now
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
        raise exception.Unavailable(f"Service Management does not hand over: {why}")
    LOG.warning("Service Management was asked to have the other controller active in place of %s", host)
