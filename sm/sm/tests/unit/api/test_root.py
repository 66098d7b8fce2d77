# SPDX-License-Identifier: Apache-2.0
"""What the service says of itself."""

import urllib.request

from sm.api import root
from sm.tests.unit.api import base
from stx import testing


class RootTest(base.RestTest):
    def test_the_root_names_the_version_without_a_token(self) -> None:
        answer = self.rest.get("/", token="")
        version = {"id": "v1", "links": [{"href": "http://localhost/v1/", "rel": "self"}]}
        self.assertEqual((200, [version], version), (answer.status, answer.json["versions"], answer.json["default_version"]))

    def test_version_1_names_its_resources_without_a_token(self) -> None:
        for path in ("/v1", "/v1/"):
            shown = self.rest.get(path, token="").json
            self.assertEqual("application/vnd.openstack.sm.v1+json", shown["media_types"][0]["type"])
            for name in ("servicenode", "nodes", "services", "service_groups", "sm_sda"):
                self.assertEqual(f"http://localhost/v1/{name}", shown[name][0]["href"])

    def test_a_path_that_is_not_there_is_named(self) -> None:
        for path in ("/v1/nothing", "/v2", "/nodes", "/v1/nodes/a/b", "/v1/servicenode/a/b"):
            self.assert_refused(404, path, self.rest.get(path))

    def test_what_a_resource_cannot_do_is_refused(self) -> None:
        for method, path in (("POST", "/v1/nodes"), ("PATCH", "/v1/services/web"), ("DELETE", "/v1/servicenode/controller-0")):
            self.assertIn(self.rest.request(method, path, {}).status, (404, 405), path)
        self.assertIn(self.rest.get("/v1/servicenode").status, (404, 405))

    def test_the_service_listens_where_it_is_told(self) -> None:
        port = testing.free_port()
        self.platform.conf.config(group="sm_api", bind_port=port)
        made = root.make_service()
        made.start()
        self.addCleanup(made.stop)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1", timeout=60) as answer:
            self.assertEqual(200, answer.status)
        self.assertTrue(made.is_healthy())
