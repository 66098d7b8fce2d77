# SPDX-License-Identifier: Apache-2.0
"""A stand-in for sm-api: an HTTP server on loopback that answers, from data, in its forms. Components do not import each other."""

import json
import threading
from http import server
from typing import Any
from urllib import parse

import fixtures

UUIDS = tuple(f"10000000-0000-4000-8000-{number:012}" for number in range(3))


def _items(*items: dict[str, Any]) -> list[dict[str, Any]]:
    links = [{"href": "http://127.0.0.1:7777/v1/somewhere", "rel": "self"}]
    return [{"uuid": uuid, **item, "links": links} for uuid, item in zip(UUIDS, items, strict=False)]


_STATES = {"administrative_state": "unlocked", "operational_state": "enabled", "availability_status": "available"}
_ACTIVE = {"desired_state": "active", "state": "active", "status": "", "condition": ""}
LISTS: dict[str, list[dict[str, Any]]] = {
    "nodes": _items(*({"id": n + 1, "name": f"controller-{n}", **_STATES, "ready_state": "enabled"} for n in range(2))),
    "services": _items(
        *({"id": n, "name": name, "node_name": "controller-0", **_ACTIVE} for n, name in ((1, "ip"), (2, "web"), (5, "dns")))
    ),
    "sm_sda": _items(
        *({"name": "controller", "service_group_name": "web", "node_name": f"controller-{n}", **_ACTIVE} for n in range(2))
    ),
}


class SmApi(fixtures.Fixture):
    """The server.

    :ivar requests: what came: method, path, query, token, body
    :ivar answers: status and body by action, for PATCH; by default it is done
    :ivar status: what every request is answered with, instead
    """

    def _setUp(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str | None, Any]] = []
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.refusal: tuple[int, bytes] | None = None
        self.limit_max = 2000
        self.waits = threading.Event()
        self.waits.set()
        self.server = server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.addCleanup(thread.join, 60)
        self.addCleanup(self.end)
        self.addCleanup(self.waits.set)

    def end(self) -> None:
        """Nobody listens any more."""
        self.server.shutdown()
        self.server.server_close()

    @property
    def actions(self) -> list[str]:
        """What was asked of controllers."""
        return [body["action"] for method, _, _, _, body in self.requests if method == "PATCH"]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, bytes]:
        if self.refusal is not None:
            return self.refusal
        name, _, wanted = path.removeprefix("/v1/").partition("/")
        if method == "PATCH":
            status, answer = self.answers.get(body["action"], (200, {"error_code": "0", "error_details": ""}))
            return status, json.dumps({**body, "hostname": wanted, **answer}).encode()
        if wanted:
            found = [item for item in LISTS[name] if parse.unquote(wanted) in (item["uuid"], str(item.get("id")), item["name"])]
            return (200, json.dumps(found[0]).encode()) if found else fault(404, f"There is no {wanted} on this controller.")
        items = LISTS[name]
        start = [item["uuid"] for item in items].index(query["marker"]) + 1 if "marker" in query else 0
        limit = min(int(query["limit"]), self.limit_max)
        page = items[start : start + limit]
        more = {"next": f"http://127.0.0.1:7777{path}?marker={page[-1]['uuid']}"} if len(page) == limit else {}
        return 200, json.dumps({name: page, **more}).encode()


def fault(status: int, text: str) -> tuple[int, bytes]:
    """An error in the platform's form."""
    told = {"debuginfo": None, "faultcode": "Client", "faultstring": text}
    return status, json.dumps({"error_message": json.dumps(told)}).encode()


def refusal(text: str, code: str = "-1001") -> tuple[int, dict[str, Any]]:
    """A refused action."""
    return 400, {**json.loads(fault(400, text)[1]), "error_code": code, "error_details": text}


def _handler(stub: SmApi) -> type[server.BaseHTTPRequestHandler]:
    class Handler(server.BaseHTTPRequestHandler):
        wbufsize = -1

        def serve(self) -> None:
            where = parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = dict(parse.parse_qsl(where.query))
            stub.requests.append((self.command, where.path, query, self.headers.get("X-Auth-Token"), body))
            stub.waits.wait(60)
            status, content = stub.answer(self.command, where.path, query, body)
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                if status in (301, 302):
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:
                self.close_connection = True

        do_GET = do_PATCH = serve

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing."""

    return Handler
