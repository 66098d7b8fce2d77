# SPDX-License-Identifier: Apache-2.0
"""The one tree of exceptions.

Each carries a message written for an operator (what is wrong, what to change) and the HTTP status it answers with. They cross
RPC unchanged. Raise the most specific class with a full sentence.
"""


class StxException(Exception):
    """Root of all errors that an operator may read."""

    code = 500

    @property
    def message(self) -> str:
        """The sentence alone: oslo.messaging makes str() of a remote exception carry its traceback too."""
        return str(self.args[0]) if self.args else type(self).__name__


class Invalid(StxException):
    """The request breaks a rule or has a wrong form."""

    code = 400


class NotAuthenticated(StxException):
    code = 401


class Forbidden(StxException):
    """The caller's role does not allow this."""

    code = 403


class NotFound(StxException):
    code = 404


class MethodNotAllowed(StxException):
    code = 405


class Conflict(StxException):
    """It exists already, is in use, or has changed meanwhile."""

    code = 409


class PayloadTooLarge(StxException):
    code = 413


class Unavailable(StxException):
    """A service that is needed to answer does not respond in time. The request may be sent again."""

    code = 503


class ConfigurationError(StxException):
    """A process cannot start with the options it was given."""
