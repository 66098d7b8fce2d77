# SPDX-License-Identifier: Apache-2.0
"""Refused requests: mtce and sysinv read a code, all other clients the text that every error of the platform has."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec
import pecan
import webob

from stx import exception
from stx.rest import app

_NOTE = "sm.refusal"


def refuse(error: exception.StxException, answer: Mapping[str, Any]) -> NoReturn:
    """Answer the request in progress with an error that has these attributes too.

    :raises exception.StxException: the error
    """
    pecan.request.environ[_NOTE].update(answer)
    raise error


class Refusals:
    """WSGI middleware around the whole service."""

    def __init__(self, application: app.Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        noted: dict[str, Any] = {}
        environ[_NOTE] = noted
        response = webob.Request(environ).get_response(self._application)
        if noted:
            response.body = msgspec.json.encode({**msgspec.json.decode(response.body), **noted})
        answer: Iterable[bytes] = response(environ, start_response)
        return answer
