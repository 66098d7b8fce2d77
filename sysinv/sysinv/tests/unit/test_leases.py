# SPDX-License-Identifier: Apache-2.0
"""What dnsmasq's script notes of a lease, run by the system's shell, and how it is read."""

import contextlib
import ipaddress
import pathlib
import subprocess
from collections.abc import Mapping

import ddt
import fixtures
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import leases

MAC, ADDRESS = "08:00:27:00:00:0a", "169.254.202.115"
NETWORK = ipaddress.ip_network("169.254.202.0/24")


class ScriptCase(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # A shell would read more into this name than is there.
        self.queue = self.directory / "it's a $(queue)"
        self.queue.mkdir()
        self.script = self.directory / "lease-update.sh"
        self.write_script(self.queue)

    def write_script(self, queue: pathlib.Path) -> None:
        self.script.write_text(leases.script(str(queue)))
        self.script.chmod(0o755)

    def call(self, *arguments: str, tags: str | None = "pxeboot", **environment: str) -> None:
        """Call the script as dnsmasq does."""
        if tags is not None:
            environment["DNSMASQ_TAGS"] = tags
        done = subprocess.run(
            [self.script, *arguments], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, timeout=60, check=False
        )
        self.assertEqual((0, b"", b""), (done.returncode, done.stdout, done.stderr))

    def notes(self) -> Mapping[str, bytes]:
        return {path.name: path.read_bytes() for path in self.queue.iterdir()}


@ddt.ddt
class ScriptTest(ScriptCase):
    @ddt.data("add", "old")
    def test_a_lease_on_the_network_for_installation_is_noted(self, action: str) -> None:
        self.call(action, MAC, ADDRESS)
        self.assertEqual({MAC: f"{action} {MAC} {ADDRESS} pxeboot\n".encode()}, self.notes())

    @ddt.data("pxeboot", "efi pxeboot", "known-othernet pxeboot", "known-othernet efi pxeboot eth1")
    def test_a_note_that_was_written_is_understood(self, tags: str) -> None:
        self.call("add", MAC, ADDRESS, tags=tags)
        (note,) = self.notes().values()
        self.assertEqual(leases.Lease("add", MAC, ADDRESS, tuple(tags.split())), leases.parse(note))

    @ddt.data(
        ("add", MAC, ADDRESS, "mgmt"),
        ("add", MAC, "192.168.204.10", "known mgmt"),
        ("add", MAC, ADDRESS, "pxeboot2 no-pxeboot"),
        ("add", MAC, "../../x", ""),
        ("del", MAC, ADDRESS, None),
        ("del", MAC, ADDRESS, "pxeboot"),
        ("init", MAC, ADDRESS, "pxeboot"),
        ("tftp", "1024", ADDRESS, "pxeboot"),
    )
    @ddt.unpack
    def test_what_discovers_nobody_is_not_noted(self, action: str, mac: str, address: str, tags: str | None) -> None:
        self.call(action, mac, address, tags=tags)
        self.assertEqual({}, self.notes())

    def test_a_lease_that_was_renewed_is_noted_beside_others_of_its_machine(self) -> None:
        self.call("add", MAC, ADDRESS)
        for address in ("192.168.204.10", "169.254.202.9"):
            self.call("old", MAC, address, tags=None, DNSMASQ_DATA_MISSING="1")
        self.assertEqual({MAC, f"{MAC}-192.168.204.10", f"{MAC}-169.254.202.9"}, set(self.notes()))
        self.assertEqual((), leases.parse(self.notes()[f"{MAC}-169.254.202.9"]).tags)

    def test_what_the_machine_calls_itself_is_nobodys_business(self) -> None:
        hostile = {"DNSMASQ_SUPPLIED_HOSTNAME": "$(touch x)`id`\n../../x", "DNSMASQ_CLIENT_ID": "01:" * 200}
        self.call("add", MAC, ADDRESS, "$(touch x)", **hostile)
        self.assertEqual({MAC: f"add {MAC} {ADDRESS} pxeboot\n".encode()}, self.notes())

    @ddt.data("../../../../tmp/x:", "06-08:00:27:00:00:0a", "08:00:27:00:00", "", "*", "08:00:27:00:00:0g", "08:00:27:00:00:0a/")
    def test_what_is_no_mac_address_names_no_file(self, mac: str) -> None:
        self.call("add", mac, ADDRESS)
        self.assertEqual({}, self.notes())

    def test_a_note_is_small(self) -> None:
        self.call("add", MAC, ADDRESS, tags="pxeboot " + "x" * leases.NOTE_LIMIT)
        self.assertEqual({}, self.notes())

    def test_a_machine_has_one_note_and_it_is_the_newest(self) -> None:
        for address in ("169.254.202.7", "169.254.202.8"):
            self.call("old", MAC, address)
        self.assertEqual({MAC: f"old {MAC} 169.254.202.8 pxeboot\n".encode()}, self.notes())

    def test_a_queue_that_is_full_takes_no_further_machine(self) -> None:
        others = [f"08:00:27:00:{number >> 8:02x}:{number & 255:02x}" for number in range(1000, 1000 + leases.QUEUE_LIMIT)]
        for mac in others:
            (self.queue / mac).touch()
        self.call("add", MAC, ADDRESS)
        self.assertEqual(set(others), set(self.notes()))
        # One that waits already is noted as it is now.
        self.call("add", others[0], ADDRESS)
        self.assertEqual(f"add {others[0]} {ADDRESS} pxeboot\n".encode(), self.notes()[others[0]])
        (self.queue / others[1]).unlink()
        self.call("add", MAC, ADDRESS)
        self.assertIn(MAC, self.notes())

    def test_without_a_queue_nothing_happens(self) -> None:
        self.write_script(self.directory / "gone")
        self.call("add", MAC, ADDRESS)
        self.assertEqual({"it's a $(queue)", "lease-update.sh"}, {path.name for path in self.directory.iterdir()})

    def test_the_conductor_may_read_the_note_of_a_script_that_ran_as_somebody_else(self) -> None:
        self.call("add", MAC, ADDRESS)
        self.assertEqual(0o644, (self.queue / MAC).stat().st_mode & 0o777)


@ddt.ddt
class ParseTest(testing.TestCase):
    def test_the_parts_are_read(self) -> None:
        expected = leases.Lease("old", MAC, ADDRESS, ("efi", "pxeboot"))
        self.assertEqual(expected, leases.parse(f"old {MAC.upper()} {ADDRESS} efi pxeboot\n".encode()))

    def test_an_address_may_be_of_version_6(self) -> None:
        self.assertEqual("fd00::9", leases.parse(f"add {MAC} fd00::9 pxeboot\n".encode()).address)

    @ddt.data(
        b"",
        b"\n",
        b"add",
        b"\xff\xfe",
        f"add {MAC} {ADDRESS} pxeboot".encode(),
        f"add {MAC} {ADDRESS} pxeboot\nadd {MAC} {ADDRESS} pxeboot\n".encode(),
        f"del {MAC} {ADDRESS} pxeboot\n".encode(),
        f"add {MAC[:-1]} {ADDRESS} pxeboot\n".encode(),
        f"add 01{MAC[2:]} {ADDRESS} pxeboot\n".encode(),
        f"add 00:00:00:00:00:00 {ADDRESS} pxeboot\n".encode(),
        f"add {MAC} 169.254.202.256 pxeboot\n".encode(),
        f"add {MAC} {'1' * 46} pxeboot\n".encode(),
        f"add {MAC} {ADDRESS} px\x00boot\n".encode(),
        f"add {MAC} {ADDRESS}{' x' * 300}\n".encode(),
    )
    def test_what_the_script_did_not_write_is_malformed(self, note: bytes) -> None:
        self.assertRaises(leases.MalformedError, leases.parse, note)

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=600))
    def test_anything_is_a_lease_or_malformed(self, note: bytes) -> None:
        with contextlib.suppress(leases.MalformedError):
            self.assertIsInstance(leases.parse(note), leases.Lease)


@ddt.ddt
class DiscoversTest(testing.TestCase):
    @ddt.data(("pxeboot",), ("efi", "pxeboot"), ("known-othernet", "pxeboot"))
    def test_a_machine_that_boots_from_the_network_shows_itself(self, tags: tuple[str, ...]) -> None:
        for action in ("add", "old"):
            self.assertTrue(leases.discovers(leases.Lease(action, MAC, ADDRESS, tags), NETWORK))

    @ddt.data(("mgmt",), ("known", "mgmt"), ("infra",))
    def test_a_lease_of_another_network_discovers_nobody(self, tags: tuple[str, ...]) -> None:
        self.assertFalse(leases.discovers(leases.Lease("add", MAC, ADDRESS, tags), NETWORK))

    def test_a_lease_without_tags_discovers_a_machine_by_its_address(self) -> None:
        self.assertTrue(leases.discovers(leases.Lease("old", MAC, ADDRESS, ()), NETWORK))
        for address in ("192.168.204.10", "fd00::1"):
            self.assertFalse(leases.discovers(leases.Lease("old", MAC, address, ()), NETWORK))
