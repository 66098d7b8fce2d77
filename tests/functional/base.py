# SPDX-License-Identifier: Apache-2.0
"""How one set of tests runs on both deployments."""

from typing import Any

from oslotest import base

from tests.functional import deployment, engines

# A token is good for an hour; each costs the platform as much as several other requests.
_tokens: dict[type, str] = {}


class FunctionalTestCase(base.BaseTestCase):
    """A test of a running platform."""

    kind: type = deployment.Embedded
    platform: Any

    def setUp(self) -> None:
        super().setUp()
        if self.kind is deployment.Standard:
            engines.require()
        self.platform = deployment.get(self.kind)
        self.token = _tokens.get(self.kind) or _tokens.setdefault(self.kind, self.platform.token())


def on_both(tests: type) -> tuple[type, type]:
    """The test case for the embedded and for the standard deployment of a class of tests.

    The class itself holds no test case, so that nothing runs a third time.
    """
    name = tests.__name__
    made = [
        type(f"{kind.__name__}{name}", (tests, FunctionalTestCase), {"kind": kind, "__module__": tests.__module__})
        for kind in (deployment.Embedded, deployment.Standard)
    ]
    return made[0], made[1]
