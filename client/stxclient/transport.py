# SPDX-License-Identifier: Apache-2.0
"""Requests to one service of the platform: where it is, deadlines, errors, pages (spec sysinv.md 1.1 to 1.5)."""

import dataclasses
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib import parse

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1 import session as ksa_session

from stxclient import event_stream, exceptions, failures, faults

LOG = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
# A page holds few enough items to be answered at once, and enough that most lists are one page.
PAGE_SIZE = 500
# A stream says that it lives every 10 seconds.
SILENCE_S = 30.0
_SECRETS = frozenset({"bm_password", "auth_password", "priv_password"})

Parameters = Iterable[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service and how to name it to the operator.

    :ivar variable: environment variable that overrides its address
    """

    name: str
    service_type: str
    variable: str


PLATFORM = Service("platform service", "platform", "SYSTEM_URL")
FAULTS = Service("fault service", "faultmanagement", "FM_URL")


class Transport:
    """Sends requests to one service and gives decoded answers.

    :param url: address of the service; by default the service catalogue's
    :param timeout_s: how long to wait for an answer, in seconds
    """

    def __init__(
        self,
        session: ksa_session.Session,
        service: Service,
        *,
        region_name: str | None = None,
        interface: str = "public",
        url: str | None = None,
        timeout_s: float,
    ) -> None:
        self._session = session
        self._service = service
        self._region_name = region_name
        self._interface = interface
        self._url = url
        self._timeout_s = timeout_s
        self._base: str | None = None

    def get(self, path: str, parameters: Parameters = ()) -> Any:
        """The decoded answer to a GET."""
        return self._request("GET", path, parameters)

    def post(self, path: str, body: Any) -> Any:
        """The decoded answer to a POST."""
        return self._request("POST", path, body=body)

    def patch(self, path: str, changes: Mapping[str, Any]) -> Any:
        """The decoded answer to a PATCH that replaces attributes by name."""
        operations = [{"op": "replace", "path": f"/{name}", "value": _text(value)} for name, value in changes.items()]
        return self._request("PATCH", path, body=operations)

    def delete(self, path: str) -> None:
        """Sends a DELETE."""
        self._request("DELETE", path)

    def items(self, path: str, key: str, parameters: Parameters = (), limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list. A page is asked for when the one before is used up.

        The mark of the next page is taken from the answer's `next`; address and filters stay ours, because a
        proxy may hide the address that the service knows itself by, and some services drop the filters.

        :param key: name of the list in the answer
        :param limit: items at the most
        """
        marker: str | None = None
        seen: set[str] = set()
        left = limit
        while left is None or left > 0:
            size = PAGE_SIZE if left is None else min(left, PAGE_SIZE)
            asked = [*parameters, ("limit", str(size))]
            if marker is not None:
                asked.append(("marker", marker))
            answer = self.get(path, asked)
            page = answer.get(key) if isinstance(answer, dict) else None
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise self._bad_answer(f"it gave no list of {key}")
            page = page[:left]
            yield from page
            left = None if left is None else left - len(page)
            marker = _marker(answer.get("next"))
            if marker is None or not page:
                return
            if marker in seen:
                raise self._bad_answer(f"its list of {key} never ends")
            seen.add(marker)

    def stream(
        self, path: str, parameters: Parameters = (), last_event_id: str | None = None
    ) -> Iterator[list[event_stream.Message]]:
        """Server-sent events, in lists of what arrived together; an empty one when the connection is there.

        It ends when the service ends it.

        :param last_event_id: what came last over the connection before
        :raises exceptions.CannotConnect: when there is no connection, or it is lost
        """
        headers = {"Accept": "text/event-stream", **({} if last_event_id is None else {"Last-Event-ID": last_event_id})}
        with self._send("GET", path, parameters, SILENCE_S, headers=headers, stream=True, log=False) as response:
            yield []
            reader = event_stream.Reader()
            try:
                for piece in response.iter_content(None):
                    yield reader.feed(piece)
            except requests.RequestException as error:
                raise exceptions.CannotConnect(
                    f"The connection to the {self._service.name} at {self.endpoint()} was lost: check that it runs."
                ) from error
            except ValueError as error:
                raise self._bad_answer(f"its stream cannot be read: {error}") from error

    def endpoint(self) -> str:
        """The service's address, with the version.

        :raises exceptions.EndpointNotFound: when the catalogue does not have it
        """
        if self._base is None:
            found = self._url or self._from_catalogue()
            self._base = _versioned(found)
        return self._base

    def _from_catalogue(self) -> str:
        service = self._service
        try:
            found = self._session.get_endpoint(
                service_type=service.service_type, interface=self._interface, region_name=self._region_name
            )
        except ksa.EndpointNotFound:
            found = None
        except ksa.ClientException as error:
            raise failures.while_authenticating(error, self._session) from error
        if not found:
            region = f" in region {self._region_name}" if self._region_name else ""
            raise exceptions.EndpointNotFound(
                f"The service catalogue has no {self._interface} endpoint of type {service.service_type}{region}: "
                f"check OS_REGION_NAME and OS_INTERFACE, or set {service.variable}."
            )
        return str(found)

    def _authenticate(self) -> None:
        """Fetches a token where there is none yet, so that its failure is told from the service's."""
        if self._session.auth is None:
            return
        try:
            self._session.get_auth_headers()
        except ksa.ClientException as error:
            raise failures.while_authenticating(error, self._session) from error

    def _request(self, method: str, path: str, parameters: Parameters = (), body: Any = None) -> Any:
        return self._decoded(self._send(method, path, parameters, self._timeout_s, json=body, log=not _holds_secret(body)))

    def _send(self, method: str, path: str, parameters: Parameters, timeout_s: float, **options: Any) -> requests.Response:
        self._authenticate()
        base = self.endpoint()
        query = parse.urlencode(list(parameters))
        url = f"{base}/{path}?{query}" if query else f"{base}/{path}"
        options.setdefault("headers", {}).setdefault("Accept", "application/json")
        try:
            response = self._session.request(
                url, method, raise_exc=False, timeout=(min(CONNECT_TIMEOUT_S, timeout_s), timeout_s), **options
            )
        except ksa.ClientException as error:
            name, variable = self._service.name, self._service.variable
            raise failures.while_asking(error, name, base, variable, timeout_s) from error
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refused(response)
        return response

    def _refused(self, response: requests.Response) -> exceptions.HttpError:
        fault = faults.read_fault(response.content)
        text = fault.text or f"The {self._service.name} answered {response.status_code} {response.reason} without a reason."
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            text = f"{text.rstrip('.')}. Check the credentials (OS_* variables or clouds.yaml) and {self._service.variable}."
        return exceptions.of_status(response.status_code)(text, response.status_code, fault.details)

    def _decoded(self, response: requests.Response) -> Any:
        if not response.content:
            return None
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise self._bad_answer("it answered with something else than JSON") from error

    def _bad_answer(self, what: str) -> exceptions.BadAnswer:
        return exceptions.BadAnswer(
            f"What is at {self.endpoint()} is not the {self._service.name} ({what}): check {self._service.variable} "
            "and the service catalogue."
        )


def path(*segments: str) -> str:
    """The path of an object below the version; every segment is one name, whatever characters it has.

    :raises exceptions.UsageError: for a name that no object can have
    """
    for segment in segments:
        if segment in ("", ".", ".."):
            raise exceptions.UsageError(f"{segment!r} is not a name, id or uuid.")
    return "/".join(parse.quote(segment, safe="") for segment in segments)


def _versioned(url: str) -> str:
    base = url.rstrip("/")
    return base if base.endswith("/v1") else f"{base}/v1"


def _marker(url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    return parse.parse_qs(parse.urlsplit(url).query).get("marker", [None])[-1]


def _text(value: Any) -> Any:
    """A value as the services take it in a PATCH: text, except for structured ones."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        return value
    return str(value)


def _holds_secret(body: Any) -> bool:
    if isinstance(body, dict):
        return not _SECRETS.isdisjoint(body)
    if isinstance(body, list):
        return any(operation["path"].lstrip("/") in _SECRETS for operation in body)
    return False
