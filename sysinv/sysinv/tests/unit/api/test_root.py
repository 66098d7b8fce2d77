# SPDX-License-Identifier: Apache-2.0
"""What the service says of itself."""

import urllib.request

from stx import testing
from sysinv.api import root
from sysinv.tests.unit import base

# Shown by Service Management, which is not here.
_REEXPORTED = {"servicenodes", "services", "servicegroup", "sm_servicegroup"}


class RootTest(base.RestTest):
    def test_the_root_names_the_version_without_a_token(self) -> None:
        answer = self.rest.get("/", token="")
        version = {"id": "v1", "links": [{"href": "http://localhost/v1/", "rel": "self"}]}
        self.assertEqual(200, answer.status)
        self.assertEqual({"name", "description", "versions", "default_version"}, set(answer.json))
        self.assertEqual(([version], version), (answer.json["versions"], answer.json["default_version"]))

    def test_version_1_names_its_resources_without_a_token(self) -> None:
        for path in ("/v1", "/v1/"):
            shown = self.rest.get(path, token="").json
            self.assertEqual("v1", shown["id"])
            self.assertEqual(
                [{"base": "application/json", "type": "application/vnd.openstack.sysinv.v1+json"}], shown["media_types"]
            )
            self.assertEqual(["self", "describedby"], [link["rel"] for link in shown["links"]])
            for name in root._RESOURCES:
                self.assert_links(name, shown[name])

    def test_every_resource_that_is_named_is_there(self) -> None:
        for name in set(root._RESOURCES) - _REEXPORTED:
            key = {"service_parameter": "parameters"}.get(name, name)
            self.assertEqual({key}, set(self.rest.get(f"/v1/{name}").json))

    def test_a_path_that_is_not_there_is_named(self) -> None:
        for path in ("/v1/nothing", "/v2", "/ihosts", "/v1/ihosts/1/nothing", "/v1/ihosts/1/icpus/a/b/c/d"):
            self.assertIn(self.rest.get(path).status, (403, 404), path)
        self.assert_refused(404, "/v1/nothing", self.rest.get("/v1/nothing"))

    def test_the_service_listens_where_it_is_told(self) -> None:
        port = testing.free_port()
        self.platform.conf.config(group="sysinv_api", bind_port=port)
        made = root.make_service()
        made.start()
        self.addCleanup(made.stop)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1", timeout=60) as answer:
            self.assertEqual(200, answer.status)
        self.assertTrue(made.is_healthy())
