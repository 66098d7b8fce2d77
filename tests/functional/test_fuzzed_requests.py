# SPDX-License-Identifier: Apache-2.0
"""Whatever the OpenAPI documents allow is asked for, and much that they forbid: no request fails, each answer is as published."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any
from urllib import parse

import fixtures
from hypothesis import given, settings
from hypothesis import strategies as st
from testtools import content

from tests.functional import base, deployment
from tests.functional.test_rest_errors import ELSEWHERE, SERVICES

ROOT = pathlib.Path(__file__).parents[2]
DOCUMENTS = dict(zip(SERVICES, ("sysinv", "fm"), strict=True))
DEADLINE_S = 900
# What the service does there it does for as long as the client listens.
STREAM = "/v1/event_log/stream"
# Nothing is asked about the ids that answers show: what is active and suppressed is left to the other tests.
_CONFIGURATION = """
headers = { X-Auth-Token = "${STX_TOKEN}" }
parameters = { "path.host" = "controller-0" }
request-timeout = 30
workers = 2

[generation]
deterministic = true
max-examples = 20

[phases]
examples.enabled = false
stateful.enabled = false
coverage.extra-data-sources.responses = false
fuzzing.extra-data-sources.responses = false

[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_schema_conformance.enabled = true
"""
_VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.datetimes().map(str),
    st.uuids().map(str),
    st.sampled_from(["", "true", "False", "null", "NaN", "%", "_", "\\", "'", "a\0b", "x" * 300, "9999-12-31T23:59:59-14:00"]),
)


@functools.cache
def published(service: str) -> str:
    """The OpenAPI document as the documentation has it."""
    argv = [sys.executable, str(ROOT / "doc" / "ext" / "openapi.py"), DOCUMENTS[service]]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


class FuzzedRequests:
    def fuzz(self, service: str, *arguments: str) -> None:
        """Have Schemathesis ask a service, for what its command line says."""
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (directory / "openapi.json").write_text(published(service))
        (directory / "schemathesis.toml").write_text(_CONFIGURATION)
        url = self.platform.layout.url(service).removesuffix("/v1")
        argv = [str(deployment.PROGRAMS / "schemathesis"), "--no-color", "run", "openapi.json", "--url", url]
        done = subprocess.run(
            [*argv, "--warnings", "off", "--continue-on-failure", *arguments],
            cwd=directory,
            env={**os.environ, "STX_TOKEN": self.token},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        self.addDetail("schemathesis", content.text_content(done.stdout + done.stderr))
        self.assertEqual(0, done.returncode)
        # It must not be content where it has asked for nothing.
        self.assertRegex(done.stdout, r"[1-9]\d\d+ generated, ")

    def test_every_request_to_fault_management(self) -> None:
        self.fuzz("faultmanagement", "--exclude-path", STREAM)

    def test_every_query_of_configuration_management(self) -> None:
        # Its lists are many, and read their queries with the same code: a few draws of each will do.
        elsewhere = rf"^/v1/({'|'.join(ELSEWHERE)})(/|$)"
        arguments = ("--phases", "fuzzing", "--max-examples", "6", "--include-method", "GET")
        self.fuzz("platform", *arguments, "--exclude-path-regex", elsewhere)

    def test_every_filter(self) -> None:
        document = json.loads(published("faultmanagement"))
        lists = {}
        for path, methods in document["paths"].items():
            asked = {parameter["name"]: parameter["schema"] for parameter in methods.get("get", {}).get("parameters", ())}
            if "q.field" in asked:
                lists[path] = [asked[name]["items"]["enum"] for name in ("q.field", "q.op")]
        self.assertLess(3, len(lists))
        for path, (fields, operators) in lists.items():
            one = st.tuples(st.sampled_from(fields), st.sampled_from(operators), _VALUES)

            @settings(max_examples=60, deadline=None, derandomize=True, database=None)
            @given(filters=st.lists(one, min_size=1, max_size=3))
            def ask(where: str, filters: list[tuple[str, str, str]]) -> None:
                pairs = [pair for item in filters for pair in zip(("q.field", "q.op", "q.value"), item, strict=True)]
                self.answered(f"{where}?{parse.urlencode(pairs, errors='replace')}")

            ask(path)

    def answered(self, where: str) -> None:
        reply = self.platform.request("faultmanagement", "GET", where, token=self.token)
        self.assertIn(reply.status, (200, 400), (where, reply))
        self.assertRegex(reply.headers["Content-Type"], "^application/json")
        answer: dict[str, Any] = reply.json
        key = re.split("/", where.partition("?")[0])[2] if reply.status == 200 else "error_message"
        self.assertIn(key, answer)


EmbeddedFuzzedRequests, StandardFuzzedRequests = base.on_both(FuzzedRequests)
