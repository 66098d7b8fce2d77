# SPDX-License-Identifier: Apache-2.0
"""Secrets in the database are encrypted, with a key that is in a file of its own."""

import contextlib
import os
import pathlib
import tempfile

from cryptography import fernet
from oslo_config import cfg

from stx import exception

CONF = cfg.CONF


class SecretLost(exception.StxException):
    """What is stored was encrypted with another key."""


def encrypt(secret: str) -> str:
    """:raises exception.ConfigurationError: when there is no key and none can be made"""
    return _fernet().encrypt(secret.encode()).decode()


def decrypt(stored: str) -> str:
    """:raises SecretLost: when the key is another one by now"""
    try:
        return _fernet().decrypt(stored.encode()).decode()
    except fernet.InvalidToken:
        raise SecretLost(f"It was not encrypted with the key in {CONF.sysinv_conductor.secret_key_file}.") from None


def _fernet() -> fernet.Fernet:
    path = pathlib.Path(CONF.sysinv_conductor.secret_key_file)
    try:
        return fernet.Fernet(_key(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no key"
        raise exception.ConfigurationError(
            f"The key that passwords are encrypted with cannot be had from {path}: {reason}. "
            "Check [sysinv_conductor] secret_key_file; a file that is empty or damaged may be removed."
        ) from error


def _key(path: pathlib.Path) -> bytes:
    """The key, made at first need. Of several who make one at the same time, the first one's counts for all."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, new = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(fernet.Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.unlink(new)
    return path.read_bytes()
