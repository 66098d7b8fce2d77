# SPDX-License-Identifier: Apache-2.0
"""What mtce-client is told on hosts of a lab."""

import configparser
import io

from oslotest import base

from mtce.watchdog import settings
from stxembedded import config
from stxlab import hostoptions, image, installer


class OptionsTest(base.BaseTestCase):
    def test_the_networks_are_those_that_the_host_has_a_port_in(self) -> None:
        found = hostoptions.options(["lo", "mgmt", "pxeboot", "cluster"], "192.0.2.9")
        self.assertEqual("mgmt:mgmt,cluster:cluster", found["mtce_resources"]["networks"])

    def test_an_installed_host_has_them_in_its_configuration(self) -> None:
        told = configparser.ConfigParser()
        told.read_file(io.StringIO(installer._configuration("compute-0", "rabbit://", "worker", is_controller=False)))
        self.assertEqual("touch /.wiped", told["mtce_host"]["wipe_command"])
        self.assertEqual("", told["mtce_resources"]["cpu"])
        self.assertEqual("/etc/starlingx/host.key", told["DEFAULT"]["host_key_file"])
        self.assertTrue(told.getboolean("mtce", "may_reboot"))

    def test_they_can_be_written_as_the_first_controller_s(self) -> None:
        self.assertIn("[mtce_host]", config.ini(hostoptions.options(["mgmt"], None)))


class ImageTest(base.BaseTestCase):
    """What mtce-client and mtce-watchdog find on a new disk."""

    etc = image.FILES / "files" / "etc"

    def test_the_watchdog_can_read_what_it_is_told_and_resets_the_container_alone(self) -> None:
        told = settings.read(self.etc / "starlingx" / "watchdog.yaml")
        self.assertEqual("", told.device)
        self.assertEqual(("systemctl", "reboot", "--force", "--force"), told.reset_command)

    def test_every_unit_that_a_host_starts_is_there(self) -> None:
        units = self.etc / "systemd" / "system"
        for link in (units / "stx-host.target.wants").iterdir():
            self.assertTrue((units / link.name).is_file(), link.name)
            self.assertEqual(f"/etc/systemd/system/{link.name}", str(link.readlink()))

    def test_no_script_is_there_by_itself(self) -> None:
        places = [
            self.etc / "goenabled.d" / "worker",
            *(self.etc / "services.d" / name for name in ("controller", "worker", "storage")),
        ]
        for place in places:
            self.assertEqual([".keep"], [path.name for path in place.iterdir()])
