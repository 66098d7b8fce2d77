# SPDX-License-Identifier: Apache-2.0
"""Whatever a query says, it is carried out or refused with a sentence; the service never fails."""

import itertools
from typing import Any
from urllib import parse

import fixtures
from hypothesis import given, settings
from hypothesis import strategies as st

from fm.db import api as db_api
from fm.tests.unit import base
from stx import paging

_PATHS = (
    "/v1/alarms",
    "/v1/alarms/detail",
    "/v1/alarms/summary",
    "/v1/event_log",
    "/v1/event_log/detail",
    "/v1/event_log/stream",
    "/v1/event_suppression",
)
_UUID = "6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11"
_FIELDS = (
    *("uuid", "alarm_id", "event_log_id", "entity_type_id", "entity_instance_id", "severity", "alarm_type", "event_log_type"),
    *("description", "suppression_status", "start", "end", "id", "created_at", "inhibit_alarms", "root_alarm_id"),
)
_values = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "true",
                "False",
                "1",
                "0",
                "-1",
                "2",
                "9" * 40,
                "1e9",
                "NaN",
                _UUID,
                "x" * 300,
                "a\0b",
                "%",
                "_",
                "\\",
                "'",
                '"',
            ),
            *("2026-11-23", "2026-11-23T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-W01", "asc"),
        ]
    ),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
)
_plain = st.tuples(
    st.sampled_from(
        [
            "limit",
            "marker",
            "sort_key",
            "sort_dir",
            "include_suppress",
            "expand",
            "alarms",
            "logs",
            "colour",
            "_method",
            "",
            "q.type",
        ]
    ),
    st.one_of(_values, st.sampled_from(_FIELDS)),
)
_filter = st.tuples(
    st.one_of(st.sampled_from(_FIELDS), _values),
    st.sampled_from([*paging.OPERATORS, *paging.OPERATORS, "", "like", None]),
    _values,
)


class QueryTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.follow_events()
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.lasts_s", lambda *_: 0.0))
        self.alarm = self.raise_alarm()
        db_api.store([base.report("log")])
        self.token = self.rest.token("reader")

    def answer(self, path: str, query: list[tuple[str, str]]) -> Any:
        return self.rest.request("GET", f"{path}?{parse.urlencode(query)}", token=self.token)

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(_PATHS), st.lists(_plain, max_size=3), st.lists(_filter, max_size=3))
    def test_any_query_is_carried_out_or_refused(
        self, path: str, plain: list[tuple[str, str]], filters: list[tuple[str, str | None, str]]
    ) -> None:
        query = list(plain)
        for field, op, value in filters:
            query += [("q.field", field), *([] if op is None else [("q.op", op)]), ("q.value", value)]
        answer = self.answer(path, query)
        self.assertIn(answer.status, (200, 400), (path, query, answer.body))
        if answer.status == 400:
            self.assertGreater(len(answer.fault), 20)

    def test_every_filter_is_carried_out_with_every_operator(self) -> None:
        """But for those that bound the time the wrong way round."""
        fields = {
            "/v1/alarms": _FIELDS[:2] + _FIELDS[3:7],
            "/v1/event_log": ("uuid", *_FIELDS[2:6], "event_log_type"),
            "/v1/event_suppression": ("uuid", "alarm_id", "description", "suppression_status"),
        }
        for path, names in fields.items():
            for name, op in itertools.product(names, paging.OPERATORS):
                answer = self.answer(path, [("q.field", name), ("q.op", op), ("q.value", "x")])
                self.assertEqual(200, answer.status, (path, name, op, answer.body))

    def test_a_list_is_sorted_by_each_of_its_attributes_and_pages_come_to_an_end(self) -> None:
        for number in range(3):
            self.raise_alarm(entity=f"host=compute-{number}.process=a")
        for path, key in (("/v1/alarms/detail", "alarms"), ("/v1/event_log/detail", "event_log")):
            whole = self.rest.request("GET", path, token=self.token).json[key]
            stored = [name for name in whole[0] if name not in ("mgmt_affecting", "degrade_affecting", "suppression_status")]
            for name, direction in itertools.product(stored, ("asc", "desc")):
                found: list[str] = []
                where = f"{path}?sort_key={name}&sort_dir={direction}&limit=2"
                while where:
                    answer = self.rest.request("GET", where, token=self.token)
                    self.assertEqual(200, answer.status, answer.body)
                    found += [item["uuid"] for item in answer.json[key]]
                    where = answer.json.get("next", "").removeprefix("http://localhost")
                self.assertEqual(sorted(item["uuid"] for item in whole), sorted(found), (path, name, direction))

    def test_a_query_that_is_no_text_is_refused(self) -> None:
        for path in _PATHS:
            answer = self.rest.request("GET", f"{path}?limit=%ff", token=self.token)
            self.assert_refused(400, "must be UTF-8", answer)
