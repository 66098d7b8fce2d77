# SPDX-License-Identifier: Apache-2.0
"""Service Management, asked over HTTP on the caller's behalf (spec sysinv.md 2.4, mtce-sm.md B5.2)."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib import parse

import msgspec
import requests
from oslo_config import cfg

from stx import exception
from stx.context import RequestContext
from stx.rest import app, query, wire
from sysinv import policies

CONF = cfg.CONF

# It is on this host, and itself waits for Service Management for a few seconds at the most.
_CONNECT_S = 3.0
_ANSWER_S = 20.0
_ERRORS = {
    each.code: each
    for each in (exception.Invalid, exception.NotAuthenticated, exception.Forbidden, exception.NotFound, exception.Conflict)
}


def call(context: RequestContext, method: str, path: str, parameters: Mapping[str, Any] = {}, body: Any = None) -> Any:
    """What it answers.

    :raises exception.Unavailable: when it cannot be reached, or does not answer as it should
    :raises exception.StxException: with its own sentence, when it refuses
    """
    url = f"{CONF.sysinv_api.sm_url.rstrip('/')}/v1/{path}"
    try:
        with requests.Session() as session:
            # Nothing on the way to this host shall see the token.
            session.trust_env = False
            answer = session.request(
                method,
                url,
                params=parameters,
                json=body,
                headers={"X-Auth-Token": context.auth_token or "", "Accept": "application/json"},
                timeout=(_CONNECT_S, _ANSWER_S),
                allow_redirects=False,
            )
        value = msgspec.json.decode(answer.content)
    except (requests.RequestException, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise exception.Unavailable(
            f"Service Management does not answer at {CONF.sysinv_api.sm_url} ({type(error).__name__}). Is sm-api at work on this "
            "controller? If it listens elsewhere, set [sysinv_api] sm_url."
        ) from error
    if not isinstance(value, dict) or answer.status_code not in (200, *_ERRORS):
        raise exception.Unavailable(
            _sentence(value) or f"Service Management answered with status {answer.status_code}. Its log says why."
        )
    if answer.status_code != 200:
        raise _ERRORS[answer.status_code](_sentence(value) or f"Service Management refused with status {answer.status_code}.")
    return value


def ask_controller(context: RequestContext, host: str, action: str) -> dict[str, Any]:
    """Ask something of a controller, or whether it could be done; gives what Service Management says to it."""
    body = {"origin": "sysinv", "action": action, "admin": "unknown", "oper": "unknown", "avail": ""}
    answer: dict[str, Any] = call(context, "PATCH", f"servicenode/{host}", body=body)
    return answer


def _sentence(value: Any) -> str | None:
    """The text of an error that it answered with."""
    try:
        return str(msgspec.json.decode(value["error_message"])["faultstring"])
    except (KeyError, TypeError, msgspec.DecodeError):
        return None


class ReexportController(app.Controller):
    """Shows what Service Management shows.

    :param source: path of the collection there, and its key in a list's answer
    :param key: the list's key here
    """

    def __init__(self, source: str, key: str, view: wire.View) -> None:
        self._source = source
        self._key = key
        self._view = view

    @app.expose
    def get_all(self) -> dict[str, Any]:
        context = self.authorize(policies.HOST_GET)
        asked = query.parse_query()
        wanted = {name: value for name, value in dataclasses.asdict(asked.page).items() if value is not None}
        answer = call(context, "GET", self._source, wanted)
        rows = answer.get(self._source)
        if not isinstance(rows, list):
            raise exception.Unavailable(f"Service Management gave no list of {self._source}. Check [sysinv_api] sm_url.")
        base = query.base_url()
        # It may give fewer at a time than are asked for.
        page = dataclasses.replace(asked.page, limit=len(rows))
        more = query.next_link(page, rows) if rows and "next" in answer else {}
        return {self._key: [self._view.render(row, base) for row in rows], **more}

    @app.expose
    def get_one(self, item: str) -> dict[str, Any]:
        context = self.authorize(policies.HOST_GET)
        return self._view.render(call(context, "GET", f"{self._source}/{parse.quote(item, safe='')}"), query.base_url())
