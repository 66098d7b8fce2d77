# SPDX-License-Identifier: Apache-2.0
"""Every error leaves in the one shape that StarlingX clients parse, with a sentence that says what to change.

The body is `{"error_message": "<JSON text of {debuginfo, faultcode, faultstring}>"}`: clients decode it twice (spec sysinv.md 1.3).
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib import parse

import msgspec
import webob
import webob.exc

from stx import exception

LOG = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_DRAINED_BYTES = 4 * 2**20

# What libraries below refuse by themselves, in our words.
_TEXTS = {
    400: "The request cannot be read: check its query parameters, and that its body is valid JSON.",
    401: "Not authenticated: give a valid Keystone token in X-Auth-Token. It may have expired.",
    403: "{method} is not permitted on {path}.",
    404: "There is no resource {path}.",
    405: "{method} is not possible on {path}.",
    406: "Only application/json can be given as an answer.",
    413: "The request body is too large: at most {limit} bytes are accepted.",
    415: "The request body must be of type application/json.",
    503: "The identity service cannot be reached to check the token. Try again; if it lasts, check Keystone.",
}


_BODY_TEXT = "The request body ended early, or its chunks are malformed."


class _Body:
    """A request's body; what is wrong with how it is sent is the sender's error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, *size: int) -> bytes:
        return self._guarded(self._stream.read, *size)

    def readline(self, *size: int) -> bytes:
        return self._guarded(self._stream.readline, *size)

    @staticmethod
    def _guarded(read: Callable[..., bytes], *size: int) -> bytes:
        try:
            return read(*size)
        except (OSError, ValueError) as error:
            raise exception.Invalid(_BODY_TEXT) from error


class _ThenDrained:
    """An answer after which what is left of the request's body is read: whoever is cut off while sending may not come to read it."""

    def __init__(self, answer: Iterable[bytes], body: _Body) -> None:
        self._answer = answer
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        if hasattr(self._answer, "close"):
            self._answer.close()
        with contextlib.suppress(exception.Invalid):
            self._body.read(_DRAINED_BYTES)


class ErrorShape:
    """WSGI middleware around the whole service."""

    def __init__(self, application: Callable[..., Iterable[bytes]], body_limit: int) -> None:
        self._application = application
        self._body_limit = body_limit

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"])
        environ["webob.is_body_seekable"] = False
        response = self._answer(environ)
        return _ThenDrained(response(environ, start_response), body)

    def _answer(self, environ: dict[str, Any]) -> webob.Response:
        request = webob.Request(environ)
        try:
            _check_address(environ)
            response = request.get_response(self._application)
        except exception.StxException as error:
            if error.code >= 500:
                LOG.error("%s %s failed: %s", request.method, request.path, error.message)
            return shaped(error.code, error.message)
        except webob.request.DisconnectionError:
            return shaped(400, _BODY_TEXT)
        except webob.exc.HTTPException as error:
            response = error
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            return shaped(500, self._internal(environ))
        return self._reshaped(request, response, environ) if response.status_int >= 400 else response

    def _reshaped(self, request: webob.Request, response: webob.Response, environ: dict[str, Any]) -> webob.Response:
        status = response.status_int
        text = _TEXTS.get(status, self._internal(environ) if status >= 500 else response.status)
        text = text.format(method=request.method, path=request.path[:200], limit=self._body_limit)
        answer = shaped(status, text)
        for name in ("WWW-Authenticate", "Allow", "Retry-After"):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        return answer

    @staticmethod
    def _internal(environ: dict[str, Any]) -> str:
        return (
            f"The service failed to answer; its log has the reason under {environ.get('openstack.request_id', 'this request')}."
        )


def _check_address(environ: dict[str, Any]) -> None:
    """Whatever is behind may take path and query for text."""
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode()
        parse.unquote_to_bytes(environ.get("QUERY_STRING", "").encode("latin-1")).decode()
    except UnicodeError as error:
        raise exception.Invalid("The path and the query of a request must be UTF-8.") from error
    if _CONTROL.search(path):
        raise exception.Invalid("The path of a request cannot have control characters.")


def shaped(status: int, text: str) -> webob.Response:
    fault = {"debuginfo": None, "faultcode": "Client" if status < 500 else "Server", "faultstring": text}
    body = msgspec.json.encode({"error_message": msgspec.json.encode(fault).decode()})
    return webob.Response(body=body, status=status, content_type="application/json", charset="UTF-8")
