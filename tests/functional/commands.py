# SPDX-License-Identifier: Apache-2.0
"""The commands `system` and `fm`, carried out in this process: that leaves out the time that programs take to start.

The first command of a user logs in; those that come after go on with its token. Programs are what `Deployment.run` is for.
"""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any
from unittest import mock

from keystoneauth1.identity.generic import base as generic

from stxclient import shell
from tests.functional.deployment import Ran

_authenticate = generic.BaseGenericPlugin.get_auth_ref
# What Keystone answered, by the variables that say where and how to log in.
_logins: dict[frozenset[tuple[str, str]], Any] = {}


def called(environment: Mapping[str, str], program: str, *argv: str) -> Ran:
    """How a command ends, and what it says."""
    out, err = io.StringIO(), io.StringIO()
    log = logging.getLogger()
    level, handlers = log.level, log.handlers
    log.handlers = []
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(generic.BaseGenericPlugin, "get_auth_ref", _authenticate_once),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        # Test runners switch on what programs leave off.
        warnings.simplefilter("ignore")
        try:
            code = shell.main(program, argv)
        except SystemExit as ended:
            code = int(ended.code or 0)
    log.level, log.handlers = level, handlers
    return Ran(code, out.getvalue(), err.getvalue())


def _authenticate_once(plugin: generic.BaseGenericPlugin, session: Any) -> Any:
    key = frozenset((name, value) for name, value in os.environ.items() if name.startswith("OS_"))
    if key not in _logins:
        _logins[key] = _authenticate(plugin, session)
    return _logins[key]
