# SPDX-License-Identifier: Apache-2.0
"""Makes a WSGI application of a component's root controller, and serves it."""

import functools
import inspect
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pecan
import webob
from cheroot import wsgi
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_middleware import healthcheck, http_proxy_to_wsgi, request_id, sizelimit
from pecan import compat, hooks, rest, util

from stx import exception
from stx.context import RequestContext
from stx.rest import connection, errors, policy, query, wire

CONF = cfg.CONF

Application = Callable[..., Iterable[bytes]]

# Of all headers of a request together, in bytes; a token takes a few hundred.
HEADER_LIMIT = 64 * 1024

# Nobody needs a token to see which versions there are.
PUBLIC = (r"/", r"/v1/?")

# Pecan asks for the arguments of several methods at every request, which takes it as long as all the rest.
_arguments = functools.cache(compat.getargspec)
util._getargspec = lambda method: _arguments(getattr(method, "__func__", method))

# Headers in which the middleware says who asks.
_IDENTITY = tuple(
    f"HTTP_X_{word}"
    for word in ("USER", "PROJECT", "DOMAIN", "ROLE", "TENANT", "IDENTITY", "SERVICE", "IS_ADMIN", "SYSTEM", "TRUST")
)


def expose(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a controller's method answer requests with JSON; an answer of None is 204 No Content.

    Query and body are read with stx.rest.query and stx.rest.wire, not as arguments.
    """
    call = _called_with_path(method)

    @functools.wraps(method)
    def answer(self: Any, /, *path: Any, **_query: Any) -> Any:
        value = call(self, *path)
        if value is None:
            pecan.response.status = 204
            return b""
        pecan.response.content_type = "application/json"
        pecan.response.body = msgspec.json.encode(value)
        return pecan.response

    return pecan.expose(content_type="application/json")(answer)


def expose_stream(method: Callable[..., Iterable[bytes]]) -> Callable[..., Any]:
    """Make a controller's method answer requests with server-sent events, as long as what it gives goes on."""
    call = _called_with_path(method)

    @functools.wraps(method)
    def answer(self: Any, /, *path: Any, **_query: Any) -> Any:
        # No proxy is to keep events until there are many.
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]
        return _Stream(app_iter=call(self, *path), headerlist=headers)

    return pecan.expose(content_type="application/json")(pecan.expose(content_type="text/event-stream")(answer))


class _Stream(webob.Response):
    """Pecan wants to see the whole body of an answer first, and a stream never has one."""

    @property
    def body(self) -> bytes:
        return b"a stream"


def _called_with_path(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, where what is left of the path fits its arguments."""
    signature = inspect.signature(method)

    def call(self: Any, *path: Any) -> Any:
        try:
            signature.bind(self, *path)
        except TypeError as error:
            if not path:
                raise exception.MethodNotAllowed(
                    f"{pecan.request.method} is not possible on {pecan.request.path[:200]} as a whole: name one item."
                ) from error
            raise exception.NotFound(f"There is no resource {pecan.request.path[:200]}.") from error
        return method(self, *path)

    return call


class Controller(rest.RestController):
    """Base of the resources' controllers."""

    def authorize(self, rule: str) -> RequestContext:
        """The caller's context, if the rule lets the caller pass.

        :raises exception.Forbidden: if not
        """
        context: RequestContext = pecan.request.context["stx"]
        policy.authorize(context, rule)
        return context

    def _lookup_child(self, remainder: str) -> Any:
        # Pecan takes a part of a path for the name of an attribute, also of those that every object has.
        return None if remainder.startswith("_") else super()._lookup_child(remainder)


class VersionController(Controller):
    """A version of a service's paths: its resources, and a document that names them.

    :param resources: what makes the controller of each, by name
    """

    def __init__(self, service: str, resources: Mapping[str, Callable[[], Any]]) -> None:
        self._service = service
        self._names = tuple(resources)
        for name, make in resources.items():
            setattr(self, name, make())

    @expose
    def get(self) -> dict[str, Any]:
        base = query.base_url()
        return version_document(base, self._service, {name: wire.links(base, name) for name in self._names})


class _ContextHook(hooks.PecanHook):
    def on_route(self, state: Any) -> None:
        # Pecan would take it for the method, and so change things on a GET.
        if "_method" in state.request.GET:
            raise exception.Invalid("There is no query parameter '_method'.")

    def before(self, state: Any) -> None:
        state.request.context["stx"] = RequestContext.from_environ(state.request.environ)


def make(root: Any, public: Sequence[str] = PUBLIC) -> Application:
    """The application of `root` with everything around it.

    From outside in: proxy headers, request id, health check, error shape, size limit, authentication, the controllers.

    :param public: patterns of the paths that need no token
    """
    policy.enforcer()
    application: Application = pecan.make_app(root, debug=False, hooks=[_ContextHook()], guess_content_type_from_ext=False)
    application = _Authenticated(_with_opaque_body(application), public)
    application = sizelimit.RequestBodySizeLimiter(application, CONF)
    application = errors.ErrorShape(application, CONF.oslo_middleware.max_request_body_size)
    application = _with_healthcheck(application)
    application = request_id.RequestId(application)
    return http_proxy_to_wsgi.HTTPProxyToWSGI(application, CONF)


def _with_opaque_body(application: Application) -> Application:
    """Pecan would read forms and JSON into arguments that nobody asked for, and fail at what it cannot read."""

    def hide(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = "application/octet-stream"
        return application(environ, start_response)

    return hide


def _with_healthcheck(application: Application) -> Application:
    check = healthcheck.Healthcheck(None, CONF)

    def route(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        chosen = check if environ.get("PATH_INFO") == "/healthcheck" else application
        return chosen(environ, start_response)

    return route


class _Authenticated:
    def __init__(self, application: Application, public: Sequence[str]) -> None:
        self._public = [re.compile(pattern) for pattern in public]
        self._open = application
        self._guarded = auth_token.AuthProtocol(application, {"oslo_config_config": CONF, "delay_auth_decision": False})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO") or "/"
        if any(pattern.fullmatch(path) for pattern in self._public):
            # What a client says of itself counts only where the middleware has looked at its token.
            for name in [name for name in environ if name.startswith(_IDENTITY)]:
                del environ[name]
            return self._open(environ, start_response)
        return self._guarded(environ, start_response)


class Server:
    """Serves an application on threads; stop() answers what is in progress.

    :param group: the option group that `options` were registered in
    :param make_application: called at start, when the options are known
    :param streams: name of the group's option that bounds the streams at a time: each holds a thread, and takes it from no request
    """

    def __init__(self, group: str, make_application: Callable[[], Application], streams: str | None = None) -> None:
        self._group = group
        self._make_application = make_application
        self._streams = streams
        self._server: wsgi.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        values = CONF[self._group]
        self._server = wsgi.Server(
            (values.bind_host, values.bind_port),
            self._make_application(),
            numthreads=values.threads + (values[self._streams] if self._streams else 0),
            request_queue_size=128,
            timeout=10,
            shutdown_timeout=10,
            server_name="stx",
        )
        self._server.max_request_header_size = HEADER_LIMIT
        # How often it looks whether it is to stop.
        self._server.expiration_interval = 0.1
        self._server.ConnectionClass = connection.Connection
        try:
            self._server.prepare()
        except OSError as error:
            raise exception.ConfigurationError(
                f"Cannot listen on {values.bind_host}:{values.bind_port} ({error}). Free it, or change [{self._group}] bind_port."
            ) from error
        self._thread = threading.Thread(target=self._server.serve, name=self._group, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join(15)

    def is_healthy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


def root_document(base: str, name: str, description: str) -> dict[str, Any]:
    """The answer to GET /: the versions there are (spec sysinv.md 1.1)."""
    version = {"id": "v1", "links": [{"href": f"{base}/v1/", "rel": "self"}]}
    return {"name": name, "description": description, "versions": [version], "default_version": version}


def version_document(base: str, service: str, resources: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    """The answer to GET /v1: the resources there are."""
    media_type = {"base": "application/json", "type": f"application/vnd.openstack.{service}.v1+json"}
    described = [{"href": f"{base}/v1/", "rel": "self"}, {"href": f"{base}/v1/", "rel": "describedby", "type": "text/html"}]
    return {"id": "v1", "media_types": [media_type], "links": described, **resources}
