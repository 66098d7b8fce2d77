# SPDX-License-Identifier: Apache-2.0
"""How far an installation is: what installers tell, and what silence means."""

from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import boot_files, defaults, install, states


def host(**values: Any) -> dict[str, Any]:
    """A host that is to be installed."""
    named = {"hostname": "edge", "personality": "worker", "mgmt_mac": "08:00:27:00:01:01", "action_state": "reinstalling"}
    return {**defaults.host("26.11"), **named, **values}


def state(found: dict[str, Any]) -> tuple[str | None, str | None]:
    return found["install_state"], found["install_state_info"]


def after_minutes(found: dict[str, Any], minutes: int) -> dict[str, Any]:
    for _ in range(minutes):
        found = {**found, **install.on_minute(found)}
    return found


@ddt.ddt
class ReportTest(testing.TestCase):
    @ddt.data("preinstall", "installing", "postinstall", "failed", "booting")
    def test_what_an_installer_tells_is_kept(self, told: str) -> None:
        self.assertEqual([], install.check_report(host(), told, "7/12"))
        self.assertEqual((told, "7/12"), state({**host(), **install.on_report(host(), told, "7/12")}))

    def test_a_host_that_is_installed_boots(self) -> None:
        found = host(install_state="postinstall", install_state_info="12/12")
        self.assertEqual(("booting", None), state({**found, **install.on_report(found, "installed", None)}))

    def test_no_info_is_the_same_as_an_empty_one(self) -> None:
        found = host(install_state="installing")
        self.assertEqual({}, install.on_report(found, "installing", ""))
        self.assertEqual({}, install.on_report(found, "installing", None))

    def test_news_ends_the_silence(self) -> None:
        found = host(install_state="installing", install_silent_minutes=14)
        self.assertEqual({"install_silent_minutes": 0}, install.on_report(found, "installing", None))

    @ddt.data("completed", "", "done", "Installing", "installing+", "x" * 1000)
    def test_what_an_installer_cannot_know_is_refused(self, told: str) -> None:
        (refusal,) = install.check_report(host(), told, None)
        expected = "install_state must be one of: preinstall, installing, postinstall, installed, booting, failed."
        self.assertEqual((expected, False), (refusal.reason, refusal.conflict))

    @ddt.data("x" * 256, "a\nb", "\x1b[2J", "é", "\x7f", "\0")
    def test_info_that_is_long_or_no_plain_text_is_refused(self, info: str) -> None:
        (refusal,) = install.check_report(host(), "installing", info)
        self.assertEqual("install_state_info must be printable ASCII of 255 characters at the most.", refusal.reason)
        self.assertEqual([], install.check_report(host(), "installing", "x" * 255))

    def test_an_unlocked_host_is_not_being_installed(self) -> None:
        (refusal,) = install.check_report(host(administrative="unlocked"), "installing", None)
        self.assertEqual(("It is unlocked, so it is not being installed.", True), (refusal.reason, refusal.conflict))

    @ddt.data("", "none", "reinstalled")
    def test_a_host_that_nobody_installs_has_no_installer(self, action_state: str) -> None:
        (refusal,) = install.check_report(host(action_state=action_state), "failed", None)
        self.assertEqual(("It is not being installed.", True), (refusal.reason, refusal.conflict))

    @ddt.data("preinstall", "installing", "postinstall", "failed")
    def test_an_installation_that_has_ended_does_not_begin_again(self, told: str) -> None:
        (refusal,) = install.check_report(host(install_state="booting"), told, None)
        self.assertEqual(("Its installation has ended.", True), (refusal.reason, refusal.conflict))
        self.assertEqual([], install.check_report(host(install_state="booting"), "installed", None))


@ddt.ddt
class OnlineTest(testing.TestCase):
    @ddt.data("booting", "postinstall", "installing", "preinstall", "failed")
    def test_a_host_that_comes_online_has_been_installed(self, before: str) -> None:
        found = host(install_state=before, install_state_info="12/12", install_silent_minutes=3, action_state="reinstalling")
        after = {**found, **install.on_states({**found, "availability": "online"})}
        self.assertEqual(("completed", None), state(after))
        self.assertEqual((0, "reinstalled"), (after["install_silent_minutes"], after["action_state"]))

    @ddt.data(None, "completed")
    def test_a_host_that_nobody_installs_stays_as_it_is(self, before: str | None) -> None:
        self.assertEqual({}, install.on_states(host(install_state=before, action_state="none", availability="online")))

    def test_a_host_that_was_installed_elsewhere_waits_no_longer(self) -> None:
        found = host(action_state="reinstalling")
        self.assertEqual({"action_state": "reinstalled"}, install.on_states({**found, "availability": "online"}))

    @ddt.data("offline", "failed", "power-off")
    def test_other_states_tell_nothing(self, availability: str) -> None:
        self.assertEqual({}, install.on_states(host(install_state="booting", availability=availability)))

    @ddt.data({"action_number": 3, "action_taken": 2, "requested_action": "reinstall"}, {"mtce_procedure": "reinstall"})
    def test_one_that_is_about_to_be_installed_again_is_not_done(self, values: dict[str, Any]) -> None:
        self.assertEqual({}, install.on_states(host(availability="online", **values)))


@ddt.ddt
class MinuteTest(testing.TestCase):
    @ddt.data(("preinstall", 15), ("installing", 15), ("postinstall", 15), ("booting", 40))
    @ddt.unpack
    def test_an_installer_that_is_silent_for_too_long_has_failed(self, told: str, minutes: int) -> None:
        found = host(install_state=told, install_state_info="7/12")
        self.assertEqual((told, "7/12"), state(after_minutes(found, minutes)))
        self.assertEqual(("failed", "7/12"), state(after_minutes(found, minutes + 1)))

    def test_a_host_that_was_installed_and_does_not_boot_is_not_installed_again(self) -> None:
        found = after_minutes(host(install_state="booting"), 41)
        self.assertEqual(("failed", False), (found["install_state"], boot_files.is_to_be_installed(found)))

    def test_each_report_gives_the_installer_as_long_again(self) -> None:
        found = after_minutes(host(install_state="installing", install_state_info="1/2"), 15)
        found = {**found, **install.on_report(found, "installing", "1/2")}
        self.assertEqual("installing", after_minutes(found, 15)["install_state"])
        self.assertEqual("failed", after_minutes(found, 16)["install_state"])

    def test_a_host_that_boots_and_is_not_offline_any_more_is_installed(self) -> None:
        for availability in ("online", "available", "degraded"):
            self.assertEqual(
                "completed", after_minutes(host(install_state="booting", availability=availability), 1)["install_state"]
            )

    @ddt.data(None, "failed", "completed")
    def test_what_is_not_being_installed_is_left_alone(self, told: str | None) -> None:
        self.assertEqual({}, install.on_minute(host(install_state=told)))

    def test_an_unlocked_host_is_left_alone(self) -> None:
        self.assertEqual({}, install.on_minute(host(install_state="installing", administrative="unlocked")))


_texts = st.one_of(st.none(), st.text(max_size=300))
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("told"), st.sampled_from([*install.TOLD, "completed", "x"]), _texts),
        st.tuples(st.just("minute"), st.none(), st.none()),
        st.tuples(st.just("availability"), st.sampled_from(["online", "offline"]), st.none()),
    ),
    max_size=60,
)


class AnythingTest(testing.TestCase):
    @settings(max_examples=150, deadline=None)
    @given(_steps)
    def test_whatever_comes_two_attributes_change_in_a_small_form(self, steps: list[tuple[str, str, str | None]]) -> None:
        found = host(action_state=states.REINSTALLING)
        others = {name: value for name, value in found.items() if not name.startswith("install_") and name != "action_state"}
        for kind, value, info in steps:
            was_to_be_installed = boot_files.is_to_be_installed(found)
            if kind == "told":
                if install.check_report(found, value, info):
                    continue
                changes = install.on_report(found, value, info)
                self.assertLessEqual(set(changes), {"install_state", "install_state_info", "install_silent_minutes"})
            elif kind == "minute":
                changes = install.on_minute(found)
            else:
                changes = install.on_states({**found, "availability": value})
            found = {**found, **changes}
            self.assertEqual(others, {name: found[name] for name in others})
            self.assertIn(found["install_state"], (None, *install.TOLD, states.COMPLETED))
            self.assertNotEqual(states.INSTALLED, found["install_state"])
            self.assertLessEqual(len(found["install_state_info"] or ""), install.INFO_LIMIT)
            self.assertLessEqual(found["install_silent_minutes"], install.BOOT_PATIENCE_MIN)
            # No installer's word brings a host back to where it would be installed again.
            if kind == "told":
                self.assertLessEqual(boot_files.is_to_be_installed(found), was_to_be_installed)
