# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{uuid}/install_progress: what installers tell, without a token (spec sysinv.md 6.4)."""

import re
from typing import Any
from urllib import parse

import pecan

from stx import context as stx_context
from stx import exception
from stx.rest import app, types, wire
from sysinv import client

# By uuid alone: names and numbers of hosts can be guessed.
PUBLIC = r"/v1/ihosts/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/install_progress/?"

BODY_LIMIT = 4096
_ATTRIBUTES = ("install_state", "install_state_info")


class InstallProgressController(app.Controller):
    """Asks nobody who it is: what can be told here is little, and the conductor takes it for a locked host only."""

    def __init__(self) -> None:
        self._conductor = client.Conductor()

    @app.expose
    def post(self, host: str) -> dict[str, Any]:
        if not re.fullmatch(PUBLIC, pecan.request.path_info):
            raise exception.NotFound("An installer names its host by its uuid: /v1/ihosts/{uuid}/install_progress.")
        told = _told()
        state, info = told.get("install_state"), told.get("install_state_info")
        if not isinstance(state, str) or not isinstance(info, str | None):
            raise exception.Invalid("Give install_state, and install_state_info where there is some, as texts.")
        # Nobody's identity: what headers say of it was not checked.
        self._conductor.report_install_progress(stx_context.internal("installer"), host.lower(), state, info)
        return {"install_state": state, "install_state_info": info}


def _told() -> dict[str, Any]:
    """What the body says, a JSON object or a form."""
    if (pecan.request.content_length or 0) > BODY_LIMIT or len(pecan.request.body) > BODY_LIMIT:
        raise exception.PayloadTooLarge(f"The request body is too large: at most {BODY_LIMIT} bytes are accepted here.")
    values = wire.body() if pecan.request.body.lstrip().startswith(b"{") else _form(pecan.request.body)
    if unknown := sorted(values.keys() - set(_ATTRIBUTES)):
        raise exception.Invalid(f"There is no attribute {types.shown(unknown[0])}. Allowed here: {', '.join(_ATTRIBUTES)}.")
    return values


def _form(body: bytes) -> dict[str, Any]:
    try:
        return dict(parse.parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=len(_ATTRIBUTES), errors="strict"))
    except ValueError as error:
        raise exception.Invalid(
            "The request body must be a JSON object or a form, such as install_state=installing&install_state_info=7/12."
        ) from error
