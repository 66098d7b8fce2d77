# SPDX-License-Identifier: Apache-2.0
"""What is in the files that hosts are named, addressed and installed by."""

import ipaddress
from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from stx import testing
from sysinv import boot_files, defaults
from sysinv.db import models

UUID = "6a2a0f5e-8d1f-4a55-9a66-1d2f1f0c7b11"
URL = "http://controller:6385"


def host(**values: Any) -> dict[str, Any]:
    """A host that is to be installed."""
    return {
        **defaults.host("26.11"),
        "uuid": UUID,
        "hostname": "compute-0",
        "personality": "worker",
        "subfunctions": "worker",
        "mgmt_mac": "08:00:27:00:00:0a",
        "mgmt_ip": "192.168.204.10",
        "action_state": "reinstalling",
        **values,
    }


def arguments(found: dict[str, Any], url: str = URL) -> list[str]:
    """The words of the kernel's command line."""
    (content,) = boot_files.pxelinux([found], url).values()
    (line,) = [line for line in content.splitlines() if line.strip().startswith("APPEND ")]
    return line.split()[1:]


class DnsmasqTest(testing.TestCase):
    def test_a_host_gets_its_name_and_address_by_its_mac_address(self) -> None:
        hosts = [host(), host(hostname="compute-1", mgmt_mac="08:00:27:00:00:0b", mgmt_ip="192.168.204.11")]
        expected = "08:00:27:00:00:0a,compute-0,192.168.204.10,1d\n08:00:27:00:00:0b,compute-1,192.168.204.11,1d\n"
        self.assertEqual(expected, boot_files.dnsmasq_hosts(hosts))

    def test_a_host_without_a_mac_address_gets_its_address_by_its_name(self) -> None:
        self.assertEqual("compute-0,192.168.204.10\n", boot_files.dnsmasq_hosts([host(mgmt_mac=None)]))

    def test_an_address_of_version_6_is_in_brackets(self) -> None:
        self.assertEqual("08:00:27:00:00:0a,compute-0,[fd00::a],1d\n", boot_files.dnsmasq_hosts([host(mgmt_ip="fd00::a")]))

    def test_a_host_without_personality_has_no_line(self) -> None:
        discovered = host(hostname=None, personality=None, mgmt_ip=None)
        self.assertEqual("", boot_files.dnsmasq_hosts([discovered]))
        self.assertNotIn("compute", boot_files.dnsmasq_names([discovered], *NETWORKS))

    def test_names_are_resolved_and_the_active_controllers_too(self) -> None:
        hosts = [host(hostname="controller-0", mgmt_ip="192.168.204.3"), host()]
        expected = [
            "192.168.204.2 controller",
            "169.254.202.2 pxecontroller",
            "192.168.204.3 controller-0",
            "192.168.204.10 compute-0",
        ]
        self.assertEqual(expected, boot_files.dnsmasq_names(hosts, *NETWORKS).splitlines())


NETWORKS = ipaddress.ip_network("192.168.204.0/24"), ipaddress.ip_network("169.254.202.0/24")


@ddt.ddt
class PxelinuxTest(testing.TestCase):
    def test_the_file_is_called_as_the_boot_loader_asks_for_it(self) -> None:
        self.assertEqual(["01-08-00-27-00-00-0a"], list(boot_files.pxelinux([host()], URL)))
        self.assertEqual("01-08-00-27-00-00-0a", boot_files.pxelinux_name("08:00:27:00:00:0A"))

    def test_the_kernel_is_told_what_the_installer_must_know(self) -> None:
        expected = [
            "initrd=rel-26.11/installer-initrd",
            "boot_device=sda",
            "rootfs_device=sda",
            "console=ttyS0,115200",
            "inst.text",
            "inst.gpt",
            "security_profile=standard",
            "user_namespace.enable=1",
            f"tisnotify=http://controller:6385/v1/ihosts/{UUID}/install_progress",
            "inst.ks=http://pxecontroller/feed/rel-26.11/net_worker_ks.cfg",
            "stx.personality=worker",
            "stx.subfunctions=worker",
            "stx.hostname=compute-0",
        ]
        self.assertEqual(expected, arguments(host()))

    def test_the_file_is_complete(self) -> None:
        (content,) = boot_files.pxelinux([host()], URL).values()
        self.assertTrue(content.startswith(boot_files.MARK))
        for line in ("DEFAULT install", "LABEL install", "  KERNEL rel-26.11/installer-bzImage"):
            self.assertIn(line, content.splitlines())

    @ddt.data(
        ("controller", "controller"),
        ("controller,worker", "smallsystem"),
        ("controller,worker,lowlatency", "smallsystem_lowlatency"),
        ("worker", "worker"),
        ("worker,lowlatency", "worker_lowlatency"),
        ("storage", "storage"),
    )
    @ddt.unpack
    def test_the_kickstart_is_that_of_what_the_host_does(self, subfunctions: str, expected: str) -> None:
        found = arguments(host(personality=subfunctions.partition(",")[0], subfunctions=subfunctions))
        self.assertIn(f"inst.ks=http://pxecontroller/feed/rel-26.11/net_{expected}_ks.cfg", found)
        self.assertIn(f"stx.subfunctions={subfunctions}", found)

    def test_settings_of_the_host_count(self) -> None:
        found = arguments(
            host(boot_device="/dev/disk/by-path/x", rootfs_device="nvme0n1", console="", target_load="27.01"), URL + "/"
        )
        self.assertIn("boot_device=/dev/disk/by-path/x", found)
        self.assertIn("rootfs_device=nvme0n1", found)
        self.assertIn(f"tisnotify={URL}/v1/ihosts/{UUID}/install_progress", found)
        self.assertIn("inst.ks=http://pxecontroller/feed/rel-27.01/net_worker_ks.cfg", found)
        self.assertFalse([word for word in found if word.startswith("console")])

    def test_graphical_output_is_text_too(self) -> None:
        self.assertIn("inst.text", arguments(host(install_output="graphical")))

    @ddt.data(
        {"personality": None, "hostname": None},
        {"mgmt_mac": None},
        {"action_state": None},
        {"action_state": "reinstalled"},
        {"install_state": "booting"},
        {"install_state": "completed"},
    )
    def test_a_host_that_is_not_to_be_installed_has_no_file(self, values: dict[str, Any]) -> None:
        self.assertEqual({}, boot_files.pxelinux([host(**values)], URL))

    @ddt.data(None, "preinstall", "installing", "postinstall", "failed")
    def test_until_it_is_installed_a_host_keeps_its_file(self, state: str | None) -> None:
        self.assertEqual(1, len(boot_files.pxelinux([host(install_state=state)], URL)))

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=40), st.text(max_size=40))
    def test_no_setting_breaks_out_of_its_argument(self, device: str, console: str) -> None:
        expected = [word.partition("=")[0] for word in arguments(host(console="x"))]
        found = [word.partition("=")[0] for word in arguments(host(boot_device=device or "x", console=console or "x"))]
        self.assertEqual(expected, found)

    def test_a_machine_that_nobody_named_waits_and_looks_again(self) -> None:
        lines = boot_files.PXELINUX_DEFAULT.splitlines()
        for line in ("DEFAULT wait", "TIMEOUT 300", "ONTIMEOUT wait", "LABEL wait", "  KERNEL pxelinux.0"):
            self.assertIn(line, lines)


class SourcesTest(testing.TestCase):
    def test_sources_are_columns_of_a_host(self) -> None:
        self.assertLessEqual(boot_files.SOURCES, set(models.i_host.c.keys()))

    def test_the_files_are_made_of_nothing_else(self) -> None:
        found = host()
        needed = {name: found[name] for name in (*boot_files.SOURCES, "uuid")}
        self.assertEqual(boot_files.pxelinux([found], URL), boot_files.pxelinux([needed], URL))
        self.assertEqual(boot_files.dnsmasq_hosts([found]), boot_files.dnsmasq_hosts([needed]))
        self.assertEqual(boot_files.dnsmasq_names([found], *NETWORKS), boot_files.dnsmasq_names([needed], *NETWORKS))
