# SPDX-License-Identifier: Apache-2.0
"""Every rule about hosts, with the sentence that an operator reads."""

import json
from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import defaults, rules, states

INSTEAD = " Give another, or delete that host."
THERE_ARE = "There are 2 controllers already (controller-0, controller-1)"
NO_THIRD = f"{THERE_ARE}; a system has two at the most. Use worker, or delete one of them."

SIMPLEX = {"system_type": "All-in-one", "system_mode": "simplex"}
DUPLEX = {"system_type": "All-in-one", "system_mode": "duplex"}
STANDARD = {"system_type": "Standard", "system_mode": None}


_OF_A_CONTROLLER = "Possible: controller; controller,worker; controller,lowlatency,worker."


def host(number: int, personality: str | None = "worker", hostname: str | None = None, **values: Any) -> dict[str, Any]:
    """A host that is there."""
    return {
        **defaults.host("26.11"),
        "id": number,
        "uuid": f"00000000-0000-0000-0000-{number:012}",
        "personality": personality,
        "hostname": hostname,
        "mgmt_mac": f"08:00:27:00:00:{number:02x}",
        **values,
    }


CONTROLLERS = [host(1, "controller", "controller-0"), host(2, "controller", "controller-1")]


def refusals(
    values: dict[str, Any], system: dict[str, Any] = STANDARD, hosts: list[dict[str, Any]] = CONTROLLERS[:1]
) -> list[str]:
    """The reasons against adding a host that has a MAC address."""
    wanted = rules.complete({"mgmt_mac": "08:00:27:00:01:00", **values}, system, hosts)
    return [refusal.reason for refusal in rules.check_create(wanted, system, hosts)]


@ddt.ddt
class CompleteTest(testing.TestCase):
    @ddt.data(
        ("controller", "controller-1"),
        ("worker", "compute-0"),
        ("compute", "compute-0"),
        ("storage", "storage-0"),
    )
    @ddt.unpack
    def test_a_host_is_named_by_its_personality(self, personality: str, expected: str) -> None:
        made = rules.complete({"personality": personality}, STANDARD, CONTROLLERS[:1])
        self.assertEqual((expected, states.personality(personality)), (made["hostname"], made["personality"]))

    def test_the_first_free_name_is_taken(self) -> None:
        hosts = [host(number, hostname=name) for number, name in enumerate(("compute-0", "compute-2", None, "compute-1x"))]
        self.assertEqual("compute-1", rules.complete({"personality": "worker"}, STANDARD, hosts)["hostname"])

    def test_a_name_that_is_given_stays(self) -> None:
        self.assertEqual("edge", rules.complete({"personality": "worker", "hostname": "edge"}, STANDARD, [])["hostname"])

    @ddt.data(
        ("controller", None, STANDARD, "controller"),
        ("controller", None, DUPLEX, "controller,worker"),
        ("controller", "lowlatency", DUPLEX, "controller,worker,lowlatency"),
        ("controller", "controller,worker,lowlatency", DUPLEX, "controller,worker,lowlatency"),
        ("controller", "controller,compute", STANDARD, "controller,worker"),
        ("worker", None, STANDARD, "worker"),
        ("compute", "compute, lowlatency", STANDARD, "worker,lowlatency"),
        ("worker", "", DUPLEX, "worker"),
        ("storage", None, STANDARD, "storage"),
    )
    @ddt.unpack
    def test_subfunctions_begin_with_the_personality(
        self, personality: str, given_: str | None, system: dict[str, Any], expected: str
    ) -> None:
        made = rules.complete({"personality": personality, "subfunctions": given_}, system, [])
        self.assertEqual(expected, made["subfunctions"])

    def test_a_host_without_personality_gets_nothing(self) -> None:
        self.assertEqual({"mgmt_mac": "a"}, rules.complete({"mgmt_mac": "a"}, STANDARD, []))

    def test_what_is_given_as_none_is_not_given(self) -> None:
        made = rules.complete({"personality": "worker", "hostname": None, "console": None}, STANDARD, [])
        self.assertEqual({"personality": "worker", "hostname": "compute-0", "subfunctions": "worker"}, made)


@ddt.ddt
class CreateTest(testing.TestCase):
    @ddt.data(
        ({"personality": "worker"}, STANDARD),
        ({"personality": "compute", "hostname": "edge-1"}, STANDARD),
        ({"personality": "controller"}, STANDARD),
        ({"personality": "controller", "hostname": "controller-1"}, DUPLEX),
        ({"personality": "storage"}, STANDARD),
        ({"personality": "worker", "subfunctions": "worker,lowlatency"}, DUPLEX),
    )
    @ddt.unpack
    def test_a_host_that_fits_is_let_in(self, values: dict[str, Any], system: dict[str, Any]) -> None:
        self.assertEqual([], refusals(values, system))

    @ddt.data("controller", "worker", "storage")
    def test_a_simplex_system_takes_no_other_host(self, personality: str) -> None:
        self.assertIn(
            "This is a simplex system: it has one host and takes no other.", refusals({"personality": personality}, SIMPLEX)
        )

    @ddt.data(None, "")
    def test_a_host_needs_a_mac_address(self, mac: str | None) -> None:
        self.assertEqual(
            ["A host is recognised by its management MAC address: give mgmt_mac."],
            refusals({"personality": "worker", "mgmt_mac": mac}),
        )

    def test_a_host_needs_a_personality(self) -> None:
        self.assertEqual(["A host needs a personality: controller, worker or storage."], refusals({}))

    def test_a_personality_that_is_none_is_named(self) -> None:
        self.assertEqual(
            ["There is no personality 'network': use controller, worker (or compute) or storage."],
            refusals({"personality": "network"}),
        )

    @ddt.data(STANDARD, DUPLEX)
    def test_there_is_no_third_controller(self, system: dict[str, Any]) -> None:
        expected = [NO_THIRD]
        self.assertEqual(expected, refusals({"personality": "controller"}, system, CONTROLLERS))
        self.assertEqual(expected, refusals({"personality": "controller", "hostname": "controller-2"}, system, CONTROLLERS))

    @ddt.data(
        ("controller", "controller-2", "The next controller must be named controller-1, not controller-2."),
        ("controller", "boss", "The next controller must be named controller-1, not boss."),
        ("storage", "storage-1", "The next storage must be named storage-0, not storage-1."),
        ("worker", "controller-1", "The name controller-1 is kept for another personality; choose another, such as compute-0."),
        ("worker", "storage-7", "The name storage-7 is kept for another personality; choose another, such as compute-0."),
        ("worker", "a b", "'a b' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "a_b", "'a_b' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "-a", "'-a' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "a-", "'a-' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "a\n", "'a\\n' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "ä", "'ä' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "a.b", "'a.b' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "W1", "'W1' is not a host name: use small letters, digits and inner hyphens, 63 at the most."),
        ("worker", "ports", "The name ports means something else in the API's paths; choose another, such as compute-0."),
        ("worker", "7", "The name 7 would be taken for a host's id. Begin it with a word, such as compute-0."),
    )
    @ddt.unpack
    def test_a_name_must_fit_the_personality(self, personality: str, name: str, expected: str) -> None:
        self.assertEqual([expected], refusals({"personality": personality, "hostname": name}))

    def test_a_name_has_at_most_63_characters(self) -> None:
        self.assertEqual([], refusals({"personality": "worker", "hostname": "a" * 63}))
        self.assertEqual(1, len(refusals({"personality": "worker", "hostname": "a" * 64})))

    @ddt.data("6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11", "6a2a0f5e8d1f5a559a661d2f1f0c7b11")
    def test_a_name_is_no_uuid(self, name: str) -> None:
        (reason,) = refusals({"personality": "worker", "hostname": name})
        self.assertIn("would be taken for a host's id", reason)

    @ddt.data(
        (
            "controller",
            "lowlatency",
            STANDARD,
            f"A controller cannot have the subfunctions controller,lowlatency. {_OF_A_CONTROLLER}",
        ),
        (
            "worker",
            "storage",
            STANDARD,
            "A worker cannot have the subfunctions worker,storage. Possible: worker; lowlatency,worker.",
        ),
        (
            "worker",
            "controller",
            DUPLEX,
            "A worker cannot have the subfunctions worker,controller. Possible: worker; lowlatency,worker.",
        ),
        ("storage", "worker", STANDARD, "A storage cannot have the subfunctions storage,worker. Possible: storage."),
        ("worker", "fast", STANDARD, "A worker cannot have the subfunctions worker,fast. Possible: worker; lowlatency,worker."),
    )
    @ddt.unpack
    def test_subfunctions_must_fit_the_personality(
        self, personality: str, given_: str, system: dict[str, Any], expected: str
    ) -> None:
        self.assertEqual([expected], refusals({"personality": personality, "subfunctions": given_}, system))

    def test_an_all_in_one_system_has_no_storage_hosts(self) -> None:
        self.assertEqual(
            ["An All-in-one system has no storage hosts: its controllers store."], refusals({"personality": "storage"}, DUPLEX)
        )

    def test_a_duplex_system_takes_50_workers(self) -> None:
        workers = [host(number, hostname=f"compute-{number}") for number in range(10, 60)]
        self.assertEqual([], refusals({"personality": "worker"}, DUPLEX, [*CONTROLLERS, *workers[:49]]))
        self.assertEqual(
            ["A duplex system takes 50 workers; all are there."],
            refusals({"personality": "worker"}, DUPLEX, [*CONTROLLERS, *workers]),
        )
        self.assertEqual([], refusals({"personality": "worker"}, STANDARD, [*CONTROLLERS, *workers]))

    @ddt.data(
        ({"hostname": "edge"}, f"The name edge is taken already, by edge.{INSTEAD}"),
        ({"mgmt_mac": "08:00:27:00:00:09"}, f"The MAC address 08:00:27:00:00:09 is taken already, by edge.{INSTEAD}"),
        ({"mgmt_ip": "10.0.0.9"}, f"The management address 10.0.0.9 is taken already, by edge.{INSTEAD}"),
    )
    @ddt.unpack
    def test_what_another_host_has_is_a_conflict(self, values: dict[str, Any], expected: str) -> None:
        hosts = [*CONTROLLERS, host(9, hostname="edge", mgmt_ip="10.0.0.9")]
        wanted = rules.complete({"personality": "worker", "mgmt_mac": "a", **values}, STANDARD, hosts)
        self.assertEqual([rules.Refusal(expected, conflict=True)], rules.check_create(wanted, STANDARD, hosts))

    def test_a_system_takes_9_storage_hosts(self) -> None:
        storage = [host(number, "storage", f"storage-{number - 10}") for number in range(10, 19)]
        self.assertEqual([], refusals({"personality": "storage"}, STANDARD, [*CONTROLLERS, *storage[:8]]))
        self.assertEqual(
            ["A system takes 9 storage hosts; all are there."],
            refusals({"personality": "storage"}, STANDARD, [*CONTROLLERS, *storage]),
        )

    @ddt.data("controller", "pxecontroller", "controller-nfs", "controller-platform-nfs")
    def test_the_active_controllers_names_are_no_hosts(self, name: str) -> None:
        self.assertEqual(
            [f"The name {name} is the active controller's; choose another, such as compute-0."],
            refusals({"personality": "worker", "hostname": name}),
        )

    @ddt.data("boot_device", "rootfs_device", "console")
    def test_what_goes_into_a_kernels_command_line_is_one_word(self, name: str) -> None:
        for value in ("sda init=/bin/sh", "a\nb", "\t", "a\x7f"):
            expected = [f"{name} cannot have spaces or control characters: it becomes a word of a kernel's command line."]
            self.assertEqual(expected, refusals({"personality": "worker", name: value}))
            self.assertEqual(
                expected,
                [refusal.reason for refusal in rules.check_update(host(9, hostname="edge"), {name: value}, STANDARD, [])[1]],
            )
        self.assertEqual([], refusals({"personality": "worker", name: "ttyS0,115200n8"}))

    def test_what_a_discovered_host_has_is_named_by_its_id(self) -> None:
        hosts = [*CONTROLLERS, host(9, None)]
        self.assertEqual(
            [f"The MAC address 08:00:27:00:00:09 is taken already, by host 9.{INSTEAD}"],
            refusals({"personality": "worker", "mgmt_mac": "08:00:27:00:00:09"}, STANDARD, hosts),
        )

    def test_hosts_without_an_address_do_not_clash(self) -> None:
        self.assertEqual([], refusals({"personality": "worker", "mgmt_ip": None}, STANDARD, [host(9, None, mgmt_ip=None)]))

    def test_all_reasons_are_told_at_once(self) -> None:
        found = refusals({"personality": "storage", "hostname": "x", "subfunctions": "worker", "mgmt_mac": None}, SIMPLEX)
        self.assertEqual(5, len(found))


@ddt.ddt
class UpdateTest(testing.TestCase):
    def update(self, target: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], list[str]]:
        changed, found = rules.check_update(target, changes, STANDARD, [*CONTROLLERS, target])
        return changed, [refusal.reason for refusal in found]

    def test_what_is_as_it_was_is_no_change(self) -> None:
        self.assertEqual(
            ({}, []), self.update(host(9, hostname="edge"), hostname="edge", personality="compute", console="ttyS0,115200")
        )

    @ddt.data(
        ("hostname", "other", "The hostname of edge is edge and cannot be changed."),
        ("hostname", None, "The hostname of edge is edge and cannot be changed."),
        ("personality", "storage", "The personality of edge is worker and cannot be changed."),
        ("personality", None, "The personality of edge is worker and cannot be changed."),
        ("subfunctions", "worker,lowlatency", "The subfunctions of edge is worker and cannot be changed."),
        ("mgmt_mac", "08:00:27:00:00:ff", "The mgmt_mac of edge is 08:00:27:00:00:09 and cannot be changed."),
        ("mgmt_ip", "10.0.0.10", "The mgmt_ip of edge is 10.0.0.9 and cannot be changed."),
    )
    @ddt.unpack
    def test_what_a_host_is_cannot_be_changed(self, name: str, value: Any, expected: str) -> None:
        target = host(9, hostname="edge", subfunctions="worker", mgmt_ip="10.0.0.9")
        self.assertEqual(({}, [expected]), self.update(target, **{name: value}))

    @ddt.data("boot_device", "rootfs_device", "install_output", "console", "tboot", "hw_settle", "clock_synchronization")
    def test_what_an_install_uses_is_changed_while_locked_only(self, name: str) -> None:
        self.assertEqual(({name: "x"}, []), self.update(host(9, hostname="edge"), **{name: "x"}))
        self.assertEqual(
            ({}, [f"{name} can be changed while the host is locked only. Lock edge first."]),
            self.update(host(9, hostname="edge", administrative="unlocked"), **{name: "x"}),
        )

    @ddt.data(
        "boot_device", "rootfs_device", "install_output", "console", "tboot", "hw_settle", "clock_synchronization", "location"
    )
    def test_what_every_host_has_cannot_be_removed(self, name: str) -> None:
        self.assertEqual(({}, [f"{name} cannot be empty."]), self.update(host(9, hostname="edge"), **{name: None}))

    @ddt.data({"serialid": "1"}, {"location": {"locn": "rack 1"}}, {"serialid": None, "ttys_dcd": "true"})
    def test_other_things_are_changed_at_any_time(self, changes: dict[str, Any]) -> None:
        target = host(9, hostname="edge", administrative="unlocked", serialid="0")
        self.assertEqual((changes, []), self.update(target, **changes))

    def test_an_address_that_is_missing_is_given_once(self) -> None:
        target = host(9, hostname="edge", mgmt_mac=None)
        self.assertEqual(({"mgmt_mac": "08:00:27:00:00:aa"}, []), self.update(target, mgmt_mac="08:00:27:00:00:aa"))

    def test_an_address_of_another_host_is_a_conflict(self) -> None:
        target = host(9, hostname="edge", mgmt_mac=None)
        _, found = rules.check_update(target, {"mgmt_mac": "08:00:27:00:00:01"}, STANDARD, [*CONTROLLERS, target])
        self.assertEqual(
            [rules.Refusal(f"The MAC address 08:00:27:00:00:01 is taken already, by controller-0.{INSTEAD}", conflict=True)],
            found,
        )

    def test_all_reasons_are_told_at_once(self) -> None:
        _, found = self.update(host(9, hostname="edge", administrative="unlocked"), hostname="x", console="y", boot_device=None)
        self.assertEqual(4, len(found))


class DiscoveredTest(testing.TestCase):
    """A host that answered from the network, and has no personality yet."""

    def setUp(self) -> None:
        super().setUp()
        self.discovered = host(9, None)
        self.hosts = [*CONTROLLERS, self.discovered]

    def update(self, changes: dict[str, Any], system: dict[str, Any] = STANDARD) -> tuple[dict[str, Any], list[str]]:
        changed, found = rules.check_update(self.discovered, changes, system, self.hosts)
        return changed, [refusal.reason for refusal in found]

    def test_a_personality_brings_name_and_subfunctions(self) -> None:
        self.assertEqual(
            ({"personality": "worker", "hostname": "compute-0", "subfunctions": "worker"}, []),
            self.update({"personality": "compute"}),
        )

    def test_a_name_is_given_with_the_personality(self) -> None:
        changed, found = self.update({"personality": "worker", "hostname": "edge", "subfunctions": "lowlatency"})
        self.assertEqual([], found)
        self.assertEqual({"personality": "worker", "hostname": "edge", "subfunctions": "worker,lowlatency"}, changed)

    def test_the_rules_of_a_new_host_hold(self) -> None:
        _, found = self.update({"personality": "controller"})
        self.assertEqual(
            [NO_THIRD],
            found,
        )
        _, found = self.update({"personality": "worker", "hostname": "controller-1"})
        self.assertEqual(2, len(found))

    def test_its_address_cannot_be_changed(self) -> None:
        expected = "The mgmt_mac of host 9 is 08:00:27:00:00:09 and cannot be changed."
        self.assertEqual(({}, [expected]), self.update({"mgmt_mac": "08:00:27:00:00:aa"}))

    def test_it_does_not_clash_with_itself(self) -> None:
        _, found = self.update({"personality": "worker", "mgmt_mac": self.discovered["mgmt_mac"]})
        self.assertEqual([], found)

    def test_a_name_alone_is_refused(self) -> None:
        self.assertEqual(({}, ["Give the hostname together with the personality."]), self.update({"hostname": "edge"}))
        self.assertEqual(({}, ["Give the subfunctions together with the personality."]), self.update({"subfunctions": "worker"}))

    def test_other_things_are_changed_before(self) -> None:
        self.assertEqual(({"serialid": "1"}, []), self.update({"serialid": "1"}))

    def test_no_personality_is_no_change(self) -> None:
        self.assertEqual(({}, []), self.update({"personality": None}))
        self.assertEqual(({}, []), self.update({"personality": ""}))


class DiscoveryTest(testing.TestCase):
    def test_a_system_of_several_hosts_takes_in_machines(self) -> None:
        for system in (DUPLEX, STANDARD):
            self.assertEqual([], rules.check_discovery(system, [*CONTROLLERS, host(9, None)]))

    def test_a_simplex_system_takes_none(self) -> None:
        (refusal,) = rules.check_discovery(SIMPLEX, CONTROLLERS[:1])
        self.assertEqual("This is a simplex system: it has one host and takes no other.", refusal.reason)

    def test_there_is_an_end_to_machines_that_wait(self) -> None:
        waiting = [host(number, None) for number in range(10, 10 + rules.MAX_DISCOVERED)]
        self.assertEqual([], rules.check_discovery(STANDARD, [*CONTROLLERS, *waiting[1:]]))
        (refusal,) = rules.check_discovery(STANDARD, [*CONTROLLERS, *waiting])
        self.assertEqual("1000 discovered hosts wait for a personality already. Give them one, or delete them.", refusal.reason)


@ddt.ddt
class DeleteTest(testing.TestCase):
    def reasons(self, target: dict[str, Any], system: dict[str, Any] = STANDARD) -> list[rules.Refusal]:
        return rules.check_delete(target, system, "controller-0")

    def test_a_locked_host_may_go(self) -> None:
        self.assertEqual([], self.reasons(host(9, hostname="edge")))
        self.assertEqual([], self.reasons(CONTROLLERS[1]))

    def test_the_only_host_of_a_simplex_system_stays(self) -> None:
        self.assertEqual(
            [rules.Refusal("controller-0 is the only host of a simplex system and cannot be deleted.")],
            self.reasons(CONTROLLERS[0], SIMPLEX),
        )

    def test_the_active_controller_stays(self) -> None:
        self.assertEqual(
            [rules.Refusal("controller-0 is the active controller and cannot be deleted. Swact first.")],
            self.reasons(CONTROLLERS[0]),
        )

    def test_an_unlocked_host_is_locked_first(self) -> None:
        self.assertEqual(
            [rules.Refusal("edge is unlocked. Lock it first.", conflict=True)],
            self.reasons(host(9, hostname="edge", administrative="unlocked")),
        )

    def test_a_host_without_name_is_named_by_its_id(self) -> None:
        (refusal,) = self.reasons(host(9, None, administrative="unlocked"))
        self.assertEqual("host 9 is unlocked. Lock it first.", refusal.reason)


@ddt.ddt
class SystemTest(testing.TestCase):
    @ddt.data({}, {"name": "edge", "timezone": "UTC"}, {"description": None, "contact": ""})
    def test_what_may_be_changed(self, changes: dict[str, Any]) -> None:
        self.assertEqual([], rules.check_system(changes))

    @ddt.data({"name": None}, {"name": ""}, {"timezone": None}, {"timezone": ""})
    def test_what_a_system_must_have(self, changes: dict[str, Any]) -> None:
        self.assertEqual([f"{next(iter(changes))} cannot be empty."], [refusal.reason for refusal in rules.check_system(changes)])


_texts = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["controller", "worker", "compute", "storage", "lowlatency", "controller,worker", "controller-0", "compute-0"]
    ),
)
_values = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("hostname", "personality", "subfunctions", "mgmt_mac", "mgmt_ip", "console", "serialid"), _texts),
        "location": st.one_of(st.none(), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)),
    },
)
_systems = st.sampled_from([SIMPLEX, DUPLEX, STANDARD])
_hosts = st.lists(_values, max_size=5).map(lambda found: [{**host(number), **values} for number, values in enumerate(found)])


class AnythingTest(testing.TestCase):
    """Whatever is asked for gets an answer that can be read."""

    def assert_sentences(self, found: list[rules.Refusal]) -> None:
        for refusal in found:
            self.assertRegex(refusal.reason, r"(?s)\A.+[.]\Z")
            json.dumps(refusal.reason)

    @settings(max_examples=80, deadline=None)
    @given(_values, _systems, _hosts)
    def test_creating_gives_reasons_and_never_fails(
        self, values: dict[str, Any], system: dict[str, Any], hosts: list[dict[str, Any]]
    ) -> None:
        self.assert_sentences(rules.check_create(rules.complete(values, system, hosts), system, hosts))

    @settings(max_examples=80, deadline=None)
    @given(_values, _systems, _hosts, st.sampled_from(["locked", "unlocked"]), _texts)
    def test_changing_gives_reasons_and_never_fails(
        self,
        changes: dict[str, Any],
        system: dict[str, Any],
        hosts: list[dict[str, Any]],
        administrative: str,
        personality: str | None,
    ) -> None:
        target = host(99, personality, None if personality is None else "x", administrative=administrative)
        changed, found = rules.check_update(target, changes, system, [*hosts, target])
        self.assert_sentences(found)
        self.assertLessEqual(set(changed), {*changes, "hostname", "subfunctions"})

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["worker", "storage", "controller"]), _texts), max_size=12))
    def test_hosts_that_are_let_in_have_different_names(self, wanted: list[tuple[str, str | None]]) -> None:
        hosts: list[dict[str, Any]] = []
        for number, (personality, name) in enumerate(wanted):
            made = rules.complete({"personality": personality, "hostname": name, "mgmt_mac": str(number)}, STANDARD, hosts)
            if not rules.check_create(made, STANDARD, hosts):
                hosts.append({**host(number), **made})
            if not name:
                # One that is chosen for the operator is always free.
                self.assertNotIn(made["hostname"], [other["hostname"] for other in hosts if other["id"] != number])
        names = [each["hostname"] for each in hosts]
        self.assertEqual(len(names), len(set(names)))
