# SPDX-License-Identifier: Apache-2.0
"""Service parameters are set by command, and have an effect when they are applied."""

import itertools
from typing import Any

from tests.functional import base, commands
from tests.functional.deployment import poll

SECTION = ("platform", "maintenance")
DEADLINE_S = 60


class ServiceParameters:
    def system(self, *argv: str) -> Any:
        return commands.called(self.platform.environment(), "system", *argv)

    def done(self, *argv: str) -> Any:
        ran = self.system(*argv)
        self.assertEqual((0, ""), (ran.code, ran.err), argv)
        return ran

    def value(self, name: str) -> str:
        [row] = self.done("service-parameter-list", "--service", "platform", "--name", name, "-f", "json").json
        return row["value"]

    def set(self, *values: str) -> None:
        self.done("service-parameter-modify", *SECTION, *values)

    def put_back(self) -> None:
        self.set("mnfa_timeout=0", "heartbeat_degrade_threshold=6")
        self.done("service-parameter-apply", "platform")

    def test_what_is_applied_is_taken_over_and_logged(self) -> None:
        self.addCleanup(self.put_back)
        values = itertools.cycle(("200", "300"))

        def told() -> list[str]:
            query = "&q.field=event_log_id&q.op=eq&q.value=200.024"
            return [event["reason_text"] for event in self.platform.events(self.token, query)]

        def after_another() -> list[str]:
            # What mtce-agent reads first after its start is no change.
            self.set(f"mnfa_timeout={next(values)}")
            self.done("service-parameter-apply", "platform")
            return told()

        texts, _ = poll(after_another, lambda texts: any("mnfa_timeout changed from" in text for text in texts), DEADLINE_S)
        self.assertIn("mnfa_timeout changed from", "\n".join(texts))

    def test_what_is_not_applied_is_shown_and_what_does_not_go_together_is_refused(self) -> None:
        self.addCleanup(self.put_back)
        self.set("heartbeat_degrade_threshold=50")
        self.assertEqual("50", self.value("heartbeat_degrade_threshold"))
        ran = self.system("service-parameter-apply", "platform")
        self.assertEqual(1, ran.code, ran.out)
        self.assertIn("heartbeat_degrade_threshold (50) is more than heartbeat_failure_threshold", ran.err)

    def test_a_value_that_is_wrong_is_refused(self) -> None:
        before = self.value("mnfa_threshold")
        ran = self.system("service-parameter-modify", *SECTION, "mnfa_threshold=1")
        self.assertEqual((1, ""), (ran.code, ran.out))
        self.assertIn("mnfa_threshold cannot be '1': it is 2 to 100.", ran.err)
        self.assertEqual(before, self.value("mnfa_threshold"))


EmbeddedServiceParametersTestCase, StandardServiceParametersTestCase = base.on_both(ServiceParameters)
