# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a program and the platform. `str()` of each is one sentence for the operator."""

from http import HTTPStatus


class ClientError(Exception):
    """Root of everything that this package raises on purpose."""


class UsageError(ClientError):
    """What was asked for cannot be meant so; nothing was sent."""


class AuthenticationFailed(ClientError):
    """There are no credentials, or Keystone cannot be reached or refuses them."""


class EndpointNotFound(ClientError):
    """The service catalogue does not say where the service is."""


class CannotConnect(ClientError):
    """No answer came from the service."""


class TimedOut(CannotConnect):
    """The service did not answer before the deadline. What was asked for may still happen."""


class BadAnswer(ClientError):
    """What answered does not speak the REST API of the platform."""


class HttpError(ClientError):
    """The service refused the request.

    :ivar status: the HTTP status
    :ivar details: further findings, where the service gives them
    """

    def __init__(self, message: str, status: int, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class BadRequest(HttpError):
    """The request breaks a rule (400)."""


class Unauthorized(HttpError):
    """The token is not accepted (401)."""


class Forbidden(HttpError):
    """The user's role does not allow it (403)."""


class NotFound(HttpError):
    """There is no such object (404)."""


class Conflict(HttpError):
    """It exists already, is in use, or has changed meanwhile (409)."""


class ServerError(HttpError):
    """The service failed (5xx)."""


_BY_STATUS: dict[int, type[HttpError]] = {
    HTTPStatus.BAD_REQUEST: BadRequest,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
}


def of_status(status: int) -> type[HttpError]:
    """The class of error that an HTTP status stands for."""
    return _BY_STATUS.get(status, ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else HttpError)
