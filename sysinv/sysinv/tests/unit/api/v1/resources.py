# SPDX-License-Identifier: Apache-2.0
"""What holds for every resource of a host's inventory."""

from typing import Any

from sysinv.tests.unit import base

# On every resource.
COMMON = {"uuid", "links", "created_at", "updated_at"}


class ResourceTest(base.RestTest):
    """Two hosts that have reported the same inventory.

    :ivar collection: the resource's path
    :ivar kind: the agent's name for it
    """

    collection = ""
    kind = ""

    def prepare(self) -> None:
        self.create(hostname="edge")
        for hostname in ("controller-0", "edge"):
            self.report(self.host(hostname)["uuid"])

    def setUp(self) -> None:
        super().setUp()
        self.controller = self.host()

    def items(self, host: str = "controller-0", collection: str | None = None) -> list[dict[str, Any]]:
        return self.listed(f"/v1/ihosts/{host}/{collection or self.collection}")

    def assert_shown(self, fields: set[str], expected: dict[str, Any]) -> dict[str, Any]:
        """The first item has these fields and values, in a list and alone; gives it."""
        shown = self.items()[0]
        self.assertEqual(fields | COMMON, set(shown))
        self.assertEqual(expected, {name: shown[name] for name in expected})
        self.assertEqual(shown, self.rest.get(f"/v1/{self.collection}/{shown['uuid']}").json)
        self.assert_links(f"{self.collection}/{shown['uuid']}", shown["links"])
        self.assertRegex(shown["created_at"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00\Z")
        return shown

    def assert_listed(self) -> None:
        """The item lists of a host, of all hosts, and in detail agree."""
        mine, others = self.items(), self.items("edge")
        self.assertEqual(len(base.INVENTORY[self.kind]), len(mine))
        for reference in (str(self.controller["id"]), self.controller["uuid"]):
            self.assertEqual(mine, self.items(reference))
        everything = self.listed(f"/v1/{self.collection}")
        self.assertEqual([*mine, *others], everything)
        self.assertEqual(everything, self.listed(f"/v1/{self.collection}/detail", self.collection))
        for item in mine:
            self.assertEqual(self.controller["uuid"], item.get("ihost_uuid", item.get("host_uuid")))

    def assert_paged(self) -> None:
        """Pages lead to each other."""
        answer = self.rest.get(f"/v1/{self.collection}", limit=1).json
        found = []
        while answer[self.collection]:
            found += answer[self.collection]
            if "next" not in answer:
                break
            answer = self.rest.request("GET", answer["next"].removeprefix("http://localhost")).json
        self.assertEqual(self.listed(f"/v1/{self.collection}"), found)

    def assert_refusals(self) -> None:
        """What cannot be asked of the resource, with the reasons."""
        item = self.items()[0]["uuid"]
        self.assert_refused(
            403,
            f"A single item is found at its own path only: /v1/{self.collection}/{item}.",
            self.rest.get(f"/v1/ihosts/1/{self.collection}/{item}"),
        )
        self.assert_refused(404, "There is no host nobody.", self.rest.get(f"/v1/ihosts/nobody/{self.collection}"))
        for missing in ("x", "6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11"):
            self.assert_refused(404, missing, self.rest.get(f"/v1/{self.collection}/{missing}"))
        self.assert_refused(404, "/more", self.rest.get(f"/v1/{self.collection}/{item}/more"))
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in (f"/v1/{self.collection}/{item}", f"/v1/ihosts/1/{self.collection}/{item}"):
                self.assertIn(self.rest.request(method, path, {}).status, (403, 405), f"{method} {path}")
        self.assert_refused(400, "There is no query parameter 'colour'.", self.rest.get(f"/v1/{self.collection}", colour="red"))
        self.assert_refused(400, "Cannot sort by 'colour'.", self.rest.get(f"/v1/{self.collection}", sort_key="colour"))
