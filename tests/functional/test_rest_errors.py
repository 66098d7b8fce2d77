# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to the REST services, a sentence says what is wrong with it; they never fail, and never show their insides."""

import concurrent.futures
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib import parse

from oslo_utils import uuidutils

from tests.functional import base, deployment

SERVICES = ("platform", "faultmanagement")
UNKNOWN = "00000000-0000-4000-8000-000000000000"
HOST = "/v1/ihosts/controller-0"
# Answered by Service Management, which these deployments do not have.
ELSEWHERE = ("servicenodes", "servicegroup", "sm_servicegroup", "services")
PARTS = (
    *("ports", "ethernet_ports", "inodes", "icpus", "imemorys", "idisks", "partitions"),
    *("pci_devices", "lldp_agents", "lldp_neighbours", "isensors", "isensorgroups"),
)
JUNK = (
    b"",
    b"{",
    b"\xff\xfe{}",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[[]]",
    b'{"self": 1, "path": 2, "kwargs": {}}',
    b'[{"op": "replace", "path": "/no_such_attribute", "value": 1}]',
    b'[{"op": {}, "path": []}]',
    b'{"a": ' * 16_000 + b"1" + b"}" * 16_000,
)
NEW_HOST = {"personality": "worker", "hostname": "never-added", "mgmt_mac": "52:54:00:ee:00:01"}
NEW_ALARM = {"alarm_id": "100.101", "entity_instance_id": "host=never-raised", "reason_text": "Too much", "severity": "minor"}


def at_once(work: Callable[..., Any], jobs: Iterable[tuple]) -> Iterator[Any]:
    """What `work` gives for each of the jobs; several are at work at a time."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield from pool.map(lambda job: work(*job), jobs)


def replace(name: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value}]


class RestErrors:
    def ask(self, service: str, method: str, path: str, body: Any = None, **options: Any) -> deployment.Reply:
        return self.platform.request(service, method, path, body, **{"token": self.token, **options})

    def sentence(self, reply: deployment.Reply) -> str:
        """The sentence of a refusal, which must be as clients expect it."""
        self.assertIn(reply.status, range(400, 500), reply)
        self.assertEqual("application/json", reply.headers["Content-Type"].partition(";")[0])
        self.assertRegex(reply.headers["X-Openstack-Request-Id"], r"^req-[0-9a-f-]{36}$")
        self.assertNotIn(b"Traceback", reply.text)
        self.assertEqual(["error_message"], list(reply.json))
        fault = json.loads(reply.json["error_message"])
        self.assertEqual({"debuginfo", "faultcode", "faultstring"}, set(fault))
        self.assertEqual((None, "Client"), (fault["debuginfo"], fault["faultcode"]))
        text = fault["faultstring"]
        self.assertRegex(text, r"(?s)^[^\s].* .*[.]$")
        self.assertLess(len(text), 1500, text)
        return text

    def refused(self, status: int, *request: Any, **options: Any) -> str:
        reply = self.ask(*request, **options)
        self.assertEqual(status, reply.status, (request, reply))
        return self.sentence(reply)

    def collections(self) -> list[tuple[str, str]]:
        """Every published collection: its service and its path."""
        documents = {service: self.ask(service, "GET", "/v1", token="").json for service in SERVICES}
        return [
            (service, parse.urlsplit(links[0]["href"]).path)
            for service, document in documents.items()
            for name, links in document.items()
            if name not in ("id", "links", "media_types", *ELSEWHERE)
        ]

    def published(self) -> list[tuple[str, str]]:
        """Every path that the links of the services lead to, with one item of each list."""
        found: dict[tuple[str, str], bool | None] = {(service, "/"): None for service in SERVICES}
        elsewhere: set[tuple[str, str]] = set()
        for service, path in iter(lambda: next((key for key, seen in found.items() if seen is None), None), None):
            if path.rpartition("/")[2] in ELSEWHERE:
                self.assertEqual(503, self.ask(service, "GET", path).status)
                del found[service, path]
                elsewhere.add((service, path))
                continue
            limit = "" if path in ("/", "/v1/") else "?limit=1"
            reply = self.ask(service, "GET", path + limit)
            if reply.status == 404 and uuidutils.is_uuid_like(path.rpartition("/")[2]):
                # An alarm, say, that was cleared since it was listed.
                del found[service, path]
                elsewhere.add((service, path))
                continue
            self.assertEqual(200, reply.status, (path, reply))
            found[service, path] = True
            for href in re.findall(rb'"href":"([^"]+)","rel":"self"', reply.text):
                key = service, parse.urlsplit(href.decode()).path
                if key not in elsewhere:
                    found.setdefault(key, None)
        return list(found)

    def tracebacks(self) -> int:
        """How many failures the services have logged."""
        return sum(path.read_bytes().count(b"Traceback") for path in self.platform.layout.log_dir.iterdir())

    def test_links_lead_to_every_collection_and_to_items(self) -> None:
        published = self.published()
        self.assertLessEqual(set(self.collections()), set(published))
        host = self.platform.host(self.token)["uuid"]
        for part in PARTS:
            self.assertIn(("platform", f"/v1/ihosts/{host}/{part}"), published)

    def test_without_a_token_only_the_versions_are_told(self) -> None:
        for service in SERVICES:
            for path in ("/", "/v1", "/v1/"):
                self.assertEqual(200, self.ask(service, "GET", path, token="").status)
        for service, path in [*self.collections(), ("platform", HOST), ("platform", "/no_such"), ("faultmanagement", "/v1/a/b")]:
            for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
                self.assertIn("token", self.refused(401, service, method, path, token=""))

    def test_the_refusal_of_a_token_names_keystone(self) -> None:
        for token in ("", "wrong", "gAAAAABm" + "x" * 200, "x" * 8000):
            for service, path in (("platform", "/v1/ihosts"), ("faultmanagement", "/v1/alarms")):
                reply = self.ask(service, "GET", path, token=token)
                self.assertEqual(401, reply.status)
                self.assertIn("token", self.sentence(reply))
                self.assertIn(self.platform.layout.auth_url, reply.headers["WWW-Authenticate"])

    def test_a_reader_sees_everything(self) -> None:
        token = self.platform.token("reader")
        host, uuid = self.platform.host(token), self.ask("platform", "GET", "/v1/isystems").json["isystems"][0]["uuid"]
        paths = [*self.collections(), ("platform", f"/v1/ihosts/{host['uuid']}"), ("platform", f"/v1/isystems/{uuid}")]
        paths += [("platform", f"{HOST}/{part}") for part in PARTS] + [("faultmanagement", "/v1/alarms/summary")]
        for service, path in paths:
            self.assertEqual(200, self.ask(service, "GET", path, token=token).status, path)

    def test_reader_and_operator_configure_nothing(self) -> None:
        system = self.ask("platform", "GET", "/v1/isystems").json["isystems"][0]
        kind = self.ask("faultmanagement", "GET", "/v1/event_suppression?limit=1").json["event_suppression"][0]
        requests = [
            ("platform", "POST", "/v1/ihosts", NEW_HOST),
            ("platform", "PATCH", HOST, replace("serialid", "stolen")),
            ("platform", "DELETE", HOST),
            ("platform", "PATCH", f"/v1/isystems/{system['uuid']}", replace("name", "stolen")),
            ("faultmanagement", "POST", "/v1/alarms", NEW_ALARM),
            ("faultmanagement", "PUT", f"/v1/alarms/{UNKNOWN}", {"severity": "major"}),
            ("faultmanagement", "DELETE", f"/v1/alarms/{UNKNOWN}"),
            ("faultmanagement", "PATCH", f"/v1/event_suppression/{kind['uuid']}", replace("suppression_status", "suppressed")),
        ]
        for user, request in itertools.product(("reader", "operator"), requests):
            text = self.refused(403, *request, token=self.platform.token(user))
            self.assertRegex(text, rf"\b{user}\b.*project admin")
        self.assertNotEqual("stolen", self.platform.host(self.token)["serialid"])
        self.assertNotIn("host=never-raised", [alarm["entity_instance_id"] for alarm in self.platform.alarms(self.token)])

    def test_an_unknown_attribute_is_named(self) -> None:
        for service, path, body in (
            ("platform", "/v1/ihosts", {**NEW_HOST, "colour": "red"}),
            ("faultmanagement", "/v1/alarms", {**NEW_ALARM, "colour": "red"}),
        ):
            self.assertRegex(self.refused(400, service, "POST", path, body), r"attribute 'colour'\. Allowed here: .*")
        self.assertIn("'colour'", self.refused(400, "platform", "PATCH", HOST, replace("colour", "red")))

    def test_what_only_the_platform_itself_sets_is_refused(self) -> None:
        for name, value in (("uuid", UNKNOWN), ("id", 7), ("administrative", "locked"), ("created_at", "2026-11-23T00:00:00")):
            for method, path, body in (
                ("POST", "/v1/ihosts", {**NEW_HOST, name: value}),
                ("PATCH", HOST, replace(name, value)),
            ):
                self.assertIn(f"{name!r} cannot be set", self.refused(400, "platform", method, path, body))
        for name in ("uuid", "timestamp", "mgmt_affecting"):
            body = {**NEW_ALARM, name: "x"}
            self.assertIn(f"{name!r} cannot be set", self.refused(400, "faultmanagement", "POST", "/v1/alarms", body))

    def test_a_value_of_the_wrong_type_is_shown_in_short(self) -> None:
        for value in (7, True, [], {"a": 1}, 1e300, 2**70, "x" * 256, "x" * 100_000, "a\0b", ["x" * 1000] * 100):
            for service, path, body in (
                ("platform", "/v1/ihosts", {**NEW_HOST, "serialid": value}),
                ("faultmanagement", "/v1/alarms", {**NEW_ALARM, "reason_text": value}),
            ):
                self.assertRegex(self.refused(400, service, "POST", path, body), "^(serialid|reason_text) cannot be ")
        for name, value in (
            ("mgmt_mac", "52:54:00"),
            ("mgmt_ip", "10.0.0.256"),
            ("personality", "queen"),
            ("install_output", "loud"),
            ("location", "shelf"),
            ("hw_settle", "soon"),
        ):
            self.assertIn(f"{name} cannot be", self.refused(400, "platform", "POST", "/v1/ihosts", {**NEW_HOST, name: value}))
        for name, value in (("severity", "bad"), ("alarm_id", "1.2"), ("alarm_type", "x"), ("service_affecting", "maybe")):
            body = {**NEW_ALARM, name: value}
            self.assertIn(f"{name} cannot be", self.refused(400, "faultmanagement", "POST", "/v1/alarms", body))

    def test_what_the_catalogue_of_alarms_does_not_have_is_named(self) -> None:
        for name, value in (("alarm_id", "999.001"), ("entity_instance_id", "host=a.port=b"), ("alarm_id", "200.020")):
            body = {**NEW_ALARM, name: value}
            self.assertIn(f"malformed: {name} ", self.refused(400, "faultmanagement", "POST", "/v1/alarms", body))

    def test_what_is_missing_is_named(self) -> None:
        for name in ("alarm_id", "entity_instance_id", "reason_text"):
            for body in (
                {key: value for key, value in NEW_ALARM.items() if key != name},
                {**NEW_ALARM, name: None},
            ):
                self.assertIn(name, self.refused(400, "faultmanagement", "POST", "/v1/alarms", body))

    def test_a_body_that_is_too_large_is_refused_with_the_limit(self) -> None:
        for service, path in (("platform", "/v1/ihosts"), ("faultmanagement", "/v1/alarms")):
            for body in (b"x" * 2**20, b'{"hostname": "' + b"x" * 2**20 + b'"}'):
                self.assertRegex(self.refused(413, service, "POST", path, body), r"at most \d+ bytes")

    def test_a_body_that_is_no_json_is_refused(self) -> None:
        for body in (b"", b"{", b"hostname=x&personality=worker", b"{'a': 1}", b"\xff", b'{"a": "\\ud800"}', b"[1,]", b"\0"):
            for service, method, path in (
                ("platform", "POST", "/v1/ihosts"),
                ("platform", "PATCH", HOST),
                ("faultmanagement", "POST", "/v1/alarms"),
            ):
                self.assertIn("not valid JSON", self.refused(400, service, method, path, body))

    def test_a_body_is_read_as_json_whatever_its_content_type(self) -> None:
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=",
            "application/json; charset=x",
        ):
            text = self.refused(400, "platform", "POST", "/v1/ihosts", {"colour": "red"}, headers={"Content-Type": kind})
            self.assertIn("'colour'", text)

    def test_json_that_is_nested_deeply_is_refused(self) -> None:
        levels = [33, 64, 100, 500, *range(900, 1010, 10), 10_000]
        bodies = [b"[" * 100_000, b'{"a":' * 20_000]
        bodies += [b'{"location": {"a": ' + b"[" * depth + b"]" * depth + b"}}" for depth in levels]
        bodies += [b'[{"op": "replace", "path": "/location", "value": ' + b"[" * depth + b"]" * depth + b"}]" for depth in levels]
        jobs = [
            (400, "platform", method, path, body) for body in bodies for method, path in (("POST", "/v1/ihosts"), ("PATCH", HOST))
        ]
        jobs += [(400, "faultmanagement", "POST", "/v1/alarms", body) for body in bodies]
        for text in at_once(self.refused, jobs):
            self.assertIn("nested too deeply", text)

    def test_a_malformed_patch_is_explained(self) -> None:
        bodies = {
            b"{}": "must be a list",
            b"[]": "must be a list",
            b"[7]": "is not a JSON-patch operation",
            b'[{"op": "replace", "value": 1}]': "is not a JSON-patch operation",
            b'[{"op": "move", "path": "/serialid", "from": "/location"}]': "use replace, add or remove",
            b'[{"op": "replace", "path": "serialid", "value": "1"}]': "is not the path of an attribute",
            b'[{"op": "replace", "path": "/serialid"}]': "has no value",
            b'[{"op": "add", "path": "/serialid", "value": "1"}]': "use replace",
            b'[{"op": "replace", "path": "/location/locn", "value": "1"}]': "replace /location as a whole",
            json.dumps(replace("serialid", "1") * 101).encode(): "list of 1 to 100",
            json.dumps(replace("x" * 100_000, "1")).encode(): "is not the path of an attribute",
        }
        for body, expected in bodies.items():
            self.assertIn(expected, self.refused(400, "platform", "PATCH", HOST, body))

    def test_an_unknown_id_is_not_found(self) -> None:
        for host in (UNKNOWN, "no-such-host", "4711", "9" * 30, "x" * 3000, "%C3%A9", "..."):
            for path in ("", *(f"/{part}" for part in PARTS)):
                self.assertIn("no host", self.refused(404, "platform", "GET", f"/v1/ihosts/{host}{path}"))
            self.assertIn("no host", self.refused(404, "platform", "PATCH", f"/v1/ihosts/{host}", replace("serialid", "1")))
            self.assertIn("no host", self.refused(404, "platform", "DELETE", f"/v1/ihosts/{host}"))
        for service, path in self.collections():
            for item in (UNKNOWN, "no-such-item", "4711"):
                self.assertIn(item, self.refused(404, service, "GET", f"{path}/{item}"))
        for method, path, body in (
            ("PATCH", f"/v1/event_suppression/{UNKNOWN}", replace("suppression_status", "suppressed")),
            ("PUT", f"/v1/alarms/{UNKNOWN}", {"severity": "major"}),
            ("DELETE", f"/v1/alarms/{UNKNOWN}", None),
        ):
            self.assertIn(UNKNOWN, self.refused(404, "faultmanagement", method, path, body))

    def test_a_wrong_query_is_explained(self) -> None:
        both = {
            "colour=red": "'colour'",
            "limit=0": "'0' is not a positive",
            "limit=-1": "not a positive",
            "limit=x": "not a positive",
            "limit=9999999999": "not a positive",
            "limit=%D9%A1": "not a positive",
            "limit=": "not a positive",
            "marker=x": "'x' is not a uuid",
            f"marker={UNKNOWN}": "not the uuid of an item of this list",
            "sort_key=colour": "Cannot sort by 'colour'",
            f"sort_key={'x' * 3000}": "Cannot sort by",
            "sort_dir=up": "neither asc nor desc",
        }
        filters = {
            "q.field=colour&q.op=eq&q.value=red": "Cannot filter by 'colour'",
            "q.field=uuid&q.op=like&q.value=x": "operator 'like'",
            "q.field=uuid&q.op=eq": "for every q.field",
            "q.value=x": "for every q.field",
            "q.field=uuid&q.field=uuid&q.op=eq&q.value=x&q.value=x": "for every q.field",
            "q.field=uuid&q.op=eq&q.op=ne&q.value=x": "for every q.field",
            "q.field=uuid&q.value=%00": "NUL",
            "q.fields=uuid": "'q.fields'",
        }
        lists = [(service, path, both) for service, path in self.collections()]
        lists += [("platform", f"{HOST}/{part}", both) for part in PARTS]
        lists += [(service, path, filters) for service, path in self.collections() if service == "faultmanagement"]
        jobs = [(service, path, *wrong) for service, path, wrongs in lists for wrong in wrongs.items()]
        jobs += [
            ("faultmanagement", "/v1/event_log", "q.field=start&q.op=eq&q.value=noon", "not a time"),
            ("faultmanagement", "/v1/event_log", "alarms=maybe", "neither true nor false"),
            ("faultmanagement", "/v1/alarms/summary", "limit=x", "not a positive"),
            ("platform", "/v1/ihosts", "personality=%00", "NUL"),
        ]

        def ask(service: str, path: str, wrong: str, expected: str) -> None:
            self.assertIn(expected, self.refused(400, service, "GET", f"{path}?{wrong}"))

        list(at_once(ask, jobs))

    def test_every_list_is_sorted_by_each_key_that_it_names(self) -> None:
        def sort(service: str, path: str, key: str, direction: str) -> None:
            query = f"{path}?limit=1&sort_key={key}&sort_dir={direction}"
            # What a page ends with may be gone when the next one is asked for.
            for _ in range(3):
                first = self.ask(service, "GET", query)
                self.assertEqual(200, first.status, (query, first))
                following = first.json.get("next")
                if following is None:
                    return
                second = self.ask(service, "GET", following.removeprefix(self.platform.layout.url(service)))
                if second.status == 200:
                    return
            self.fail(f"{following}: {second}")

        jobs = []
        for service, path in self.collections():
            text = self.refused(400, service, "GET", f"{path}?sort_key=colour")
            keys = text.partition("Choose one of: ")[2].rstrip(".").split(", ")
            self.assertIn("uuid", keys)
            jobs += [
                (service, path, key, direction) for key, direction in zip(keys, itertools.cycle(("asc", "desc")), strict=False)
            ]
        list(at_once(sort, jobs))

    def test_an_unknown_path_is_not_found_and_a_wrong_method_not_possible(self) -> None:
        for service in SERVICES:
            for path in ("/no_such", "/v2", "/v1/no_such", "/v1/_conductor", "/v1/get", "/v1/no/such/path", "/v1/%25"):
                self.assertIn(path, self.refused(404, service, "GET", path))
        for service, path in self.collections():
            for method in ("PATCH", "BREW", "COPY"):
                self.assertIn(f"{method} is not possible", self.refused(405, service, method, path))
        for path in ("/v1/icpus", f"{HOST}/icpus", "/v1/inodes/x/ports"):
            self.assertIn("not possible", self.refused(405, "platform", "POST", path, {}))
        self.assertIn("not possible", self.refused(405, "faultmanagement", "POST", "/v1/event_log", {}))

    def test_an_address_that_is_no_text_is_refused(self) -> None:
        for service, path in self.collections():
            for wrong in ("/%00", "/a%0Ab", "/%ff", "/%C0%80", "?limit=%ff", "?marker=%ed%a0%80"):
                self.assertRegex(self.refused(400, service, "GET", path + wrong), "UTF-8|control characters")
        for token in ("", "wrong"):
            self.assertIn("UTF-8", self.refused(400, "platform", "GET", "/v1/ihosts/%ff", token=token))

    def test_a_query_does_not_change_the_method(self) -> None:
        text = self.refused(400, "faultmanagement", "GET", f"/v1/alarms/{UNKNOWN}?_method=delete")
        self.assertIn("_method", text)

    def test_only_json_can_be_had(self) -> None:
        for service, path in (("platform", "/v1/ihosts"), ("faultmanagement", "/v1/alarms")):
            self.assertIn("application/json", self.refused(406, service, "GET", path, headers={"Accept": "image/png"}))
            self.assertEqual(200, self.ask(service, "GET", path, headers={"Accept": "text/html,*/*;q=0.8"}).status)

    def test_junk_of_any_kind_at_every_path_is_refused_and_never_a_failure(self) -> None:
        paths = self.published()
        paths += [(service, f"{path}/{item}") for service, path in self.collections() for item in (UNKNOWN, "x")]
        jobs = [(service, method, path, body) for service, path in paths for method in ("POST", "PUT", "PATCH") for body in JUNK]
        jobs += [(service, "DELETE", path, body) for service, path in paths for body in (None, JUNK[1])]
        jobs += [(service, "GET", path, JUNK[-1]) for service, path in paths]

        def ask(*job: Any) -> tuple[tuple, deployment.Reply]:
            return job, self.ask(*job)

        before = self.tracebacks()
        for job, reply in at_once(ask, jobs):
            self.assertLess(reply.status, 500, (job, reply))
            if reply.status >= 400 or job[1] != "GET":
                self.sentence(reply)
        self.assertEqual(before, self.tracebacks())


EmbeddedRestErrors, StandardRestErrors = base.on_both(RestErrors)
