# SPDX-License-Identifier: Apache-2.0
"""A stub of the wire: one HTTP server on loopback that answers, from data, as Keystone and the platform's services do.

It knows no rules of the platform; the tests of the whole system run against the real services.
"""

import copy
import dataclasses
import json
import threading
from collections.abc import Callable
from http import HTTPStatus, server
from typing import Any
from urllib import parse

import fixtures

from stxclient.tests.unit import wire_data as data

TOKEN = "the-token"
USER, PASSWORD = "admin", "Secret*1"
WAIT_S = 60
# The key of a list in its answer, where it is not the path's.
_KEYS = {"servicenodes": "nodes", "servicegroup": "sm_servicegroup", "service_parameter": "parameters"}


@dataclasses.dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    token: str | None
    body: Any
    last_event_id: str | None = None

    def value(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return dict(self.query).get(name)

    def values(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value).encode())


def refused(status: int, text: str) -> Answer:
    """An error in the platform's form: JSON text inside JSON."""
    code = "Client" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Server"
    fault = json.dumps({"debuginfo": None, "faultcode": code, "faultstring": text})
    return as_json({"error_message": fault}, status)


class Wire(fixtures.Fixture):
    """The server.

    :ivar lists: items by path of the collection; an item is also answered at its uuid
    :ivar answers: fixed answers, or functions of the request, by method and path; they go first
    :ivar requests: what came, without the requests to Keystone
    :ivar page_limit: items in a page at the most, whatever is asked for
    """

    def _setUp(self) -> None:
        self.requests: list[Request] = []
        self.tokens_given = 0
        self.page_limit = 2000
        self.catalogue = True
        self.answers: dict[tuple[str, str], Answer | Callable[[Request], Answer]] = {
            ("GET", "/v1/alarms/summary"): as_json(data.SUMMARY)
        }
        self.lists = _lists()
        self._released = threading.Event()
        self._server = server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.addCleanup(thread.join, WAIT_S)
        self.addCleanup(self._server.server_close)
        self.addCleanup(self._server.shutdown)
        self.addCleanup(self._released.set)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def silence(self, request: Request) -> Answer:
        """An answer that never comes before the test is over."""
        self._released.wait(WAIT_S)
        return Answer(500)

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        fixed = self.answers.get((request.method, request.path))
        if request.path.startswith("/v3"):
            return self._keystone(request) if fixed is None else _called(fixed, request)
        self.requests.append(request)
        if fixed is not None:
            return _called(fixed, request)
        if request.token != TOKEN:
            return as_json({"error": {"message": "Authentication required", "code": 401}}, 401)
        if request.method == "GET" and request.path in self.lists:
            return self._page(request)
        return self._one(request)

    def _page(self, request: Request) -> Answer:
        name = request.path.rsplit("/", 1)[1]
        key = _KEYS.get(name, name)
        items = self.lists[request.path]
        marker = request.value("marker")
        start = 0 if marker is None else [item["uuid"] for item in items].index(marker) + 1
        limit = min(int(request.value("limit") or self.page_limit), self.page_limit)
        page = items[start : start + limit]
        answer: dict[str, Any] = {key: page}
        if len(page) == limit:
            # An address that only the service itself can reach, without the filters, as a real one may give.
            where = {"sort_key": "id", "sort_dir": "asc", "limit": limit, "marker": page[-1]["uuid"]}
            answer["next"] = f"http://controller.internal:6385{request.path}?{parse.urlencode(where)}"
        return as_json(answer)

    def _one(self, request: Request) -> Answer:
        collection, _, wanted = request.path.rpartition("/")
        for item in self.lists.get(collection, []):
            if parse.unquote(wanted) not in {item["uuid"], str(item.get("id")), item.get("hostname"), item.get("name")}:
                continue
            if request.method == "DELETE":
                return Answer(204)
            if request.method == "PATCH":
                changes = {operation["path"].lstrip("/"): operation["value"] for operation in request.body}
                changes.pop("bm_password", None)
                item.update(changes)
            return as_json(item)
        return refused(404, f"{wanted} could not be found.")

    def _keystone(self, request: Request) -> Answer:
        if request.path.rstrip("/") == "/v3":
            links = [{"rel": "self", "href": f"{self.url}/v3/"}]
            return as_json({"version": {"id": "v3.14", "status": "stable", "links": links}})
        user = request.body["auth"]["identity"]["password"]["user"]
        if (user.get("name"), user["password"]) != (USER, PASSWORD):
            return as_json({"error": {"code": 401, "title": "Unauthorized", "message": "Wrong."}}, 401)
        self.tokens_given += 1
        token = {
            "methods": ["password"],
            "user": {"id": "u1", "name": USER, "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "admin"}],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "catalog": self._catalogue() if self.catalogue else [],
        }
        return Answer(201, json.dumps({"token": token}).encode(), headers=(("X-Subject-Token", TOKEN),))

    def _catalogue(self) -> list[dict[str, Any]]:
        found = []
        for kind, url in (("platform", f"{self.url}/v1"), ("faultmanagement", self.url), ("identity", f"{self.url}/v3")):
            endpoints = [
                {"id": kind + interface, "interface": interface, "region": "RegionOne", "region_id": "RegionOne", "url": url}
                for interface in ("public", "internal", "admin")
            ]
            found.append({"type": kind, "name": kind, "id": kind, "endpoints": endpoints})
        return found


def _called(answer: Answer | Callable[[Request], Answer], request: Request) -> Answer:
    return answer if isinstance(answer, Answer) else answer(request)


def _lists() -> dict[str, list[dict[str, Any]]]:
    host = f"/v1/ihosts/{data.HOST_UUID}"
    parts = {
        "icpus": data.CPUS,
        "inodes": data.NODES,
        "imemorys": data.MEMORIES,
        "idisks": data.DISKS,
        "partitions": data.PARTITIONS,
        "ports": data.PORTS,
        "ethernet_ports": data.ETHERNET_PORTS,
        "pci_devices": data.DEVICES,
        "lldp_agents": [data.AGENT],
        "lldp_neighbours": [data.NEIGHBOUR],
        "isensors": data.SENSORS,
        "isensorgroups": data.SENSOR_GROUPS,
    }
    found = {
        "/v1/isystems": [data.SYSTEM],
        "/v1/ihosts": data.HOSTS,
        "/v1/servicenodes": data.SERVICE_NODES,
        "/v1/services": data.SERVICES,
        "/v1/servicegroup": data.SERVICE_GROUPS,
        "/v1/service_parameter": data.PARAMETERS,
        "/v1/icommunity": data.COMMUNITIES,
        "/v1/itrapdest": data.TRAP_DESTINATIONS,
        "/v1/alarms": data.ALARMS,
        "/v1/event_log": data.EVENTS,
        "/v1/event_suppression": data.KINDS,
        f"/v1/idisks/{data.DISK_UUID}/partitions": data.PARTITIONS[1:],
    }
    for name, items in parts.items():
        found[f"{host}/{name}"] = found[f"/v1/{name}"] = items
    return copy.deepcopy(found)


def _handler(wire: Wire) -> type[server.BaseHTTPRequestHandler]:
    class Handler(server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave in one segment; otherwise the second waits for the acknowledgement of the first.
        wbufsize = -1

        def serve(self) -> None:
            where = parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = parse.parse_qsl(where.query, keep_blank_values=True)
            token = self.headers.get("X-Auth-Token")
            last_event_id = self.headers.get("Last-Event-ID")
            self.reply(wire.answer(Request(self.command, where.path, query, token, body, last_event_id)))

        do_GET = do_POST = do_PATCH = do_DELETE = serve

        def reply(self, answer: Answer) -> None:
            try:
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.status != HTTPStatus.NO_CONTENT:
                    self.send_header("Content-Type", answer.content_type)
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing."""

    return Handler
