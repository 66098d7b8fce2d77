# SPDX-License-Identifier: Apache-2.0
"""Sends events over HTTP, as a webhook or to Alertmanager, and to a syslog."""

import concurrent.futures
import datetime
import logging
import logging.handlers
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from oslo_config import cfg

from fm.db import outlets as db_outlets
from fm.notify import course, formats
from fm.notify.outlet import Sender, Undelivered

CONF = cfg.CONF

_ALERTS_AT_ONCE = 500


class _Http(Sender):
    """Posts JSON to one URL, which may have secrets in it: no error quotes it."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "fm-http")
        self._session = requests.Session()
        # What the environment says is for other programs.
        self._session.trust_env = False
        self._session.verify = CONF.fm_notify.ca_file or True
        if token:
            # It goes before a user in the URL.
            self._session.auth = _Bearer(token)

    def post(self, body: Any) -> None:
        # Its timeouts are those of single reads: an answer that trickles in would take for ever. Further tries wait for the first.
        trying = self._thread.submit(self._post, body)
        try:
            trying.result(2 * CONF.fm_notify.timeout)
        except concurrent.futures.TimeoutError:
            trying.cancel()
            raise Undelivered("It does not come to an end with its answer.") from None

    def _post(self, body: Any) -> None:
        try:
            # The answer's body is not read: a receiver that never ends it would hold this up.
            with self._session.post(
                self._url, json=body, timeout=CONF.fm_notify.timeout, allow_redirects=False, stream=True
            ) as answer:
                status = answer.status_code
        except (requests.RequestException, ValueError) as error:
            raise Undelivered(f"It cannot be reached ({type(error).__name__}).") from None
        except OSError:
            # What is left of these.
            raise Undelivered("There is no such file as [fm_notify] ca_file names.") from None
        if not 200 <= status < 300:
            raise Undelivered(f"It answers with the status {status}.")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._session.close()


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Webhook(_Http):
    def __init__(self, url: str, token: str | None, system_name: Callable[[], str]) -> None:
        super().__init__(url, token)
        self._system_name = system_name

    def send(self, events: Sequence[course.Event]) -> None:
        self.post(formats.webhook_body(self._system_name(), events))


class Alertmanager(_Http):
    """Tells of each change at once and of all that is active again and again, as Alertmanager expects of its clients."""

    def __init__(self, url: str, token: str | None, system_name: Callable[[], str]) -> None:
        super().__init__(f"{url.rstrip('/')}/api/v2/alerts", token)
        self._system_name = system_name
        self._told_at = -formats.ALERT_PERIOD_S

    def send(self, events: Sequence[course.Event]) -> None:
        if alerts := formats.alerts_of_events(self._system_name(), events, _utcnow()):
            self.post(alerts)

    def rest(self) -> None:
        if time.monotonic() - self._told_at < formats.ALERT_PERIOD_S:
            return
        last = 0
        while alarms := db_outlets.alarms_after(last, _ALERTS_AT_ONCE):
            self.post(formats.alerts_of_alarms(self._system_name(), alarms, _utcnow()))
            last = alarms[-1]["id"]
        self._told_at = time.monotonic()


def _utcnow() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


class Syslog(Sender):
    """Writes each event as a line of the customer log, of suppressed kinds too (spec fm.md 6.5, 8.5)."""

    takes_suppressed = True

    def __init__(self, address: str | tuple[str, int]) -> None:
        """:param address: path of a socket, or host and UDP port"""
        self._address = address
        self._handler: _Handler | None = None

    def send(self, events: Sequence[course.Event]) -> None:
        try:
            if self._handler is None:
                self._handler = _Handler(self._address, logging.handlers.SysLogHandler.LOG_LOCAL5)
                self._handler.ident = "fm-event.log: "
                self._handler.append_nul = False
            for event in events:
                self._handler.emit(logging.LogRecord("fm", logging.INFO, "", 0, formats.log_line(event), None, None))
        except OSError as error:
            self.close()
            raise Undelivered(f"It cannot be written to: {error.strerror or type(error).__name__}.") from None

    def close(self) -> None:
        if self._handler is not None:
            self._handler.close()
            self._handler = None


class _Handler(logging.handlers.SysLogHandler):
    def createSocket(self) -> None:  # noqa: N802
        super().createSocket()
        if isinstance(self.address, tuple):
            # What comes back says that nobody listens.
            self.socket.connect(self.address)
        self.socket.settimeout(CONF.fm_notify.timeout)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        # It is called while an error is handled.
        raise  # noqa: PLE0704


def syslog_address(text: str) -> str | tuple[str, int]:
    """The path of a socket as it is, HOST:PORT in two parts.

    :raises ValueError: when it is neither
    """
    if text.startswith("/"):
        return text
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{text!r} is neither the path of a socket nor HOST:PORT")
    return host.strip("[]"), int(port)
