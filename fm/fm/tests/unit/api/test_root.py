# SPDX-License-Identifier: Apache-2.0
"""What the service says of itself, and paths without a version."""

import urllib.request

import ddt

from fm.api import root
from fm.tests.unit import base
from stx import testing

_RESOURCES = ("alarms", "event_log", "event_suppression")


@ddt.ddt
class RootTest(base.RestTest):
    def test_the_root_names_the_version_without_a_token(self) -> None:
        answer = self.rest.get("/", token="")
        version = {"id": "v1", "links": [{"href": "http://localhost/v1/", "rel": "self"}]}
        self.assertEqual(200, answer.status)
        self.assertEqual({"name", "description", "versions", "default_version"}, set(answer.json))
        self.assertEqual(([version], version), (answer.json["versions"], answer.json["default_version"]))

    @ddt.data("/v1", "/v1/")
    def test_version_1_names_its_resources_without_a_token(self, path: str) -> None:
        answer = self.rest.get(path, token="")
        self.assertEqual((200, "v1"), (answer.status, answer.json["id"]))
        self.assertEqual("application/vnd.openstack.fm.v1+json", answer.json["media_types"][0]["type"])
        for name in _RESOURCES:
            self.assertEqual(
                [
                    {"href": f"http://localhost/v1/{name}", "rel": "self"},
                    {"href": f"http://localhost/{name}", "rel": "bookmark"},
                ],
                answer.json[name],
            )

    @ddt.data(*_RESOURCES)
    def test_a_path_without_version_means_version_1(self, name: str) -> None:
        self.raise_alarm()
        versioned, plain = self.rest.get(f"/v1/{name}"), self.rest.get(f"/{name}")
        self.assertEqual((200, versioned.json), (plain.status, plain.json))
        self.assertTrue(plain.json[name])

    def test_an_item_is_found_without_version_too(self) -> None:
        uuid = self.raise_alarm()
        self.assertEqual(uuid, self.rest.get(f"/alarms/{uuid}").json["uuid"])
        self.assertEqual(1, self.rest.get("/alarms/summary").json["major"])

    @ddt.data(*_RESOURCES)
    def test_a_path_without_version_needs_a_token_too(self, name: str) -> None:
        self.assertEqual(401, self.rest.get(f"/{name}", token="").status)

    def test_a_path_that_is_not_there_is_named(self) -> None:
        for path in ("/v1/nothing", "/v2", "/v1/alarms/a/b/c", "/nothing", "/v1/event_log/a/b"):
            self.assert_refused(404, path, self.rest.get(path))

    def test_what_a_resource_cannot_do_is_refused(self) -> None:
        wrong = (
            ("DELETE", "/v1/event_log/1"),
            ("POST", "/v1/event_log"),
            ("POST", "/v1/event_suppression"),
            ("PUT", "/v1/alarms"),
        )
        for method, path in wrong:
            self.assertIn(self.rest.request(method, path, {}).status, (404, 405), path)

    def test_the_service_listens_where_it_is_told(self) -> None:
        port = testing.free_port()
        self.platform.conf.config(group="fm_api", bind_port=port)
        made = root.make_service()
        made.start()
        self.addCleanup(made.stop)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1", timeout=60) as answer:
            self.assertEqual(200, answer.status)
        self.assertTrue(made.is_healthy())
