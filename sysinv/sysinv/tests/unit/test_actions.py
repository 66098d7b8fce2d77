# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a host and when, with the sentences that an operator reads."""

from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import actions, defaults, states

SIMPLEX = {"system_type": "All-in-one", "system_mode": "simplex"}
DUPLEX = {"system_type": "All-in-one", "system_mode": "duplex"}
STANDARD = {"system_type": "Standard", "system_mode": None}

BOARD = {"bm_type": "ipmi", "bm_ip": "192.0.2.7", "bm_username": "admin"}
LOCKED = {"availability": "online", "action_state": "reinstalled"}
UNLOCKED = {"administrative": "unlocked", "operational": "enabled", "availability": "available", "action_state": "reinstalled"}


def host(name: str = "compute-0", personality: str | None = "worker", **values: Any) -> dict[str, Any]:
    """A host with all that it needs, locked unless values say otherwise."""
    return {
        **defaults.host("26.11"),
        "id": 7,
        "uuid": f"uuid-of-{name}",
        "hostname": name,
        "personality": personality,
        "subfunctions": personality,
        "mgmt_mac": "08:00:27:00:00:07",
        "mgmt_ip": "192.168.204.10",
        **LOCKED,
        **values,
    }


def facts(
    of: dict[str, Any], system: dict[str, Any] = STANDARD, others: tuple[dict[str, Any], ...] = (), **more: Any
) -> actions.Facts:
    return actions.Facts(of, system, (of, *others), "controller-0", **more)


def reasons(action: str, of: dict[str, Any], system: dict[str, Any] = STANDARD, **more: Any) -> list[str]:
    return [refusal.reason for refusal in actions.check(action, facts(of, system, **more))]


def allowed(of: dict[str, Any], system: dict[str, Any] = STANDARD, **more: Any) -> set[str]:
    return {name for name in actions.ACTIONS if not reasons(name, of, system, **more)}


class TableTest(testing.TestCase):
    def test_a_worker_in_service_is_locked(self) -> None:
        self.assertEqual({"lock", "force-lock"}, allowed(host(**UNLOCKED)))

    def test_a_locked_worker_is_unlocked_rebooted_and_installed_again(self) -> None:
        self.assertEqual({"force-lock", "unlock", "force-unlock", "reboot", "reinstall"}, allowed(host()))

    def test_one_with_a_board_is_reset_and_switched_too(self) -> None:
        self.assertEqual({"reset", "power-on", "power-off"}, allowed(host(**BOARD)) - allowed(host()))

    def test_the_active_controller_only_hands_over(self) -> None:
        self.assertEqual({"swact", "force-swact"}, allowed(host("controller-0", "controller", **UNLOCKED)))

    def test_an_active_controller_that_is_locked_is_neither_switched_off_nor_reset_nor_installed_again(self) -> None:
        active = host("controller-0", "controller", **BOARD)
        self.assertEqual({"unlock", "force-unlock", "reboot", "power-on"}, allowed(active, DUPLEX) - {"swact", "force-swact"})

    def test_the_controller_on_standby_is_locked(self) -> None:
        self.assertEqual({"lock", "force-lock"}, allowed(host("controller-1", "controller", **UNLOCKED), DUPLEX))

    def test_the_only_host_of_a_simplex_system_is_locked_and_unlocked(self) -> None:
        alone = host("controller-0", "controller", **BOARD)
        self.assertEqual({"lock", "force-lock"}, allowed({**alone, **UNLOCKED}, SIMPLEX))
        self.assertEqual({"force-lock", "unlock", "force-unlock"}, allowed(alone, SIMPLEX))

    def test_a_host_without_personality_gets_one_first(self) -> None:
        for name in actions.ACTIONS:
            self.assertEqual(
                ["It has no personality yet. Give it one first: system host-update 7 personality=..."],
                reasons(name, host(personality=None, hostname=None)),
            )

    def test_every_action_has_its_task(self) -> None:
        expected = {
            "lock": "Locking",
            "force-lock": "Force Locking",
            "unlock": "Unlocking",
            "force-unlock": "Unlocking",
            "swact": "Swacting",
            "force-swact": "Force-Swacting",
            "reboot": "Rebooting",
            "reset": "Resetting",
            "reinstall": "Reinstalling",
            "power-on": "Powering-on",
            "power-off": "Powering-off",
        }
        self.assertEqual(expected, {name: action.task for name, action in actions.ACTIONS.items()})


@ddt.ddt
class ReasonsTest(testing.TestCase):
    @ddt.data(
        ("lock", {}, "It is locked already."),
        ("unlock", UNLOCKED, "It is unlocked already."),
        ("force-unlock", UNLOCKED, "It is unlocked already."),
        ("unlock", {"availability": "offline"}, "It is offline. Wait until it is online."),
        ("reinstall", {"availability": "offline"}, "It is offline. Wait until it is online."),
        (
            "unlock",
            {"availability": "power-off"},
            "It is powered off. Power it on first: system host-power-on compute-0.",
        ),
        (
            "force-unlock",
            {"install_state": "failed"},
            "Its installation failed. Have it boot from the network, which installs it again.",
        ),
        ("unlock", {"action_state": "reinstalling"}, "It is being installed. Wait until that is done."),
        (
            "force-unlock",
            {"target_load": "27.01"},
            "It has the software 26.11 and is to have 27.01. Have that installed on it first.",
        ),
        (
            "force-unlock",
            {"mgmt_mac": None, "subfunctions": ""},
            "It has no mgmt_mac, subfunctions yet: system host-show compute-0. Wait until its agent has reported, or set it.",
        ),
        *(
            (
                action,
                {"availability": "power-off", **BOARD},
                "It is powered off. Power it on first: system host-power-on compute-0.",
            )
            for action in ("reboot", "reset", "reinstall")
        ),
        ("reboot", UNLOCKED, "It is unlocked. Lock it first: system host-lock compute-0."),
        (
            "reset",
            {"bm_type": "ipmi"},
            (
                "Its board management controller is not known. Say how it is reached first: "
                "system host-update compute-0 bm_type=... bm_ip=... bm_username=... bm_password=..."
            ),
        ),
        ("swact", UNLOCKED, "Only controllers have activity to hand over. Swact controller-0, which is active."),
    )
    @ddt.unpack
    def test_a_host_that_is_not_ready_for_it(self, action: str, values: dict[str, Any], expected: str) -> None:
        self.assertEqual([expected], reasons(action, host(**values)))

    @ddt.data("lock", "force-lock")
    def test_the_active_controller_is_swacted_first(self, action: str) -> None:
        self.assertEqual(
            ["It is the active controller. Swact first: system host-swact controller-0."],
            reasons(action, host("controller-0", "controller", **UNLOCKED), DUPLEX),
        )

    def test_an_active_controller_that_is_put_in_order_is_swacted_by_force_only(self) -> None:
        active = host("controller-0", "controller", **UNLOCKED)
        for values in ({"mtce_procedure": "enable"}, {"operational": "disabled"}):
            self.assertEqual({"force-swact"}, allowed({**active, **values}, DUPLEX))
            self.assertIn("or ask for force-swact.", reasons("swact", {**active, **values}, DUPLEX)[0])

    def test_who_takes_over_is_not_locked_meanwhile(self) -> None:
        other = host("controller-1", "controller", **UNLOCKED)
        active = host("controller-0", "controller", mtce_procedure="swact", mtce_stage="hand-over", **UNLOCKED)
        self.assertEqual({"force-lock"}, allowed(other, DUPLEX, others=(active,)))
        self.assertEqual({"lock", "force-lock"}, allowed(other, DUPLEX, others=({**active, "mtce_stage": "tell"},)))

    @ddt.data("reboot", "reset", "reinstall", "power-on", "power-off")
    def test_what_nothing_could_bring_back_stays(self, action: str) -> None:
        for state in (LOCKED, UNLOCKED):
            self.assertEqual(
                ["It is the only host of a simplex system: nothing else could bring it back."],
                reasons(action, host("controller-0", "controller", **BOARD, **state), SIMPLEX),
            )

    def test_force_unlock_looks_neither_at_availability_nor_at_the_installation(self) -> None:
        waiting = host(availability="offline", action_state="reinstalling")
        self.assertEqual([], reasons("force-unlock", waiting))
        self.assertEqual(2, len(reasons("unlock", waiting)))

    def test_the_second_controller_may_have_another_load(self) -> None:
        self.assertEqual([], reasons("unlock", host("controller-1", "controller", target_load="27.01")))

    def test_partitions_that_are_being_changed_are_named(self) -> None:
        for action in ("unlock", "force-unlock"):
            self.assertEqual(
                ["Partitions of it are being changed: /dev/sda3, /dev/sda4. Wait until that is done."],
                reasons(action, host(), busy_partitions=("/dev/sda3", "/dev/sda4")),
            )

    def test_the_last_storage_host_that_is_enabled_stays(self) -> None:
        first = host("storage-0", "storage", **UNLOCKED)
        for second in (host("storage-1", "storage"), host("storage-1", "storage", **{**UNLOCKED, "operational": "disabled"})):
            (reason,) = reasons("lock", first, others=(second,))
            self.assertEqual(
                "No other storage host is enabled, and its data would be out of reach. Have another one enabled first, or force "
                "it: system host-lock -f storage-0.",
                reason,
            )
            self.assertEqual([], reasons("force-lock", first, others=(second,)))
        self.assertEqual([], reasons("lock", first, others=(host("storage-1", "storage", **UNLOCKED),)))

    def test_a_storage_host_that_is_not_enabled_is_no_loss(self) -> None:
        self.assertEqual([], reasons("lock", host("storage-0", "storage", **{**UNLOCKED, "operational": "disabled"})))

    def test_all_reasons_are_told_at_once(self) -> None:
        found = actions.check("reset", facts(host("controller-0", "controller", **UNLOCKED)))
        text = actions.refusal("reset", host("controller-0"), found)
        self.assertTrue(text.startswith("Cannot reset controller-0: it is the active controller. Swact first: "), text)
        self.assertEqual(3, len(found))


def asked(action: str, **values: Any) -> dict[str, Any]:
    """A host that an action was asked for."""
    before = host(**values)
    return {**before, **actions.request(action, before)}


@ddt.ddt
class ProgressTest(testing.TestCase):
    @ddt.data(*sorted(actions.ACTIONS))
    def test_an_action_keeps_others_waiting(self, action: str) -> None:
        current = asked(action, **UNLOCKED)
        told = actions.in_progress(current)
        replacing = {name for name, other in actions.ACTIONS.items() if told in other.replaces}
        for name in actions.ACTIONS.keys() - replacing:
            (refusal,) = actions.check(name, facts(current))
            self.assertIn(f"The action {told} is in progress. Wait until it has ended", refusal.reason)
            self.assertTrue(refusal.conflict)

    def test_a_lock_can_be_forced_while_it_is_in_progress(self) -> None:
        pending = asked("lock", **UNLOCKED)
        taken = {**pending, "action_taken": 1, "mtce_procedure": "disable"}
        for current in (pending, taken):
            self.assertEqual([], reasons("force-lock", current))
            self.assertEqual(
                ["The action lock is in progress. Wait until it has ended, or ask for force-lock."], reasons("lock", current)
            )
        forced = {**taken, **actions.request("force-lock", taken)}
        self.assertEqual(
            (2, "force-lock", "force-lock"), (forced["action_number"], forced["requested_action"], actions.in_progress(forced))
        )

    @ddt.data("reboot", "reset", "reinstall", "power-on", "power-off")
    def test_a_forced_lock_is_the_way_out_of_what_is_done_to_a_locked_host(self, action: str) -> None:
        pending = asked(action)
        for current in (pending, {**pending, "action_taken": 1, "mtce_procedure": action}):
            self.assertEqual([], reasons("force-lock", current))
            self.assertIn("or ask for force-lock", reasons("unlock", current)[0])

    def test_nothing_is_in_progress_by_itself(self) -> None:
        self.assertIsNone(actions.in_progress(host()))
        # What mtce does of its own accord keeps no operator waiting.
        self.assertIsNone(actions.in_progress(host(mtce_procedure="recovery")))

    def test_an_action_in_progress_keeps_the_host_from_being_deleted(self) -> None:
        self.assertEqual([], actions.check_idle(host()))
        (refusal,) = actions.check_idle(asked("reboot"))
        self.assertEqual("The action reboot is in progress. Wait until it has ended, or ask for force-lock.", refusal.reason)


@ddt.ddt
class RequestTest(testing.TestCase):
    def test_a_request_has_a_number_a_name_and_a_task(self) -> None:
        self.assertEqual(
            {"action_number": 5, "requested_action": "lock", "ihost_action": "lock", "task": "Locking"},
            actions.request("lock", host(action_number=4)),
        )

    def test_mtce_is_told_to_unlock_when_that_is_forced(self) -> None:
        changes = actions.request("force-unlock", host())
        self.assertEqual(("unlock", "unlock"), (changes["requested_action"], changes["ihost_action"]))

    def test_a_reinstallation_begins_with_the_host_as_it_was_when_it_was_added(self) -> None:
        changes = actions.request("reinstall", host(install_state="completed", install_silent_minutes=3))
        expected = {
            "action_state": "reinstalling",
            "install_state": None,
            "install_state_info": None,
            "install_silent_minutes": 0,
        }
        self.assertEqual(expected, {name: changes[name] for name in expected})

    def test_an_action_ends_when_mtce_is_done_with_it(self) -> None:
        current = asked("reboot")
        self.assertEqual({}, actions.on_states(current, {"task": "x"}))
        begun = {"action_taken": 1, "mtce_procedure": "reboot"}
        self.assertEqual({}, actions.on_states(current, begun))
        self.assertEqual({"ihost_action": None}, actions.on_states({**current, **begun}, {"mtce_procedure": None}))

    def test_an_action_that_was_asked_for_meanwhile_does_not_end_with_the_one_before(self) -> None:
        current = {**asked("lock"), "action_taken": 1, "action_number": 2, "mtce_procedure": "disable"}
        self.assertEqual({}, actions.on_states(current, {"mtce_procedure": None}))

    @ddt.data(("swact", "tell"), ("enable", "end-boot"), (None, None))
    @ddt.unpack
    def test_a_swact_ends_when_nobody_hands_over_any_more(self, procedure: str | None, stage: str | None) -> None:
        current = {**asked("swact"), "action_taken": 1, "mtce_procedure": "swact", "mtce_stage": "hand-over"}
        self.assertEqual({}, actions.on_states(current, {"task": "Swact: In-Progress"}))
        ended = actions.on_states(current, {"mtce_procedure": procedure, "mtce_stage": stage})
        self.assertEqual({"ihost_action": None}, ended)

    def test_an_unlock_ends_when_the_host_is_unlocked(self) -> None:
        current = {**asked("unlock"), "action_taken": 1, "mtce_procedure": "enable"}
        changes = actions.on_states(current, {"administrative": "unlocked"})
        self.assertEqual({"ihost_action": None, "invprovision": "provisioning"}, changes)
        self.assertEqual([], reasons("lock", {**current, "administrative": "unlocked", **changes}))

    @ddt.data(
        (None, {"administrative": "unlocked"}, {"invprovision": "provisioning"}),
        ("provisioning", {"administrative": "unlocked", "operational": "enabled"}, {"invprovision": "provisioned"}),
        ("provisioned", {"administrative": "unlocked"}, {}),
        (None, {"operational": "enabled"}, {}),
        ("provisioning", {"administrative": "locked"}, {}),
    )
    @ddt.unpack
    def test_a_host_is_provisioned_by_its_first_unlock(self, before: str | None, changes: Any, expected: Any) -> None:
        self.assertEqual(expected, actions.on_states(host(invprovision=before), changes))


_HOSTS = st.fixed_dictionaries(
    {
        "administrative": st.sampled_from(states.ADMINISTRATIVE),
        "operational": st.sampled_from(states.OPERATIONAL),
        "availability": st.sampled_from(states.AVAILABILITY),
        "install_state": st.sampled_from((None, states.INSTALLING, states.BOOTING, states.COMPLETED, states.INSTALL_FAILED)),
        "action_state": st.sampled_from((None, states.REINSTALLING, states.REINSTALLED)),
        "target_load": st.sampled_from(("26.11", "27.01")),
        "mgmt_mac": st.sampled_from((None, "08:00:27:00:00:07")),
        "bm_type": st.sampled_from((None, "ipmi")),
        "bm_ip": st.sampled_from((None, "192.0.2.7")),
        "mtce_procedure": st.sampled_from((None, "enable")),
    }
)
_PLACES = st.sampled_from(
    (
        (SIMPLEX, "controller-0", "controller"),
        *((system, f"controller-{n}", "controller") for system in (DUPLEX, STANDARD) for n in range(2)),
        *((system, "compute-0", "worker") for system in (DUPLEX, STANDARD)),
        (STANDARD, "storage-0", "storage"),
    )
)


class EveryStateTest(testing.TestCase):
    @settings(max_examples=500, deadline=None)
    @given(_HOSTS, _PLACES, st.lists(st.just("/dev/sda3"), max_size=1))
    def test_no_state_is_without_a_way_out(self, values: dict[str, Any], place: Any, busy: list[str]) -> None:
        system, name, personality = place
        current = host(name, personality, **values)
        found = allowed(current, system, busy_partitions=busy)
        self.assertTrue(found, values)
        # Of an unlocked host the way out is not just to hand over, unless it is the one that is active.
        if not (name == "controller-0" and system is not SIMPLEX):
            self.assertTrue(found - set(actions.SWACTS), values)

    @settings(max_examples=300, deadline=None)
    @given(_HOSTS, _PLACES, st.sampled_from(sorted(actions.ACTIONS)), st.sampled_from(sorted(actions.ACTIONS)))
    def test_a_refusal_is_a_sentence_that_says_what_is_the_case(
        self, values: dict[str, Any], place: Any, action: str, current: str
    ) -> None:
        system, name, personality = place
        for subject in (host(name, personality, **values), asked(current, hostname=name, **values)):
            for refusal in actions.check(action, facts(subject, system)):
                self.assertRegex(refusal.reason, r"\A[A-Z][^{}]+[^ ]\Z")

    @settings(max_examples=200, deadline=None)
    @given(_HOSTS, st.lists(st.sampled_from(sorted(actions.ACTIONS.keys() - set(actions.SWACTS))), min_size=1, max_size=4))
    def test_what_was_asked_for_is_in_progress_until_mtce_is_done(self, values: dict[str, Any], names: list[str]) -> None:
        current = host(**values)
        for name in names:
            current |= actions.request(name, current)
            told = actions.ACTIONS[name].told or name
            self.assertEqual(told, actions.in_progress(current))
        done = {"action_taken": current["action_number"], "mtce_procedure": None, "task": None}
        ended = {**current, **done, **actions.on_states(current, done)}
        self.assertIsNone(actions.in_progress(ended))
        self.assertEqual(told, ended["requested_action"])
