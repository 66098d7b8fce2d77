# SPDX-License-Identifier: Apache-2.0
"""Errors of keystoneauth, retold as one sentence that says what to check."""

from keystoneauth1 import exceptions as ksa
from keystoneauth1 import session as ksa_session

from stxclient import exceptions

_NO_CREDENTIALS = (
    "No credentials were given: name a cloud of clouds.yaml with --os-cloud or OS_CLOUD, or set "
    "OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME, OS_USER_DOMAIN_NAME and OS_PROJECT_DOMAIN_NAME."
)


def incomplete_credentials(error: Exception) -> exceptions.AuthenticationFailed:
    """The configured credentials cannot even be sent."""
    missing = {option.dest for option in getattr(error, "options", ())}
    if isinstance(error, ksa.MissingAuthPlugin) or "auth_url" in missing:
        return exceptions.AuthenticationFailed(_NO_CREDENTIALS)
    return exceptions.AuthenticationFailed(
        f"The credentials are not complete: {_sentence(error)}. Check the OS_* variables, or clouds.yaml."
    )


def while_authenticating(error: ksa.ClientException, session: ksa_session.Session) -> exceptions.ClientError:
    """Keystone gave no token."""
    url = getattr(session.auth, "auth_url", None) or "the configured address"
    if isinstance(error, ksa.AuthPluginException):
        return incomplete_credentials(error)
    for kind, made, text in _AUTHENTICATION:
        if isinstance(error, kind):
            return made(text.format(url=url, why=_sentence(error)))
    return exceptions.CannotConnect(
        f"Cannot reach Keystone at {url}: start it (on a development machine ./stx up), or check OS_AUTH_URL."
    )


_KEYSTONE_FAILED = "Keystone at {url} gave no token ({why}): try again; if it lasts, see Keystone's log."
# The first that fits.
_AUTHENTICATION: tuple[tuple[type[ksa.ClientException], type[exceptions.ClientError], str], ...] = (
    (
        ksa.SSLError,
        exceptions.AuthenticationFailed,
        "Keystone at {url} cannot be trusted: {why}. Check OS_AUTH_URL and OS_CACERT.",
    ),
    (
        ksa.Unauthorized,
        exceptions.AuthenticationFailed,
        "Keystone at {url} refuses the credentials: check OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME and the domain names.",
    ),
    (
        ksa.NotFound,
        exceptions.AuthenticationFailed,
        "There is no Keystone at {url}: check that OS_AUTH_URL ends in /v3.",
    ),
    # It says nothing of the credentials: who waits for a service that is away waits for this as well.
    (ksa.HttpServerError, exceptions.CannotConnect, _KEYSTONE_FAILED),
    (ksa.HttpError, exceptions.AuthenticationFailed, _KEYSTONE_FAILED),
    (
        ksa.ConnectTimeout,
        exceptions.TimedOut,
        "Keystone at {url} did not answer in time: check that it runs, OS_AUTH_URL, or give a longer --timeout.",
    ),
)


def while_asking(error: ksa.ClientException, name: str, url: str, variable: str, timeout_s: float) -> exceptions.ClientError:
    """The service gave no answer.

    :param name: the service in words
    :param variable: environment variable that overrides its address
    """
    if isinstance(error, ksa.ConnectTimeout):
        return exceptions.TimedOut(
            f"The {name} at {url} did not answer within {timeout_s:g} seconds: check that it runs, or give a longer --timeout."
        )
    if isinstance(error, ksa.SSLError):
        return exceptions.CannotConnect(
            f"The {name} at {url} cannot be trusted: {_sentence(error)}. Check {variable} and OS_CACERT."
        )
    if isinstance(error, ksa.ConnectFailure):
        return exceptions.CannotConnect(
            f"Cannot reach the {name} at {url}: start it (on a development machine ./stx up), "
            f"or check OS_AUTH_URL and {variable}."
        )
    return exceptions.BadAnswer(f"The {name} at {url} cannot be asked: {_sentence(error)}. Check {variable}.")


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
